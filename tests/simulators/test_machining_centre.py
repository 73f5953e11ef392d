from functools import partial

import numpy as np
import pytest

from simulators.environment import Climate, Duty, Environment
from simulators.faults import FaultKind
from simulators.machines.machining_centre import spread_rating
from simulators.machines.registry import make_machine
from tests.simulators.steady import START_MS, pick, run_steady, stand_at

IDLE, CUTTING = 1, 2
run = partial(run_steady, "machining_centre", hours=48)


def _cutting(reported, name):
    return float(np.mean(pick(reported, name, CUTTING)))


def _counted(reported, name):
    return float(reported[name][-1] - reported[name][0])


def test_the_energy_meter_counts_the_power():
    reported = run(hours=240)
    assert _counted(reported, "energy") == pytest.approx(reported["power"].sum() / 60, rel=0.02)


def test_power_is_that_of_the_spindle_and_of_what_always_runs():
    reported = run()
    spindle_kw = 22 * pick(reported, "spindle_load", CUTTING) / 100 / 0.88
    rest_kw = pick(reported, "power", CUTTING) - spindle_kw
    assert 4.5 < rest_kw.mean() < 6.5
    assert rest_kw.std() < 0.6


def test_idling_takes_a_fifth_of_the_power_and_makes_nothing():
    reported = run()
    share = np.mean(pick(reported, "power", IDLE)) / _cutting(reported, "power")
    assert 0.1 < share < 0.3
    assert pick(reported, "spindle_speed", IDLE).max() < 30


@pytest.mark.parametrize("demand", [0.3, 0.5, 0.7])
def test_parts_and_cutting_hours_follow_the_demand(demand):
    reported = run(demand=demand, hours=240)
    cut_share = np.mean(reported["running_state"] == CUTTING)
    assert _counted(reported, "cutting_hours") == pytest.approx(120 * cut_share, rel=0.05)
    made_in_s = _counted(reported, "cutting_hours") * 3600 / _counted(reported, "parts_made")
    assert made_in_s == pytest.approx(spread_rating(1).part_s, rel=0.02)


def test_people_who_let_it_idle_make_fewer_parts():
    by_idling = sorted(range(30), key=lambda seed: spread_rating(seed).idling)
    hours = [_counted(run(seed=seed), "cutting_hours") for seed in (by_idling[0], by_idling[-1])]
    assert hours[0] > 1.2 * hours[1]


def test_some_leave_it_on_at_night_and_pay_for_it():
    seed = max(range(30), key=lambda each: spread_rating(each).left_on)
    times_ms = START_MS + np.arange(28 * 144, dtype=np.int64) * 600_000
    around = Environment(1, "Europe/Berlin", Climate(), Duty(6, 22)).at(times_ms)
    reported = make_machine("machining_centre", seed).simulate(times_ms, around)
    at_night = reported["running_state"][~around.is_staffed]
    assert set(at_night.tolist()) == {0, 1}
    assert reported["power"][~around.is_staffed].max() > 2


@pytest.mark.parametrize(
    ("kind", "metric", "change"),
    [
        (FaultKind.SPINDLE_BEARING_WEAR, "spindle_vibration", 3.5),
        (FaultKind.SPINDLE_BEARING_WEAR, "spindle_temperature", 25.0),
        (FaultKind.SPINDLE_BEARING_WEAR, "spindle_load", 8.0),
        (FaultKind.COOLANT_FILTER_CLOGGING, "coolant_flow", -12.0),
        (FaultKind.COOLANT_FILTER_CLOGGING, "coolant_temperature", 1.0),
        (FaultKind.HYDRAULIC_LEAK, "hydraulic_pressure", -20.0),
        (FaultKind.AXIS_FRICTION, "axis_current", 2.0),
    ],
)
def test_a_fault_moves_what_it_spoils_and_the_more_the_worse_it_is(kind, metric, change):
    means = [_cutting(run(stand_at(kind, each)), metric) for each in (0.0, 0.3, 0.6, 1.0)]
    assert (np.diff(means) * np.sign(change) > 0).all()
    assert (means[-1] - means[0]) / change > 1


@pytest.mark.parametrize(
    "kind",
    [FaultKind.SPINDLE_BEARING_WEAR, FaultKind.HYDRAULIC_LEAK, FaultKind.AXIS_FRICTION],
)
def test_a_fault_that_rubs_or_leaks_costs_energy(kind):
    assert _counted(run(stand_at(kind)), "energy") > 1.01 * _counted(run(), "energy")


def test_the_value_of_the_vibration_does_not_hang_on_the_tool():
    reported = run()
    speed, shaken = (
        pick(reported, name, CUTTING) for name in ("spindle_speed", "spindle_vibration")
    )
    assert abs(np.corrcoef(speed, shaken)[0, 1]) < 0.1
