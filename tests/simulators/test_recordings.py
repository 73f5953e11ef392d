"""CSV measurements as recordings of devices, and one clear line for each that cannot be read."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from devices.definitions import read_definition
from foundation.clock import to_ms
from foundation.errors import Invalid
from simulators.recordings import read_mapping, read_recordings

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
SHIPPED = sorted((Path(__file__).parents[2] / "simulators" / "mappings").glob("*.toml"))
CATALOGUE = Path(__file__).parents[2] / "devices" / "catalogue"

MAPPING = """
files = ["runs/*.csv*"]
time_column = "time"
device = "rig-{stem}"
columns = ["T1", "P1"]

[installed]
definition = "pump"
manufacturer = "Works"
dealer = "Service"
customer = "Plant"
site = "Hall"
"""
RUN = """\
time,T1,P1,note
2026-03-02 06:00:00,70,5,fine
2026-03-02T06:00:10+00:00,71.5,,fine
"""


@pytest.fixture
def read(tmp_path):
    """Reads a folder of files by a mapping that is changed in some of its lines."""

    def read(files, *changes, mapping=MAPPING):
        for old, new in changes:
            assert old in mapping
            mapping = mapping.replace(old, new)
        (tmp_path / "mapping.toml").write_text(mapping)
        for name, content in files.items():
            path = tmp_path / "folder" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / "folder").mkdir(exist_ok=True)
        return read_recordings(tmp_path / "folder", read_mapping(tmp_path / "mapping.toml"))

    return read


def ms(seconds):
    return to_ms(START + timedelta(seconds=seconds))


def test_each_file_is_a_device_with_its_times_and_the_columns_that_were_asked_for(read):
    (found,) = read({"runs/one.csv": RUN})
    assert found.device == "rig-one"
    assert found.times_ms.tolist() == [ms(0), ms(10)]
    assert set(found.values) == {"T1", "P1"}
    np.testing.assert_array_equal(found.values["T1"], [70, 71.5])
    np.testing.assert_array_equal(found.values["P1"], [5, np.nan])


def test_a_column_may_name_the_device(read):
    rows = "time,machine,T1,P1\n" + "".join(
        f"2026-03-02 06:00:{second:02},{second % 2},{second},1\n" for second in range(4)
    )
    changes = [('device = "rig-{stem}"', 'device = "m-{value}"\ndevice_column = "machine"')]
    first, second = read({"runs/all.csv": rows}, *changes)
    assert (first.device, second.device) == ("m-0", "m-1")
    assert first.values["T1"].tolist() == [0, 2]
    assert second.times_ms.tolist() == [ms(1), ms(3)]


def test_files_of_one_device_are_one_recording_in_time_order(read):
    later = RUN.replace(":00:", ":05:")
    changes = [('"rig-{stem}"', '"rig-{folder}"')]
    (found,) = read({"runs/a.csv": later, "runs/b.csv": RUN}, *changes)
    assert found.device == "rig-runs"
    assert found.times_ms.tolist() == [ms(0), ms(10), ms(300), ms(310)]


def test_packed_files_and_other_separators_are_read(read):
    packed = gzip.compress(RUN.replace(",", ";").encode())
    (found,) = read({"runs/one.csv.gz": packed}, ("time_column", SEPARATOR))
    assert (found.device, len(found.times_ms)) == ("rig-one", 2)


SEPARATOR = 'separator = ";"\ntime_column'


def test_a_pattern_may_be_excluded(read):
    changes = [("time_column", 'exclude = ["runs/bad*"]\ntime_column')]
    found = read({"runs/one.csv": RUN, "runs/bad.csv": "rubbish"}, *changes)
    assert [each.device for each in found] == ["rig-one"]


def test_aligned_recordings_begin_together_and_keep_their_spacing(read):
    early = RUN.replace("2026-03-02", "2025-01-01")
    changes = [("time_column", "aligned = true\ntime_column")]
    found = read({"runs/one.csv": RUN, "runs/two.csv": early}, *changes)
    start = to_ms(datetime(2025, 1, 1, 6, tzinfo=UTC))
    assert [each.times_ms.tolist() for each in found] == [[start, start + 10_000]] * 2


def test_times_of_another_zone_are_the_same_instants(read):
    moved = RUN.replace("06:00:10+00:00", "15:00:10+09:00")
    (found,) = read({"runs/one.csv": moved})
    assert found.times_ms.tolist() == [ms(0), ms(10)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (RUN.replace("P1", "P2"), "one.csv lacks the column P1"),
        (RUN.replace("71.5", "warm"), "one.csv, line 3: 'warm' is no number"),
        (RUN.replace("2026-03-02 06", "noon"), "one.csv, line 2: 'noon:00:00' is no time"),
        (RUN + "\n,1,2\n", "one.csv, line 5: '' is no time"),
        (RUN.encode("utf-16"), "one.csv cannot be read"),
        (b"\x00", "lacks the column"),
        ("", "lacks the column time, T1, P1"),
        (RUN.split("\n", 1)[0] + "\n", "hold no row"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(read, content, words):
    with pytest.raises(Invalid) as refused:
        read({"runs/one.csv": content})
    assert words in str(refused.value)


def test_a_short_row_has_no_value_where_it_ends(read):
    (found,) = read({"runs/one.csv": RUN + "2026-03-02 06:00:20,72\n"})
    np.testing.assert_array_equal(found.values["P1"], [5, np.nan, np.nan])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no gzip", id="not packed"),
        pytest.param(gzip.compress(RUN.encode())[:-20], id="cut short"),
    ],
)
def test_a_packed_file_that_is_broken_is_named(read, content):
    with pytest.raises(Invalid, match=r"one\.csv\.gz cannot be read"):
        read({"runs/one.csv.gz": content})


def test_a_folder_without_a_fitting_file_is_refused_with_the_patterns(read):
    with pytest.raises(Invalid, match=r"No file below .* fits runs/\*\.csv\*"):
        read({"one.csv": RUN})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('columns = ["T1", "P1"]', "columns = []"), "columns names none"),
        (("{stem}", "{name}"), "device may hold"),
        (("{stem}", "{0}"), "device may hold"),
        (("{stem}", "{"), "does not fit"),
        (('time_column = "time"', ""), "time_column"),
        (('files = ["runs/*.csv*"]', 'files = "runs"'), "files"),
        (('site = "Hall"', 'sight = "Hall"'), "sight"),
        (("[installed]", "[installed"), "does not fit"),
    ],
)
def test_a_mapping_that_does_not_fit_says_where(read, change, words):
    with pytest.raises(Invalid, match=r"mapping\.toml does not fit") as refused:
        read({"runs/one.csv": RUN}, change)
    assert words in str(refused.value)


def test_a_mapping_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(Invalid, match="cannot be read"):
        read_mapping(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_shipped_mapping_sends_what_its_definition_knows(path):
    mapping = read_mapping(path)
    text = (CATALOGUE / f"{mapping.installed.definition}.toml").read_text(encoding="utf-8")
    definition = read_definition(text)
    known = {metric.name for metric in definition.metrics}
    known |= {signal.signal for signal in definition.signals}
    assert set(mapping.columns) <= known
