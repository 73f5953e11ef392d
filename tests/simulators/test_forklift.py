from functools import partial

import numpy as np
import pytest

from simulators.environment import Climate, Duty, Environment
from simulators.faults import FaultKind
from simulators.machines.forklift import spread_rating
from simulators.machines.registry import make_machine
from tests.simulators.steady import START_MS, pick, run_steady, stand_at

PARKED, DRIVING, LIFTING, CHARGING = range(4)
CELLS, SHUT_OFF_V = 16, 3.65
run = partial(run_steady, "forklift", hours=96)


def _driving(reported, name):
    return float(np.mean(pick(reported, name, DRIVING)))


def _counted(reported, name):
    return float(reported[name][-1] - reported[name][0])


def _weeks(seed, count=4):
    times_ms = START_MS + np.arange(count * 7 * 144, dtype=np.int64) * 600_000
    environment = Environment(1, "Europe/Berlin", Climate(), Duty(6, 22))
    return make_machine("forklift", seed).simulate(times_ms, environment.at(times_ms))


def test_what_is_charged_is_what_was_drawn_and_the_losses():
    """5 % are lost in charging; over many cycles the stored rest does not matter."""
    reported = run(hours=960)
    assert _counted(reported, "energy") / _counted(reported, "charge_energy") == pytest.approx(
        0.95, abs=0.02
    )


def test_the_energy_drawn_is_the_power_while_it_is_not_charged():
    reported = run(hours=480)
    power_kw = reported["battery_voltage"] * reported["battery_current"] / 1000
    drawn = power_kw[reported["running_state"] != CHARGING].sum() / 60
    assert _counted(reported, "energy") == pytest.approx(drawn, rel=0.03)


def test_the_voltage_falls_with_the_current_times_the_resistance():
    """V = E - I·R: lifting against driving at the same charge."""
    reported = run()
    is_middle = (reported["state_of_charge"] > 45) & (reported["state_of_charge"] < 65)
    halves = {
        state: is_middle & (reported["running_state"] == state) for state in (DRIVING, LIFTING)
    }
    volts, amperes = (
        {state: reported[name][rows].mean() for state, rows in halves.items()}
        for name in ("battery_voltage", "battery_current")
    )
    measured = (volts[DRIVING] - volts[LIFTING]) / (amperes[LIFTING] - amperes[DRIVING])
    assert 1000 * measured == pytest.approx(np.mean(reported["battery_resistance"]), rel=0.2)


def test_charging_stays_below_the_voltage_that_harms_the_cells():
    reported = _weeks(1)
    assert reported["battery_voltage"].max() < CELLS * SHUT_OFF_V
    assert (pick(reported, "battery_current", CHARGING) < 0).all()


def test_it_is_full_in_the_morning_and_seldom_empty():
    reported = _weeks(1)
    at_work = np.isin(reported["running_state"], (DRIVING, LIFTING))
    first = np.flatnonzero(at_work[1:] & ~at_work[:-1])
    assert reported["state_of_charge"][first].max() > 98
    assert reported["state_of_charge"].min() > 5


def test_careless_drivers_discharge_it_deeply_and_rough_ones_hit_things():
    seeds = range(60)
    late = sorted(seeds, key=lambda each: spread_rating(each).late_days)
    rough = sorted(seeds, key=lambda each: spread_rating(each).shocks_an_hour)
    deep = [_counted(_weeks(seed, 8), "deep_discharges") for seed in (late[0], late[-1])]
    hits = [_counted(_weeks(seed, 8), "shocks") for seed in (rough[0], rough[-1])]
    assert deep[0] <= 2 < deep[1]
    assert hits[0] < hits[1] / 4


@pytest.mark.parametrize(
    ("kind", "metric", "change"),
    [
        (FaultKind.CELL_AGEING, "battery_resistance", 10.0),
        (FaultKind.CELL_AGEING, "battery_voltage", -0.5),
        (FaultKind.CELL_SHORT, "battery_voltage", -2.8),
        (FaultKind.CELL_SHORT, "battery_temperature", 10.0),
        (FaultKind.BRAKE_DRAG, "battery_current", 40.0),
        (FaultKind.BRAKE_DRAG, "motor_temperature", 30.0),
        (FaultKind.HYDRAULIC_PUMP_WEAR, "hydraulic_pressure", -35.0),
    ],
)
def test_a_fault_moves_what_it_spoils_and_the_more_the_worse_it_is(kind, metric, change):
    means = [_driving(run(stand_at(kind, each)), metric) for each in (0.0, 0.3, 0.6, 1.0)]
    assert (np.diff(means) * np.sign(change) > 0).all()
    assert (means[-1] - means[0]) / change > 1


@pytest.mark.parametrize(
    "kind", [FaultKind.CELL_AGEING, FaultKind.CELL_SHORT, FaultKind.BRAKE_DRAG]
)
def test_a_spoilt_truck_is_charged_more_often(kind):
    def charges(reported):
        return np.count_nonzero(np.diff(reported["running_state"] == CHARGING))

    assert charges(run(stand_at(kind), hours=480)) > 1.08 * charges(run(hours=480))


def test_lifting_takes_more_current_with_a_worn_pump():
    worn = run(stand_at(FaultKind.HYDRAULIC_PUMP_WEAR))
    healthy, spoilt = (np.mean(pick(each, "battery_current", LIFTING)) for each in (run(), worn))
    assert spoilt > 1.25 * healthy


def test_the_last_pressure_stands_while_it_is_charged():
    reported = run()
    is_charging = reported["running_state"] == CHARGING
    in_a_row = is_charging[1:] & is_charging[:-1]
    assert np.abs(np.diff(reported["hydraulic_pressure"])[in_a_row]).max() < 5
