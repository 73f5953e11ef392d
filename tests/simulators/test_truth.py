"""The rule that matches tickets with faults, and the figures made of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.faults import Fault, FaultKind
from simulators.truth import (
    GRACE_MS,
    TOTAL,
    Detection,
    Done,
    Outcome,
    Share,
    is_right,
    judge,
    score,
)

HOUR = 3_600_000
DAY = 24 * HOUR
WEAR, COOLER = FaultKind.BEARING_WEAR, FaultKind.OIL_COOLER_CLOGGING


def done(onset=10, full=20, cleared=None, *, kind=WEAR, device="sc-1"):
    """Times in days."""
    ends = None if cleared is None else int(cleared * DAY)
    fault = Fault(kind, int(onset * DAY), int(full * DAY), cleared_ms=ends)
    return Done(device, "screw_compressor", fault)


def seen(*days, device="sc-1"):
    return Detection(device, "screw_compressor", tuple(int(day * DAY) for day in days))


def outcome(fault, *detections, until=100):
    (judged,) = judge([fault], detections, until_ms=int(until * DAY))
    return judged.outcome


def measure(faults, detections, until=100):
    months = {"screw_compressor": 12.0}
    return score(faults, detections, asset_months=months, until_ms=int(until * DAY))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (9.9, Outcome.MISSED),
        (10, Outcome.FOUND),
        (25, Outcome.FOUND),
        (30, Outcome.FOUND),
        (30.9, Outcome.FOUND),
        (31.1, Outcome.MISSED),
    ],
)
def test_a_ticket_finds_a_fault_from_its_onset_to_a_day_after_its_end(day, expected):
    assert outcome(done(cleared=30), seen(day)) is expected
    assert is_right(seen(day), [done(cleared=30)]) is (expected is Outcome.FOUND)


def test_a_ticket_of_another_machine_finds_nothing():
    assert outcome(done(), seen(12, device="sc-2")) is Outcome.MISSED


def test_an_older_ticket_finds_it_by_an_alarm_that_joins_it():
    (judged,) = judge([done()], [seen(5, 14)], until_ms=100 * DAY)
    assert (judged.outcome, judged.found_ms) == (Outcome.FOUND, 14 * DAY)
    assert judged.lead_h == 6 * 24


@pytest.mark.parametrize(
    ("fault", "until", "expected"),
    [
        (done(10, 20), 19, Outcome.PENDING),
        (done(10, 20), 20, Outcome.MISSED),
        (done(10, 20, cleared=15), 16, Outcome.MISSED),
        (done(10, 20, cleared=30), 15, Outcome.PENDING),
    ],
)
def test_who_is_not_found_is_missed_only_once_full_or_over(fault, until, expected):
    assert outcome(fault, until=until) is expected


def test_what_has_not_begun_is_left_out():
    assert judge([done(10)], [], until_ms=10 * DAY) == []


def test_figures_of_a_small_fleet():
    faults = [done(), done(40, 50, kind=COOLER), done(90, 120, device="sc-3"), done(device="sc-4")]
    tickets = [seen(15), seen(45), seen(12, device="sc-2")]
    found = measure(faults, tickets)
    by_fault = {each.name: each for each in found.by_fault}
    assert by_fault["bearing_wear"].recall == Share(1, 2)
    assert by_fault["bearing_wear"].pending == 1
    assert by_fault["oil_cooler_clogging"].median_lead_h == 5 * 24
    assert by_fault[TOTAL].recall == Share(2, 3)
    assert found.by_fault[-1].name == found.by_machine[-1].name == TOTAL


def test_false_alarms_are_counted_by_machine_and_month():
    found = measure([done()], [seen(12), seen(5), seen(12, device="sc-2")])
    machine, total = found.by_machine
    assert machine.precision == total.precision == Share(1, 3)
    assert total.false_alarms == 2
    assert total.false_alarms_per_asset_month == pytest.approx(2 / 12)


def test_without_a_count_there_is_no_figure():
    found = score([], [], asset_months={}, until_ms=0)
    (faults,), (machines,) = found.by_fault, found.by_machine
    assert faults.recall.value is None
    assert faults.recall.interval is None
    assert faults.median_lead_h is None
    assert machines.false_alarms_per_asset_month is None


def test_the_interval_is_that_of_wilson():
    low, high = Share(8, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_interval_holds_the_share_within_0_and_1(count, more):
    share = Share(count, count + more)
    low, high = share.interval
    assert 0.0 <= low <= share.value + 1e-12
    assert share.value <= high + 1e-12 <= 1.0 + 1e-11


_DEVICES = st.sampled_from(["a", "b"])
_DAYS = st.floats(0, 60, allow_nan=False)
_FAULTS = st.lists(
    st.builds(
        lambda device, kind, onset, length, ends: done(
            onset,
            onset + length,
            None if ends is None else onset + length + ends,
            kind=kind,
            device=device,
        ),
        _DEVICES,
        st.sampled_from([WEAR, COOLER]),
        _DAYS,
        st.floats(0.1, 30),
        st.none() | st.floats(0.1, 20),
    ),
    max_size=6,
)
_TICKETS = st.lists(
    st.builds(
        lambda device, days: seen(*sorted(days), device=device),
        _DEVICES,
        st.lists(_DAYS, min_size=1, max_size=3),
    ),
    max_size=8,
)


@given(_FAULTS, _TICKETS, st.floats(0, 70))
@settings(max_examples=150, deadline=None)
def test_the_counts_add_up(faults, tickets, until):
    found = measure(faults, tickets, until)
    *by_kind, total = found.by_fault
    begun = [each for each in faults if each.fault.onset_ms < int(until * DAY)]
    assert total.recall.of + total.pending == len(begun)
    assert sum(each.recall.count for each in by_kind) == total.recall.count
    assert sum(each.recall.of for each in by_kind) == total.recall.of
    assert len(total.leads_h) == total.recall.count
    assert found.by_machine[-1].precision.of == len(tickets)


@given(_FAULTS, _TICKETS, _TICKETS)
@settings(max_examples=100, deadline=None)
def test_more_tickets_never_find_less_nor_later(faults, tickets, more):
    until_ms = 100 * DAY
    before = judge(faults, tickets, until_ms=until_ms)
    after = judge(faults, tickets + more, until_ms=until_ms)
    for first, second in zip(before, after, strict=True):
        if first.outcome is Outcome.FOUND:
            assert second.found_ms <= first.found_ms


@given(_FAULTS, _TICKETS)
@settings(max_examples=100, deadline=None)
def test_who_finds_lies_within_and_every_right_ticket_finds(faults, tickets):
    judged = judge(faults, tickets, until_ms=100 * DAY)
    for each in judged:
        if each.found_ms is not None:
            ends = each.done.fault.cleared_ms
            assert each.found_ms >= each.done.fault.onset_ms
            assert ends is None or each.found_ms <= ends + GRACE_MS
    found = {(each.done.device, each.outcome) for each in judged}
    for ticket in tickets:
        if is_right(ticket, faults):
            assert (ticket.device, Outcome.FOUND) in found


@given(_FAULTS, _TICKETS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_makes_no_difference(faults, tickets, random):
    mixed = random.sample(tickets, len(tickets))
    assert measure(faults, tickets) == measure(faults, mixed)
