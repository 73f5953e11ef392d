"""What the platform's own detectors find in the reports of one simulated machine."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devices.definitions import read_definition
from simulators.environment import Climate, Duty, Environment
from simulators.machines.registry import make_machine
from telemetry.detectors.carried import CarriedState
from telemetry.detectors.contract import detect
from telemetry.detectors.normal_fitting import fit_normal_period
from telemetry.detectors.normal_period import NormalPeriodDetector
from telemetry.regimes import keep_regime
from telemetry.reporting_interval import report_every
from telemetry.store.contract import Samples
from telemetry.training import read_plan
from telemetry.watches import _limit_watch

CATALOGUE = Path(__file__).parents[2] / "devices" / "catalogue"
START_MS = 1_772_409_600_000  # a Monday, 2 March 2026
DAY_MS = 86_400_000
EVERY_DAY = tuple(range(7))
# Hard work in hot and cold places, short shifts, and no shifts at all.
PLACES = (
    Environment(3, "Europe/Berlin", Climate(19, 7, 3), Duty(6, 22, demand=0.68)),
    Environment(4, "Europe/Paris", Climate(22, 8, 4), Duty(0, 24, EVERY_DAY, demand=0.76)),
    Environment(5, "Asia/Seoul", Climate(21, 11, 4), Duty(7, 19, demand=0.58)),
)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that would have been raised."""

    condition: str
    at_ms: int
    metric: str


def load_definition(kind):
    """The shipped definition of a machine's kind."""
    return read_definition((CATALOGUE / f"{kind}.toml").read_text())


def count_times(days, interval_s):
    return (
        START_MS + np.arange(int(days * 86_400 / interval_s), dtype=np.int64) * interval_s * 1000
    )


def watch_machine(kind, seed, place, days, faults=(), *, interval_s=600, definition=None):
    """The alarms of a machine that reports for so many days, in the order of time."""
    definition = definition or report_every(load_definition(kind), interval_s)
    times_ms = count_times(days, interval_s)
    values = make_machine(kind, seed, faults).simulate(times_ms, place.at(times_ms))
    samples = Samples(np.zeros(len(times_ms), dtype=np.uint32), times_ms, values)
    raised = [*_cross_limits(definition, samples), *_leave_normal(definition, samples)]
    return sorted(raised, key=lambda each: each.at_ms)


def _cross_limits(definition, samples):
    units = {metric.name: metric.unit for metric in definition.metrics}
    intervals = {metric.name: metric.interval_s for metric in definition.metrics}
    watches = [_limit_watch(limit, units, intervals) for limit in definition.limits]
    for watch in watches:
        yield from _detect(watch.condition, watch.detector, samples, {})


def _leave_normal(definition, samples):
    plan = read_plan(definition)
    kept = keep_regime(samples, plan.regime)
    wanted = plan.settings.normal_readings
    assert len(kept.at_ms) > wanted, "too short a history for its normal period"
    first = Samples(
        kept.asset[:wanted],
        kept.at_ms[:wanted],
        {name: kept.values[name][:wanted] for name in plan.metrics},
    )
    model = fit_normal_period(first, asset=0, settings=plan.settings)
    detector = NormalPeriodDetector.of({0: model})
    yield from _detect("normal_period", detector, kept, {0: int(kept.at_ms[wanted - 1])})


def _detect(condition, detector, samples, seen_ms):
    found = detect(detector, samples, CarriedState.starting(seen_ms))
    for change in found.transitions:
        if change.is_raise:
            metric = next(iter(found.scores.shares(change.row)))
            yield Raised(condition, change.at_ms, metric)
