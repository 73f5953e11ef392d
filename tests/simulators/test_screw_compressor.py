import numpy as np
import pytest

from simulators.environment import Climate, Duty, Environment, Surroundings
from simulators.faults import Fault, FaultKind
from simulators.machines.screw_compressor import ScrewCompressor

START_MS = 1_772_409_600_000  # a Monday, 2 March 2026
DAY_MS = 86_400_000
ALWAYS = Duty(0, 24, tuple(range(7)), demand=0.7)
WATCHED = (
    "discharge_temperature",
    "oil_temperature",
    "separator_pressure_drop",
    "inlet_filter_pressure_drop",
    "motor_current",
    "power",
    "flow",
    "vibration",
    "ambient_temperature",
)


def _minutes(days):
    return START_MS + np.arange(int(days * 1440), dtype=np.int64) * 60_000


def _run(days, *faults, seed=1, duty=ALWAYS):
    times_ms = _minutes(days)
    environment = Environment(seed, "Europe/Berlin", Climate(), duty)
    return ScrewCompressor(seed, faults).simulate(times_ms, environment.at(times_ms))


def _steady(demand, *faults, ambient_c=20.0, hours=12):
    """The last hours of a long stretch under constant conditions."""
    times_ms = _minutes(hours / 24)
    shape = times_ms.shape
    around = Surroundings(
        np.full(shape, ambient_c), np.full(shape, demand), np.ones(shape, dtype=np.bool_)
    )
    reported = ScrewCompressor(1, faults).simulate(times_ms, around)
    return {name: values[len(values) // 2 :] for name, values in reported.items()}


def _loaded(reported, name):
    return reported[name][reported["running_state"] == 2]


def _full(kind, severity=1.0):
    """A fault that stands at about that severity for years."""
    length_ms = 10**15
    begin_ms = START_MS - int(severity * length_ms)
    return Fault(kind, begin_ms, begin_ms + length_ms)


def test_specific_power_is_that_of_such_machines():
    """Data sheets give 5.8 to 7.2 kW for each m³/min at 7.5 bar."""
    reported = _steady(0.7)
    specific = np.median(_loaded(reported, "power")) / np.median(_loaded(reported, "flow"))
    assert 5.8 < specific < 7.2


def test_pressure_drop_costs_the_power_that_the_rule_of_thumb_says():
    """Half a percent for each psi; 0.9 bar are 13 psi."""
    clean, fouled = _steady(0.7), _steady(0.7, _full(FaultKind.SEPARATOR_CLOGGING))
    specific = [
        np.median(_loaded(each, "power")) / np.median(_loaded(each, "flow"))
        for each in (clean, fouled)
    ]
    dropped_psi = 0.9 * 14.504
    assert 0.003 < (specific[1] / specific[0] - 1) / dropped_psi < 0.007


def test_idling_takes_a_quarter_of_the_power_and_delivers_nothing():
    reported = _steady(0.5)
    is_idle = reported["running_state"] == 1
    share = np.median(reported["power"][is_idle]) / np.median(_loaded(reported, "power"))
    assert 0.2 < share < 0.35
    assert np.median(reported["flow"][is_idle]) < 0.1


@pytest.mark.parametrize("demand", [0.3, 0.5, 0.8])
def test_it_is_loaded_as_long_as_the_demand_asks(demand):
    reported = _steady(demand, hours=96)
    loaded = np.mean(reported["running_state"] == 2)
    assert loaded == pytest.approx(demand, abs=0.06)


def test_the_line_stays_between_the_two_pressures():
    pressure = _steady(0.6)["discharge_pressure"]
    assert pressure.min() > 6.8
    assert pressure.max() < 7.7
    assert np.ptp(pressure) > 0.5


def test_the_valve_keeps_the_oil_warm_in_the_cold_and_the_cooler_cool_in_the_heat():
    cold = np.median(_steady(0.8, ambient_c=0.0)["discharge_temperature"])
    warm = np.median(_steady(0.8, ambient_c=35.0)["discharge_temperature"])
    assert 70 < cold < warm < 95


def test_the_oil_takes_up_and_gives_off_the_same_heat():
    """At rest the cooler takes what the air end gives: oil flow times temperature rise."""
    reported = _steady(0.97, hours=48)
    rise_k = np.mean(reported["discharge_temperature"] - reported["oil_temperature"])
    shaft_kw = (np.mean(_loaded(reported, "power")) - 1.1) * 0.94
    assert 1.5 * rise_k == pytest.approx(0.78 * shaft_kw, rel=0.05)


def test_a_machine_left_alone_cools_down_and_loses_its_pressure():
    reported = _run(7, duty=Duty(6, 22))
    sunday_night = reported["running_state"].size - 60
    assert reported["running_state"][sunday_night] == 0
    assert reported["power"][sunday_night] < 1
    difference = reported["discharge_temperature"] - reported["ambient_temperature"]
    assert abs(difference[sunday_night]) < 3
    assert reported["discharge_pressure"][sunday_night] < 1


def test_the_energy_meter_counts_the_power():
    reported = _run(14)
    counted = reported["energy"][-1] - reported["energy"][0]
    measured = reported["power"].sum() / 60
    assert counted == pytest.approx(measured, rel=0.03)


def test_the_hour_meter_counts_running_time_only():
    reported = _run(7, duty=Duty(6, 22))
    counted = reported["run_hours"][-1] - reported["run_hours"][0]
    assert counted == pytest.approx(5 * 16, abs=0.1)


def test_a_machine_that_runs_too_hot_idles_until_it_is_cooler():
    fouled = _full(FaultKind.OIL_COOLER_CLOGGING)
    reported = _steady(0.95, fouled, ambient_c=35.0, hours=48)
    assert reported["discharge_temperature"].max() < 135
    assert np.mean(reported["running_state"] == 2) < 0.9


@pytest.mark.parametrize(
    ("kind", "metric", "least"),
    [
        (FaultKind.OIL_COOLER_CLOGGING, "discharge_temperature", 15.0),
        (FaultKind.SEPARATOR_CLOGGING, "separator_pressure_drop", 0.8),
        (FaultKind.INLET_FILTER_CLOGGING, "inlet_filter_pressure_drop", 50.0),
        (FaultKind.BEARING_WEAR, "vibration", 6.0),
    ],
)
def test_each_fault_moves_what_it_spoils(kind, metric, least):
    healthy, faulty = _steady(0.75), _steady(0.75, _full(kind))
    assert np.median(faulty[metric]) - np.median(healthy[metric]) > least


def test_a_clogged_inlet_filter_costs_air_and_a_worn_bearing_power():
    healthy = _steady(0.75)
    starved = _steady(0.75, _full(FaultKind.INLET_FILTER_CLOGGING))
    worn = _steady(0.75, _full(FaultKind.BEARING_WEAR))
    assert np.median(_loaded(starved, "flow")) < 0.95 * np.median(_loaded(healthy, "flow"))
    assert np.median(_loaded(worn, "power")) > 1.04 * np.median(_loaded(healthy, "power"))


@pytest.mark.parametrize(("demand", "holds"), [(0.4, True), (0.75, False)])
def test_a_leak_is_fed_as_well_until_the_pressure_sags(demand, holds):
    healthy, leaking = _steady(demand), _steady(demand, _full(FaultKind.AIR_LEAK))
    loaded = [np.mean(each["running_state"] == 2) for each in (healthy, leaking)]
    assert loaded[1] > loaded[0] + 0.2
    assert (leaking["discharge_pressure"].min() > 6.8) == holds


def test_a_leak_costs_energy_and_yields_nothing():
    healthy, leaking = _steady(0.5), _steady(0.5, _full(FaultKind.AIR_LEAK, 0.5))
    used = [np.ptp(each["energy"]) for each in (healthy, leaking)]
    assert used[1] > 1.15 * used[0]


def test_a_leaking_network_is_empty_sooner_after_work():
    times_ms = _minutes(1)
    around = Environment(1, "Europe/Berlin", Climate(), Duty(6, 22)).at(times_ms)
    healthy, leaking = (
        ScrewCompressor(1, faults).simulate(times_ms, around)["discharge_pressure"]
        for faults in ((), (_full(FaultKind.AIR_LEAK),))
    )
    assert leaking[-1] < 0.5 * healthy[-1]


def test_a_spoilt_unloader_valve_costs_air_under_load_and_power_when_idle():
    healthy, spoilt = _steady(0.6), _steady(0.6, _full(FaultKind.UNLOADER_VALVE_FAILURE))
    assert np.median(_loaded(spoilt, "flow")) < 0.82 * np.median(_loaded(healthy, "flow"))
    idle = [np.median(each["power"][each["running_state"] == 1]) for each in (healthy, spoilt)]
    assert idle[1] > 2 * idle[0]


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        (FaultKind.OIL_COOLER_CLOGGING, 0.7),
        (FaultKind.SEPARATOR_CLOGGING, 0.3),
        (FaultKind.INLET_FILTER_CLOGGING, 0.3),
        (FaultKind.BEARING_WEAR, 0.3),
    ],
)
def test_means_of_45_minutes_tell_a_growing_fault_from_health(kind, severity):
    """A plain Mahalanobis distance: not the platform's detector, only proof that it is there."""
    # Without the first day: the machine warms up only once here.
    first, half = 1440, 8 * 1440
    healthy = _window_means(_run(15))
    learned, unseen = healthy[first:half], healthy[half:]
    faulty = _window_means(_run(15, _full(kind, severity)))[half:]
    centre, spread = learned.mean(axis=0), learned.std(axis=0)
    covariance = np.cov(((learned - centre) / spread).T) + 0.02 * np.eye(len(WATCHED))
    inverse = np.linalg.inv(covariance)

    def distance(windows):
        deviation = (windows - centre) / spread
        return np.sqrt(np.einsum("ij,jk,ik->i", deviation, inverse, deviation))

    threshold = 1.2 * distance(learned).max()
    assert np.mean(distance(unseen) > threshold) < 0.01
    assert np.mean(distance(faulty) > threshold) > 0.8


def _window_means(reported, window=45):
    kernel = np.ones(window) / window
    return np.stack([np.convolve(reported[name], kernel, "valid") for name in WATCHED], axis=1)
