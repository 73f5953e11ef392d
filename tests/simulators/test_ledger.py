import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.faults import Fault, FaultKind, Growth
from simulators.ledger import Act, Ledger, Row, gather_faults

WEAR, COOLER = FaultKind.BEARING_WEAR, FaultKind.OIL_COOLER_CLOGGING


def begin(kind=WEAR, onset_ms=100, full_ms=200, device="sc-1", act=Act.PLAN):
    return Row(
        act=act,
        device=device,
        kind=kind,
        onset_ms=onset_ms,
        full_ms=full_ms,
        growth=Growth.ACCELERATING,
        at_ms=onset_ms,
    )


def repair(at_ms, kind=None, device="sc-1"):
    return Row(act=Act.REPAIR, device=device, kind=kind, at_ms=at_ms)


@pytest.fixture
def ledger(tmp_path):
    return Ledger.of_folder(tmp_path)


def test_before_the_first_row_it_is_empty(ledger):
    assert (ledger.read(), ledger.size) == ((), 0)


def test_rows_come_back_in_order_and_size_tells_that_it_grew(ledger):
    rows = (begin(), begin(COOLER, act=Act.INJECT), repair(300))
    ledger.append(rows[0])
    before = ledger.size
    ledger.append(*rows[1:])
    assert ledger.read() == rows
    assert ledger.size > before > 0


def test_no_rows_make_no_file(ledger):
    ledger.append()
    assert not ledger.path.exists()


def test_only_its_owner_can_read_it(ledger):
    ledger.append(begin())
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_half_written_line_is_left_out_and_swallows_nothing(ledger):
    ledger.append(begin())
    with ledger.path.open("ab") as file:
        file.write(b'{"act":"repair","dev')
    assert ledger.read() == (begin(),)
    ledger.append(repair(300))
    assert ledger.read() == (begin(), repair(300))


@pytest.mark.parametrize("line", [b"\xff\xfe", b"7", b'{"act":"dance","device":"a","at_ms":1}'])
def test_a_line_that_makes_no_sense_is_left_out(ledger, line):
    ledger.append(begin())
    with ledger.path.open("ab") as file:
        file.write(line + b"\n")
    assert ledger.read() == (begin(),)


def test_a_full_disk_is_told():
    with pytest.raises(OSError, match="No space left"):
        Ledger(Path("/dev/full")).append(begin())


def test_rows_of_several_writers_do_not_mix(ledger):
    def write(device):
        for at_ms in range(50):
            ledger.append(repair(at_ms, device=device), repair(at_ms, device=device))

    writers = [threading.Thread(target=write, args=(f"sc-{n}",)) for n in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert len(ledger.read()) == 400


def test_a_repair_ends_every_fault_of_its_device_that_has_begun():
    rows = [begin(), begin(COOLER), begin(onset_ms=400, full_ms=500), begin(device="sc-2")]
    faults = gather_faults([*rows, repair(300)])
    assert [each.cleared_ms for each in faults["sc-1"]] == [300, 300, None]
    assert [each.cleared_ms for each in faults["sc-2"]] == [None]


def test_a_repair_of_one_kind_leaves_the_others():
    faults = gather_faults([begin(), begin(COOLER), repair(300, COOLER)])
    assert {each.kind: each.cleared_ms for each in faults["sc-1"]} == {WEAR: None, COOLER: 300}


def test_the_first_repair_counts_however_late_it_is_written_down():
    (fault,) = gather_faults([begin(), repair(900), repair(300)])["sc-1"]
    assert fault == Fault(WEAR, 100, 200, Growth.ACCELERATING, 300)


_ROWS = st.lists(
    st.one_of(
        st.builds(
            begin,
            kind=st.sampled_from([WEAR, COOLER]),
            onset_ms=st.integers(0, 100),
            full_ms=st.integers(100, 200),
            device=st.sampled_from(["a", "b"]),
            act=st.sampled_from([Act.PLAN, Act.INJECT]),
        ),
        st.builds(
            repair,
            at_ms=st.integers(0, 250),
            kind=st.sampled_from([None, WEAR, COOLER]),
            device=st.sampled_from(["a", "b"]),
        ),
    ),
    max_size=12,
)


@given(_ROWS, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_each_begun_fault_is_told_once_and_the_order_of_rows_does_not_matter(rows, random):
    gathered = gather_faults(rows)
    told = [(device, each.kind, each.onset_ms) for device in gathered for each in gathered[device]]
    begun = [(row.device, row.kind, row.onset_ms) for row in rows if row.act is not Act.REPAIR]
    assert sorted(told) == sorted(begun)
    for faults in gathered.values():
        assert all(each.cleared_ms is None or each.cleared_ms > each.onset_ms for each in faults)
    mixed = list(rows)
    random.shuffle(mixed)
    assert {key: set(each) for key, each in gather_faults(mixed).items()} == {
        key: set(each) for key, each in gathered.items()
    }
