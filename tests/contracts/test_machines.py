"""Every kind of simulated machine keeps the contract of simulators.machines.contract."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.definitions import read_definition
from simulators.environment import Climate, Duty, Environment
from simulators.faults import Fault, FaultKind
from simulators.machines.screw_compressor import ScrewCompressor

CATALOGUE = Path(__file__).parents[2] / "devices" / "catalogue"
START_MS = 1_772_409_600_000  # a Monday, 2 March 2026
DAY_MS = 86_400_000
KINDS = [ScrewCompressor]
COUNTERS = {ScrewCompressor: ("run_hours", "energy")}
ENVIRONMENT = Environment(7, "Europe/Berlin", Climate(), Duty(6, 22))

each_kind = pytest.mark.parametrize("kind", KINDS)


def _minutes(days, *, step_s=60):
    return START_MS + np.arange(int(days * 86_400 / step_s), dtype=np.int64) * step_s * 1000


def _simulate(machine, times_ms, environment=ENVIRONMENT):
    return machine.simulate(times_ms, environment.at(times_ms))


def _definition(kind):
    text = (CATALOGUE / f"{kind(1).equipment_model}.toml").read_text()
    return read_definition(text)


@each_kind
def test_the_same_seed_reports_the_same(kind):
    times_ms = _minutes(3)
    first, second = _simulate(kind(5), times_ms), _simulate(kind(5), times_ms)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


@each_kind
def test_another_seed_is_another_machine(kind):
    times_ms = _minutes(1)
    first, second = _simulate(kind(5), times_ms), _simulate(kind(6), times_ms)
    differing = {name for name in first if not np.array_equal(first[name], second[name])}
    assert len(differing) > len(first) / 2


@each_kind
@given(cuts=st.lists(st.integers(0, 2 * 1440), max_size=6))
@settings(max_examples=25, deadline=None)
def test_where_stretches_are_cut_makes_no_difference(kind, cuts):
    times_ms = _minutes(2)
    faults = (Fault(FaultKind.BEARING_WEAR, START_MS, START_MS + DAY_MS),)
    whole = _simulate(kind(3, faults), times_ms)
    machine = kind(3, faults)
    parts = [_simulate(machine, part) for part in np.split(times_ms, sorted(cuts))]
    for name, values in whole.items():
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_array_equal(values, joined, err_msg=name)


@each_kind
def test_it_reports_the_metrics_of_its_definition(kind):
    names = {metric.name for metric in _definition(kind).metrics}
    assert set(_simulate(kind(1), _minutes(0.1))) == names


@each_kind
@pytest.mark.parametrize("fault", [None, *FaultKind])
@pytest.mark.parametrize("mean_c", [2.0, 20.0, 34.0])
def test_values_are_finite_and_plausible_in_any_weather_and_with_any_fault(kind, fault, mean_c):
    environment = Environment(3, "Asia/Seoul", Climate(mean_c, 9, 5), Duty(0, 20, demand=0.85))
    faults = () if fault is None else (Fault(fault, START_MS - DAY_MS, START_MS),)
    times_ms = _minutes(180, step_s=300)
    reported = _simulate(kind(2, faults), times_ms, environment)
    for metric in _definition(kind).metrics:
        values = reported[metric.name]
        assert values.shape == times_ms.shape
        assert np.isfinite(values).all(), metric.name
        assert values.min() >= metric.minimum, metric.name
        assert values.max() <= metric.maximum, metric.name


@each_kind
def test_counters_never_fall(kind):
    reported = _simulate(kind(1), _minutes(4))
    for name in COUNTERS[kind]:
        assert (np.diff(reported[name]) >= 0).all(), name
        assert reported[name][-1] > reported[name][0], name


@each_kind
@pytest.mark.parametrize("fault", list(FaultKind))
def test_a_fault_shows_after_its_onset_and_not_before(kind, fault):
    times_ms = _minutes(6)
    onset_ms = START_MS + 2 * DAY_MS
    healthy = _simulate(kind(4), times_ms)
    faulty = _simulate(kind(4, (Fault(fault, onset_ms, onset_ms + 2 * DAY_MS),)), times_ms)
    before = times_ms < onset_ms
    for name, values in healthy.items():
        np.testing.assert_array_equal(values[before], faulty[name][before], err_msg=name)
    assert any((values != faulty[name])[~before].any() for name, values in healthy.items())


@each_kind
def test_an_empty_stretch_changes_nothing(kind):
    times_ms = _minutes(1)
    machine = kind(9)
    nothing = _simulate(machine, times_ms[:0])
    assert all(values.size == 0 for values in nothing.values())
    after = _simulate(machine, times_ms)
    for name, values in _simulate(kind(9), times_ms).items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)


@each_kind
def test_a_healthy_machine_stays_within_its_limits(kind):
    reported = _simulate(kind(8), _minutes(30))
    for limit in _definition(kind).limits:
        values = reported[limit.metric]
        crossed = (
            values > limit.threshold if limit.direction == "high" else values < limit.threshold
        )
        assert not crossed.any(), limit.label


@each_kind
@pytest.mark.parametrize("fault", list(FaultKind))
def test_a_full_fault_crosses_a_limit(kind, fault):
    faults = (Fault(fault, START_MS - DAY_MS, START_MS),)
    reported = _simulate(kind(8, faults), _minutes(7))
    limits = [limit for limit in _definition(kind).limits if limit.direction == "high"]
    assert any((reported[each.metric] > each.threshold).sum() > 60 for each in limits)
