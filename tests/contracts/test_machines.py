"""Every kind of simulated machine keeps the contract of simulators.machines.contract."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import Invalid
from simulators.environment import Climate, Duty, Environment
from simulators.faults import CODES, USUAL_GROWTH, Fault, FaultKind
from simulators.machines.registry import FAULTS_OF, KINDS, make_machine
from tests.contracts.machine_watch import DAY_MS, PLACES, START_MS, count_times, load_definition

ENVIRONMENT = Environment(7, "Europe/Berlin", Climate(), Duty(6, 22))
STATES = {"running_state", "fault_code"}
COUNTERS = {
    "run_hours",
    "energy",
    "cutting_hours",
    "parts_made",
    "charge_energy",
    "deep_discharges",
    "shocks",
}

each_kind = pytest.mark.parametrize("kind", KINDS)
each_fault = pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind in KINDS for fault in FAULTS_OF[kind]]
)


def _minutes(days, *, step_s=60):
    return count_times(days, step_s)


def _simulate(machine, times_ms, environment=ENVIRONMENT):
    return machine.simulate(times_ms, environment.at(times_ms))


def _assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def _full(fault):
    return (Fault(fault, START_MS - DAY_MS, START_MS),)


@each_kind
def test_it_is_of_the_equipment_model_it_is_named_after(kind):
    assert make_machine(kind, 1).equipment_model == kind


def test_an_unknown_kind_and_a_foreign_fault_are_refused():
    with pytest.raises(Invalid, match="There is no simulated machine 'steam_engine'"):
        make_machine("steam_engine", 1)
    with pytest.raises(Invalid, match="A screw_compressor cannot have seal_leak"):
        make_machine("screw_compressor", 1, _full(FaultKind.SEAL_LEAK))


def test_every_fault_is_one_of_some_machine():
    assert {fault for kind in KINDS for fault in FAULTS_OF[kind]} == set(FaultKind)


@each_kind
def test_the_same_seed_reports_the_same(kind):
    times_ms = _minutes(3)
    first, second = (_simulate(make_machine(kind, 5), times_ms) for _ in range(2))
    _assert_equal(first, second)


@each_kind
def test_another_seed_is_another_machine(kind):
    times_ms = _minutes(1)
    first, second = (_simulate(make_machine(kind, seed), times_ms) for seed in (5, 6))
    differing = {name for name in first if not np.array_equal(first[name], second[name])}
    assert len(differing) > len(first) / 2


@each_kind
@given(cuts=st.lists(st.integers(0, 2 * 1440), max_size=6))
@settings(max_examples=20, deadline=None)
def test_where_stretches_are_cut_makes_no_difference(kind, cuts):
    times_ms = _minutes(2)
    faults = tuple(Fault(each, START_MS, START_MS + DAY_MS) for each in FAULTS_OF[kind])
    whole = _simulate(make_machine(kind, 3, faults), times_ms)
    machine = make_machine(kind, 3, faults)
    parts = [_simulate(machine, part) for part in np.split(times_ms, sorted(cuts))]
    _assert_equal(whole, {name: np.concatenate([part[name] for part in parts]) for name in whole})


@each_kind
def test_faults_that_are_set_between_stretches_count_from_then_on(kind):
    times_ms = _minutes(4)
    fault = FAULTS_OF[kind][0]
    begun = Fault(fault, START_MS, START_MS + DAY_MS)
    mended = Fault(fault, START_MS, START_MS + DAY_MS, cleared_ms=START_MS + 2 * DAY_MS)
    machine = make_machine(kind, 3, (begun,))
    first = _simulate(machine, times_ms[: 2 * 1440])
    machine.set_faults((mended,))
    second = _simulate(machine, times_ms[2 * 1440 :])
    whole = _simulate(make_machine(kind, 3, (mended,)), times_ms)
    _assert_equal(whole, {name: np.concatenate([first[name], second[name]]) for name in whole})


@each_kind
def test_it_reports_the_metrics_of_its_definition(kind):
    names = {metric.name for metric in load_definition(kind).metrics}
    assert set(_simulate(make_machine(kind, 1), _minutes(0.1))) == names


@pytest.mark.parametrize(
    ("kind", "faults"),
    [(kind, faults) for kind in KINDS for faults in ((), *((each,) for each in FAULTS_OF[kind]))],
)
@pytest.mark.parametrize("mean_c", [2.0, 34.0])
def test_values_are_plausible_in_any_weather_and_with_any_fault(kind, faults, mean_c):
    environment = Environment(3, "Asia/Seoul", Climate(mean_c, 9, 5), Duty(0, 20, demand=0.85))
    times_ms = _minutes(180, step_s=600)
    machine = make_machine(kind, 2, tuple(_full(each)[0] for each in faults))
    reported = _simulate(machine, times_ms, environment)
    for metric in load_definition(kind).metrics:
        values = reported[metric.name]
        assert values.shape == times_ms.shape
        assert np.isfinite(values).all(), metric.name
        assert values.min() >= metric.minimum, metric.name
        assert values.max() <= metric.maximum, metric.name


@each_kind
def test_counters_never_fall(kind):
    reported = _simulate(make_machine(kind, 1), _minutes(4))
    for name in COUNTERS & reported.keys():
        assert (np.diff(reported[name]) >= 0).all(), name
    for name in ("run_hours", "energy"):
        assert reported[name][-1] > reported[name][0], name


@each_fault
def test_a_fault_shows_after_its_onset_and_not_before(kind, fault):
    times_ms = _minutes(6)
    onset_ms = START_MS + 2 * DAY_MS
    spoilt = Fault(fault, onset_ms, onset_ms + 2 * DAY_MS, USUAL_GROWTH[fault])
    healthy = _simulate(make_machine(kind, 4), times_ms)
    faulty = _simulate(make_machine(kind, 4, (spoilt,)), times_ms)
    before = ~spoilt.is_present(times_ms)
    for name, values in healthy.items():
        np.testing.assert_array_equal(values[before], faulty[name][before], err_msg=name)
    changed = {name for name in healthy if (healthy[name] != faulty[name]).any()}
    assert changed - STATES


@each_fault
def test_the_controller_shows_its_code_once_it_sees_the_fault(kind, fault):
    healthy = _simulate(make_machine(kind, 4), _minutes(2))
    faulty = _simulate(make_machine(kind, 4, _full(fault)), _minutes(2))
    assert not healthy["fault_code"].any()
    assert set(faulty["fault_code"].tolist()) == {float(CODES.get(fault, 0))}


@each_kind
def test_an_empty_stretch_changes_nothing(kind):
    times_ms = _minutes(1)
    machine = make_machine(kind, 9)
    nothing = _simulate(machine, times_ms[:0])
    assert all(values.size == 0 for values in nothing.values())
    _assert_equal(_simulate(machine, times_ms), _simulate(make_machine(kind, 9), times_ms))


@each_kind
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.time_zone)
@pytest.mark.parametrize("seed", [8, 21])
def test_a_healthy_machine_stays_within_its_limits_all_year(kind, place, seed):
    reported = _simulate(make_machine(kind, seed), _minutes(365, step_s=600), place)
    for limit in load_definition(kind).limits:
        sign = 1.0 if limit.direction == "high" else -1.0
        assert (sign * reported[limit.metric] <= sign * limit.threshold).all(), limit.label


@each_kind
def test_a_day_of_144_readings_takes_milliseconds(kind):
    """Mark: 10 ms of one core; the machines of a demo live through years of such days."""
    machine, times_ms = make_machine(kind, 1), _minutes(40, step_s=600)
    around = [ENVIRONMENT.at(day) for day in np.split(times_ms, 40)]
    began = time.process_time()
    for day, surroundings in zip(np.split(times_ms, 40), around, strict=True):
        machine.simulate(day, surroundings)
    assert (time.process_time() - began) / 40 < 0.010
