"""What was last heard of each machine, by metric; older readings change nothing."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.latest import Latest, LatestReading

updates = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.dictionaries(st.sampled_from("abc"), st.floats(0, 9), min_size=1),
    ),
    min_size=1,
    max_size=20,
)


@pytest.fixture
def latest():
    return Latest()


def test_a_machine_that_was_never_heard_is_unknown(latest):
    assert latest.find(1) is None
    assert latest.at_ms([1]) == {}


def test_each_metric_keeps_its_newest_value_with_its_own_time(latest):
    latest.update(1, 1_000, {"a": 1.0, "b": 2.0})
    latest.update(1, 2_000, {"a": 3.0})
    latest.update(1, 1_500, {"a": 9.0, "b": 4.0})
    assert latest.find(1) == LatestReading(2_000, {"a": (3.0, 2_000), "b": (4.0, 1_500)})
    assert latest.at_ms([1, 2]) == {1: 2_000}


def test_of_two_values_of_one_time_the_last_counts(latest):
    latest.update(1, 1_000, {"a": 1.0})
    latest.update(1, 1_000, {"a": 2.0})
    assert latest.find(1).values == {"a": (2.0, 1_000)}


@given(updates)
def test_it_holds_the_newest_whatever_the_order(rows):
    latest = Latest()
    for at_ms, values in rows:
        latest.update(1, at_ms, values)
    held = latest.find(1)
    assert held.at_ms == max(at_ms for at_ms, _ in rows)
    for name in {name for _, values in rows for name in values}:
        times = [at_ms for at_ms, values in rows if name in values]
        of_newest = [
            values[name] for at_ms, values in rows if (name in values, at_ms) == (True, max(times))
        ]
        assert held.values[name] == (of_newest[-1], max(times))


def test_what_was_handed_out_does_not_change_any_more(latest):
    latest.update(1, 1_000, {"a": 1.0})
    before = latest.find(1)
    latest.update(1, 2_000, {"a": 2.0, "b": 1.0})
    assert before == LatestReading(1_000, {"a": (1.0, 1_000)})


def test_a_clock_that_is_off_is_remembered_until_it_is_right(latest):
    latest.note_clock(1, None)
    assert latest.find(1) is None
    latest.note_clock(1, 3_600_000)
    latest.update(1, 1_000, {"a": 1.0})
    assert latest.find(1).clock_off_ms == 3_600_000
    latest.note_clock(1, None)
    assert latest.find(1).clock_off_ms is None


def test_whoever_waits_is_woken_by_the_next_batch(latest):
    version = latest.wait(-1, 0)
    timer = threading.Timer(0.05, latest.publish)
    began = time.monotonic()
    timer.start()
    assert latest.wait(version, 20) == version + 1
    assert time.monotonic() - began < 10


def test_a_batch_that_came_before_the_waiting_is_not_missed(latest):
    version = latest.wait(-1, 0)
    latest.publish()
    assert latest.wait(version, 0) == version + 1


def test_without_a_batch_the_waiting_ends_in_time(latest):
    assert latest.wait(0, 0.01) == 0


def test_after_a_start_it_is_read_from_the_store(plant):
    plant.send({"ts": plant.ms(-60), "values": {"temperature": 50, "pressure": 5}})
    plant.send({"ts": plant.ms(0), "values": {"temperature": 60}})
    plant.restart()
    held = plant.latest.find(plant.network.asset)
    assert held.at_ms == plant.ms(0)
    assert {name: value for name, (value, _) in held.values.items()} == {
        "temperature": 60.0,
        "pressure": 5.0,
    }


def test_what_lies_too_far_back_is_not_the_latest(plant):
    plant.send({"ts": plant.ms(-60), "values": {"pressure": 5}})
    fresh = Latest()
    fresh.rebuild(plant.store, {"pump": ["pressure"], "fan": ["speed"]}, plant.ms(-59))
    assert fresh.find(plant.network.asset) is None
