import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Invalid
from simulators.machines.registry import KINDS, SENSORS_OF
from simulators.sensor_faults import (
    FaultySensors,
    SensorFault,
    SensorFaultKind,
    draw_sensor_faults,
)

DAY_MS = 86_400_000
TIMES_MS = np.arange(1_000, dtype=np.int64) * 600_000
TRUE = {"oil": 60.0 + np.sin(TIMES_MS / DAY_MS), "air": np.full(1_000, 7.0)}
FROM_MS, UNTIL_MS = 2 * DAY_MS, 5 * DAY_MS
DURING = (TIMES_MS >= FROM_MS) & (TIMES_MS < UNTIL_MS)


def _fault(kind, size=1.0):
    return SensorFault("oil", kind, FROM_MS, UNTIL_MS, size)


def _read(*faults, seed=1):
    return FaultySensors(seed, faults).read(TIMES_MS, TRUE)


@pytest.mark.parametrize("kind", list(SensorFaultKind))
def test_only_its_metric_and_only_its_time_are_touched(kind):
    read = _read(_fault(kind))
    np.testing.assert_array_equal(read["air"], TRUE["air"])
    np.testing.assert_array_equal(read["oil"][~DURING], TRUE["oil"][~DURING])
    assert (read["oil"] != TRUE["oil"])[DURING][1:].all()
    np.testing.assert_array_equal(_fault(kind).is_present(TIMES_MS), DURING)


def test_what_drifts_is_off_by_more_each_day():
    off = (_read(_fault(SensorFaultKind.DRIFT, -0.5))["oil"] - TRUE["oil"])[DURING]
    assert off[0] == pytest.approx(0.0, abs=0.01)
    assert off[-1] == pytest.approx(-1.5, abs=0.01)


def test_what_sticks_stays_at_what_it_said_first():
    stuck = _read(_fault(SensorFaultKind.STUCK))["oil"][DURING]
    assert set(stuck.tolist()) == {TRUE["oil"][DURING][0]}


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_what_drops_out_is_missing_as_often_as_it_says(share):
    missing = np.isnan(_read(_fault(SensorFaultKind.DROP_OUT, share))["oil"])
    assert missing[DURING].mean() == pytest.approx(share, abs=0.06)
    assert not missing[~DURING].any()


def test_what_drops_out_now_and_then_does_so_by_the_seed():
    fault = _fault(SensorFaultKind.DROP_OUT, 0.5)
    first, again, other = (_read(fault, seed=seed)["oil"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (np.isnan(first) != np.isnan(other)).any()


@given(st.lists(st.integers(0, 1_000), max_size=5), st.sampled_from(list(SensorFaultKind)))
def test_where_stretches_are_cut_makes_no_difference(cuts, kind):
    faults = (_fault(kind, 0.4), SensorFault("oil", SensorFaultKind.STUCK, 0, DAY_MS))
    sensors, whole = FaultySensors(3, faults), _read(*faults, seed=3)
    parts = [
        sensors.read(TIMES_MS[rows], {name: values[rows] for name, values in TRUE.items()})["oil"]
        for rows in np.split(np.arange(1_000), sorted(cuts))
    ]
    np.testing.assert_array_equal(whole["oil"], np.concatenate(parts))


def test_a_silent_sensor_says_nothing_however_it_lies():
    faults = [_fault(kind) for kind in SensorFaultKind]
    assert np.isnan(_read(*reversed(faults))["oil"][DURING]).all()


def test_a_metric_that_is_not_there_cannot_fail():
    with pytest.raises(Invalid, match="no metric 'water'"):
        _read(SensorFault("water", SensorFaultKind.STUCK, 0, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_measurements_fail_as_often_as_asked_and_counters_never(kind):
    sensors = SENSORS_OF[kind]
    drawn = [
        fault
        for seed in range(60)
        for fault in draw_sensor_faults(seed, sensors, 0, 730 * DAY_MS, a_year=2.0)
    ]
    assert len(drawn) / 120 == pytest.approx(2.0, rel=0.25)
    assert {fault.kind for fault in drawn} == set(SensorFaultKind)
    assert {fault.metric for fault in drawn} <= sensors.keys() - {"run_hours", "running_state"}
    assert all(0 <= fault.from_ms < fault.until_ms for fault in drawn)


def test_a_longer_look_tells_the_same_about_the_beginning():
    sensors = SENSORS_OF["forklift"]
    short = draw_sensor_faults(5, sensors, 0, 365 * DAY_MS, a_year=4.0)
    long = draw_sensor_faults(5, sensors, 0, 730 * DAY_MS, a_year=4.0)
    assert long[: len(short)] == short
