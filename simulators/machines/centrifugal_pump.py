"""A single-stage centrifugal pump at fixed speed that circulates warm process water.

Where the pump's curve meets that of the system gives head and flow; power, suction and heat follow
from them. The consumers' valves open with the demand; they do not make up for what the pump lost.

- Head H0 - b·Q², system Hs + k·Q², hence Q = √((H0 - Hs)/(b + k)); efficiency a parabola through
  zero and its best point; power ρ·g·Q·H/η. After Gülich, Centrifugal Pumps (2010).
- Cavitation: NPSH available is (ambient - vapour pressure)/(ρ·g) plus the static height less the
  strainer's loss, which grows with Q²; NPSH required grows with Q². Where they are equal the head
  has dropped by 3 % (ISO 9906), beyond that it collapses; noise and vibration begin well before
  (Gülich, chapter 6). Vapour pressure by Magnus (Alduchov and Eskridge, 1996).
- A worn impeller with wide wearing rings lowers head and efficiency by inner recirculation.
- Vibration is least near the best point and grows away from it (ISO 20816, Gülich); imbalance adds
  to it as the root of the squares, for its phase is another's.
- A seal's leakage grows with the cube of its gap and with the pressure behind it, as laminar flow
  through a narrow gap does.
- The bearing is a lump of metal that takes up friction heat and gives it to the air; the liquid
  warms it through the shaft.
"""

from dataclasses import dataclass, field

import numpy as np

from simulators.environment import Surroundings
from simulators.faults import Fault, FaultKind, measure_severities, show_codes
from simulators.machines.carrying import (
    Array,
    Flags,
    Times,
    accumulate,
    draw_age,
    elapse,
    last,
    settle,
    wander,
)
from simulators.noise import draw_drift, draw_share
from simulators.sensors import Sensor, read_all

_KEY = "centrifugal_pump"
_GRAVITY = 9.81
_DENSITY = 992.0
_AMBIENT_PA = 101_300.0
_BAR_PER_M = _DENSITY * _GRAVITY / 1e5
_HOUR_S = 3600.0
# Consumers draw this much at rated demand, in terms of the flow at the best point.
_FLOW_AT_RATED_DEMAND = 1.25
# Find the flow to one part in 16,000.
_HALVINGS = 14

SENSORS = {
    "suction_pressure": Sensor(noise=0.008, resolution=0.001, minimum=-1.0),
    "discharge_pressure": Sensor(noise=0.012, resolution=0.01),
    "flow": Sensor(noise=0.5, resolution=0.1),
    "motor_current": Sensor(noise=0.15, resolution=0.1),
    "power": Sensor(noise=0.06, resolution=0.01),
    "bearing_temperature": Sensor(noise=0.3, resolution=0.1, minimum=-50.0),
    "liquid_temperature": Sensor(noise=0.2, resolution=0.1, minimum=-50.0),
    "ambient_temperature": Sensor(noise=0.2, resolution=0.1, minimum=-50.0),
    "vibration": Sensor(noise=0.08, resolution=0.01),
    "seal_leakage": Sensor(noise=0.01, resolution=0.001),
    "running_state": Sensor(noise=0.0, resolution=1.0, maximum=2.0),
    "run_hours": Sensor(noise=0.0, resolution=0.01),
    "energy": Sensor(noise=0.0, resolution=0.01),
    "fault_code": Sensor(noise=0.0, resolution=1.0),
}


@dataclass(frozen=True, slots=True)
class Rating:
    """A pump as it was built; heights in m of liquid, flows in m³/s."""

    best_flow: float = 100.0 / _HOUR_S
    shut_off_m: float = 40.0
    best_head_m: float = 32.0
    static_m: float = 12.0
    efficiency: float = 0.74
    motor_efficiency: float = 0.91
    motor_kw: float = 15.0
    supply_v: float = 400.0
    suction_m: float = 2.5
    strainer_m: float = 0.8
    npsh_m: float = 2.4
    npsh_best_m: float = 1.6
    vibration_mm_s: float = 1.5
    seal_l_h: float = 0.03
    bearing_rise_k: float = 22.0
    bearing_s: float = 2400.0
    liquid_c: float = 40.0
    liquid_s: float = 5400.0

    @property
    def slope(self) -> float:
        """Loss of head with the square of the flow, in s²/m⁵."""
        return (self.shut_off_m - self.best_head_m) / self.best_flow**2


def spread_rating(seed: int) -> Rating:
    """A rating with one pump's own small deviations from the drawing."""
    rating = Rating()
    return Rating(
        shut_off_m=rating.shut_off_m * draw_share(seed, "head", 0.008),
        efficiency=rating.efficiency * draw_share(seed, "efficiency", 0.01),
        strainer_m=rating.strainer_m * draw_share(seed, "strainer", 0.08),
        vibration_mm_s=rating.vibration_mm_s * draw_share(seed, "vibration", 0.08),
        seal_l_h=rating.seal_l_h * draw_share(seed, "seal", 0.15),
        bearing_rise_k=rating.bearing_rise_k * draw_share(seed, "bearing", 0.05),
        liquid_c=rating.liquid_c + 4.0 * (draw_share(seed, "process", 0.5) - 1.0),
    )


@dataclass(frozen=True, slots=True)
class _Flow:
    """Where pump and system meet: flow in m³/s, heights in m, shaft power in kW."""

    flow: Array
    head_m: Array
    suction_m: Array
    margin_m: Array
    shaft_kw: Array


@dataclass(slots=True)
class _Memory:
    """What carries on from one reading to the next."""

    run_hours: float
    energy_kwh: float
    at_ms: int | None = None
    liquid_c: float = 20.0
    bearing_c: float = 20.0


@dataclass(slots=True)
class CentrifugalPump:
    """One pump; see the module for its physics."""

    seed: int
    faults: tuple[Fault, ...] = ()
    rating: Rating = field(init=False)
    _memory: _Memory = field(init=False)

    def __post_init__(self) -> None:
        self.rating = spread_rating(self.seed)
        hours = draw_age(self.seed)
        self._memory = _Memory(hours, round(11.0 * hours, 2))

    @property
    def equipment_model(self) -> str:
        return _KEY

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults

    def simulate(self, times_ms: Times, surroundings: Surroundings) -> dict[str, Array]:
        severity = measure_severities(self.faults, times_ms)
        elapsed_s = self._elapse(times_ms, surroundings)
        is_on = surroundings.is_staffed & (surroundings.demand > 0.0)
        liquid_c = self._warm_liquid(times_ms, elapsed_s, is_on, surroundings.ambient_c)
        strainer_m = self.rating.strainer_m * wander(self.seed, "strainer", times_ms, 0.06)
        strainer_m = strainer_m + 11.0 * severity[FaultKind.CAVITATION]
        meeting = _meet(
            self.rating,
            surroundings.demand,
            (liquid_c, strainer_m),
            severity[FaultKind.IMPELLER_WEAR],
        )
        electric_kw = np.where(is_on, meeting.shaft_kw / self.rating.motor_efficiency, 0.0)
        true = {
            "ambient_temperature": surroundings.ambient_c,
            "running_state": np.where(is_on, 2.0, 0.0),
            "liquid_temperature": liquid_c,
            **self._press(meeting, is_on),
            "flow": np.where(is_on, meeting.flow * _HOUR_S, 0.0),
            "power": electric_kw,
            "motor_current": self._draw_current(electric_kw),
            "bearing_temperature": self._warm_bearing(
                elapsed_s, is_on, severity, (liquid_c, surroundings.ambient_c)
            ),
            "vibration": self._shake(times_ms, is_on, meeting, severity),
            "seal_leakage": self._leak(times_ms, is_on, meeting, severity[FaultKind.SEAL_LEAK]),
            **self._count(elapsed_s, is_on, electric_kw),
            "fault_code": show_codes(_KEY, severity),
        }
        return read_all(SENSORS, true, self.seed, times_ms)

    def _elapse(self, times_ms: Times, surroundings: Surroundings) -> Array:
        memory = self._memory
        elapsed_s = elapse(memory.at_ms, times_ms)
        if times_ms.size:
            if memory.at_ms is None:
                memory.liquid_c = memory.bearing_c = float(surroundings.ambient_c[0])
            memory.at_ms = int(times_ms[-1])
        return elapsed_s

    def _warm_liquid(
        self, times_ms: Times, elapsed_s: Array, is_on: Flags, ambient_c: Array
    ) -> Array:
        """The process holds the liquid warm while it works; left alone it cools to the air."""
        rating, memory = self.rating, self._memory
        process_c = rating.liquid_c + 0.15 * (ambient_c - 20.0)
        process_c = process_c + draw_drift(self.seed, "process", times_ms, 6 * _HOUR_S)
        target_c = np.where(is_on, process_c, ambient_c)
        liquid_c = settle(memory.liquid_c, target_c, elapsed_s, rating.liquid_s)
        memory.liquid_c = last(liquid_c, memory.liquid_c)
        return liquid_c

    def _press(self, meeting: _Flow, is_on: Flags) -> dict[str, Array]:
        """Gauge pressures before and behind; at rest the heights alone press."""
        rating = self.rating
        suction_m = np.where(is_on, meeting.suction_m, rating.suction_m)
        rise_m = np.where(is_on, meeting.head_m, rating.static_m)
        return {
            "suction_pressure": suction_m * _BAR_PER_M,
            "discharge_pressure": (suction_m + rise_m) * _BAR_PER_M,
        }

    def _draw_current(self, electric_kw: Array) -> Array:
        """An induction motor's power factor falls with its load."""
        load = electric_kw * self.rating.motor_efficiency / self.rating.motor_kw
        factor = 0.5 + 0.46 * load - 0.09 * load**2
        volts = np.sqrt(3.0) * self.rating.supply_v
        return np.asarray(1000.0 * electric_kw / (volts * factor))

    def _warm_bearing(
        self,
        elapsed_s: Array,
        is_on: Flags,
        severity: dict[FaultKind, Array],
        around_c: tuple[Array, Array],
    ) -> Array:
        rating, memory = self.rating, self._memory
        liquid_c, ambient_c = around_c
        friction_k = rating.bearing_rise_k + 42.0 * severity[FaultKind.PUMP_BEARING_WEAR]
        friction_k = friction_k + 4.0 * severity[FaultKind.IMBALANCE]
        rise_k = np.where(is_on, friction_k, 0.0) + 0.12 * (liquid_c - ambient_c)
        bearing_c = settle(memory.bearing_c, ambient_c + rise_k, elapsed_s, rating.bearing_s)
        memory.bearing_c = last(bearing_c, memory.bearing_c)
        return bearing_c

    def _shake(
        self, times_ms: Times, is_on: Flags, meeting: _Flow, severity: dict[FaultKind, Array]
    ) -> Array:
        """Vibration velocity in mm/s RMS."""
        away = meeting.flow / self.rating.best_flow - 1.0
        smooth = 1.0 + 0.04 * draw_drift(self.seed, "shake", times_ms, 1800) + 0.9 * away**2
        slowly = wander(self.seed, "vibration", times_ms, 0.035)
        healthy = self.rating.vibration_mm_s * smooth * slowly
        worn = 5.5 * severity[FaultKind.PUMP_BEARING_WEAR]
        bubbles = 4.5 / (1.0 + np.exp((meeting.margin_m - 1.0) / 0.5))
        unbalanced = 8.0 * severity[FaultKind.IMBALANCE]
        return np.where(is_on, np.hypot(healthy + worn + bubbles, unbalanced), 0.0)

    def _leak(self, times_ms: Times, is_on: Flags, meeting: _Flow, gap: Array) -> Array:
        """Litres an hour past the seal; the gap of a spoilt one is seven times as wide."""
        pressed = np.where(is_on, meeting.head_m / self.rating.best_head_m, 0.3)
        tight = self.rating.seal_l_h * wander(self.seed, "seal", times_ms, 0.15)
        return tight * (1.0 + 6.0 * gap) ** 3 * np.maximum(pressed, 0.1)

    def _count(self, elapsed_s: Array, is_on: Flags, electric_kw: Array) -> dict[str, Array]:
        """The hour meter and the energy meter."""
        memory, hours = self._memory, elapsed_s / _HOUR_S
        run_hours = accumulate(memory.run_hours, np.where(is_on, hours, 0.0))
        energy_kwh = accumulate(memory.energy_kwh, electric_kw * hours)
        memory.run_hours = last(run_hours, memory.run_hours)
        memory.energy_kwh = last(energy_kwh, memory.energy_kwh)
        return {"run_hours": run_hours, "energy": energy_kwh}


def _meet(rating: Rating, demand: Array, suction: tuple[Array, Array], worn: Array) -> _Flow:
    """Flow and heights where the two curves meet; `suction` is °C of the liquid and m of loss."""
    liquid_c, strainer_m = suction
    shut_off_m, slope = rating.shut_off_m * (1.0 - 0.16 * worn), rating.slope * (1.0 + 0.6 * worn)
    resistance = _open_valves(demand)
    # Flow cavitates and cavitation chokes the flow: the balance lies below the flow without it.
    low = np.zeros(demand.shape)
    high = _cross(shut_off_m, rating.static_m, slope + resistance)
    for _ in range(_HALVINGS):
        flow = (low + high) / 2.0
        kept = _keep_head(_find_margin(rating, flow, strainer_m, liquid_c))
        is_more = _cross(shut_off_m * kept, rating.static_m, slope + resistance) > flow
        low, high = np.where(is_more, flow, low), np.where(is_more, high, flow)
    flow = high
    head_m = rating.static_m + resistance * flow**2
    share = flow / rating.best_flow
    efficiency = rating.efficiency * (1.0 - 0.12 * worn) * share * (2.0 - share)
    lifted_kw = _DENSITY * _GRAVITY * flow * head_m / 1000.0
    return _Flow(
        flow=flow,
        head_m=head_m,
        suction_m=rating.suction_m - strainer_m * share**2,
        margin_m=_find_margin(rating, flow, strainer_m, liquid_c),
        shaft_kw=lifted_kw / np.maximum(efficiency, 0.05) + 0.3,
    )


def _open_valves(demand: Array) -> Array:
    """Resistance of the system, in s²/m⁵, that gives the wanted flow with a pump as drawn."""
    drawn = Rating()
    wanted = np.clip(demand * _FLOW_AT_RATED_DEMAND, 0.15, 1.3) * drawn.best_flow
    head_m = drawn.shut_off_m - drawn.slope * wanted**2
    return np.asarray((head_m - drawn.static_m) / wanted**2)


def _cross(shut_off_m: Array, static_m: float, resistance: Array) -> Array:
    """Flow where H0 - b·Q² = Hs + k·Q²; a pump that cannot lift still churns a trickle."""
    return np.sqrt(np.maximum(shut_off_m - static_m, 0.3) / resistance)


def _find_margin(rating: Rating, flow: Array, strainer_m: Array, liquid_c: Array) -> Array:
    """NPSH available less NPSH required, in m."""
    share = flow / rating.best_flow
    vapour_pa = 610.94 * np.exp(17.625 * liquid_c / (liquid_c + 243.04))
    available_m = (_AMBIENT_PA - vapour_pa) / (_DENSITY * _GRAVITY)
    available_m = available_m + rating.suction_m - strainer_m * share**2
    return np.asarray(available_m - rating.npsh_m - rating.npsh_best_m * share**2)


def _keep_head(margin_m: Array) -> Array:
    """The share of the head that cavitation leaves: 97 % where there is no margin."""
    return np.asarray(1.0 - np.minimum(0.03 * np.exp(-margin_m / 0.7), 0.6))
