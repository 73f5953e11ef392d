from functools import partial

import numpy as np
import pytest

from simulators.environment import Climate, Duty, Environment
from simulators.faults import FaultKind
from simulators.machines.registry import make_machine
from tests.simulators.steady import START_MS, run_steady, stand_at

run = partial(run_steady, "centrifugal_pump", hours=24)


def _mean(reported, name):
    return float(np.mean(reported[name]))


def test_the_motor_gives_what_the_liquid_and_the_losses_take():
    """ρ·g·Q·H over the two efficiencies, at the best point."""
    reported = run(demand=0.8)
    rise_pa = 1e5 * (_mean(reported, "discharge_pressure") - _mean(reported, "suction_pressure"))
    lifted_kw = rise_pa * _mean(reported, "flow") / 3600 / 1000
    assert lifted_kw / _mean(reported, "power") == pytest.approx(0.74 * 0.91, abs=0.03)


def test_the_current_fits_the_power():
    reported = run()
    apparent_kw = np.sqrt(3) * 0.4 * _mean(reported, "motor_current")
    assert 0.75 < _mean(reported, "power") / apparent_kw < 0.9


@pytest.mark.parametrize("demand", [0.3, 0.5, 0.7, 0.9])
def test_the_flow_is_what_the_demand_asks_for(demand):
    assert _mean(run(demand=demand), "flow") == pytest.approx(125 * demand, rel=0.04)


def test_more_flow_means_less_head():
    heads = [_mean(run(demand=demand), "discharge_pressure") for demand in (0.3, 0.6, 0.9)]
    assert heads == sorted(heads, reverse=True)


def test_it_shakes_least_near_its_best_point():
    away, near, beyond = (_mean(run(demand=demand), "vibration") for demand in (0.3, 0.8, 0.97))
    assert near < beyond
    assert near < away


@pytest.mark.parametrize(
    ("kind", "metric", "change"),
    [
        (FaultKind.SEAL_LEAK, "seal_leakage", 8.0),
        (FaultKind.CAVITATION, "suction_pressure", -0.4),
        (FaultKind.CAVITATION, "vibration", 1.0),
        (FaultKind.CAVITATION, "flow", -3.0),
        (FaultKind.IMBALANCE, "vibration", 5.0),
        (FaultKind.PUMP_BEARING_WEAR, "vibration", 4.0),
        (FaultKind.PUMP_BEARING_WEAR, "bearing_temperature", 30.0),
        (FaultKind.IMPELLER_WEAR, "flow", -8.0),
        (FaultKind.IMPELLER_WEAR, "discharge_pressure", -0.4),
    ],
)
def test_a_fault_moves_what_it_spoils_and_the_more_the_worse_it_is(kind, metric, change):
    means = [
        _mean(run(stand_at(kind, severity), demand=0.78), metric)
        for severity in (0.0, 0.5, 0.8, 1.0)
    ]
    steps = np.diff(means) * np.sign(change)
    assert (steps > -0.05 * abs(change)).all()
    assert (means[-1] - means[0]) / change > 1


def test_hot_liquid_cavitates_sooner():
    """Vapour pressure eats up the suction head."""
    blocked = stand_at(FaultKind.CAVITATION, 0.75)
    cold, hot = (run(blocked, ambient_c=each) for each in (-20.0, 80.0))
    assert _mean(hot, "vibration") > _mean(cold, "vibration") + 0.1


def test_a_worn_impeller_takes_more_energy_for_the_water():
    healthy, worn = run(), run(stand_at(FaultKind.IMPELLER_WEAR))
    specific = [
        _mean(each, "power") / (_mean(each, "flow") * _mean(each, "discharge_pressure"))
        for each in (healthy, worn)
    ]
    assert specific[1] > 1.08 * specific[0]


def test_meters_count_work_alone_and_the_power():
    times_ms = START_MS + np.arange(7 * 1440, dtype=np.int64) * 60_000
    environment = Environment(1, "Europe/Berlin", Climate(), Duty(6, 22))
    reported = make_machine("centrifugal_pump", 1).simulate(times_ms, environment.at(times_ms))
    counted = reported["run_hours"][-1] - reported["run_hours"][0]
    assert counted == pytest.approx(5 * 16, abs=0.1)
    used = reported["energy"][-1] - reported["energy"][0]
    assert used == pytest.approx(reported["power"].sum() / 60, rel=0.01)


def test_left_alone_it_cools_down_and_the_heights_alone_press():
    times_ms = START_MS + np.arange(7 * 1440, dtype=np.int64) * 60_000
    environment = Environment(1, "Europe/Berlin", Climate(), Duty(6, 22))
    reported = make_machine("centrifugal_pump", 1).simulate(times_ms, environment.at(times_ms))
    sunday_night = len(times_ms) - 60
    at_rest = {name: float(values[sunday_night]) for name, values in reported.items()}
    assert at_rest["flow"] == at_rest["running_state"] == 0
    assert at_rest["vibration"] < 0.5
    assert at_rest["bearing_temperature"] == pytest.approx(at_rest["ambient_temperature"], abs=3)
    assert at_rest["discharge_pressure"] > at_rest["suction_pressure"]
