"""A vertical machining centre: it cuts parts, idles while they are changed, and stands at night.

Each part takes the same four tools, from roughing to finishing. How much of a shift is cut follows
from the demand and from how long its operators let it idle; some leave it on when they go home.

- Spindle power: cutting power after the tool, plus the bearings' friction, whose viscous part
  grows with speed to the 5/3 (moment to the 2/3: Palmgren; Harris, Rolling bearing analysis).
  Nearly all friction becomes heat; the spindle is a lump of metal that gives it to the air.
- Share of idle and of auxiliary power in the whole: Dahmus and Gutowski, An environmental analysis
  of machining (2004): much of the energy goes into what runs whether it cuts or not.
- Coolant: the pump's pressure is spent in nozzles and filter, each with the square of the flow;
  what flows carries the heat of the cut into the tank (heat balance of a stirred tank).
- Hydraulics: a pump holds the clamping pressure against leakage; a leak as of an orifice, with the
  root of the pressure, lowers it and costs pumping power.
- Axes: current is torque; friction of the guideways and the screw adds to that of the feed.
- The controller measures the spindle's vibration at a reference speed at every change of parts;
  the value stands until the next.
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
from simulators.noise import draw_drift, draw_share, draw_uniform
from simulators.sensors import Sensor, read_all

_KEY = "machining_centre"
_HOUR_S = 3600.0
_DAY_MS = 86_400_000
_OFF, _IDLE, _CUTTING = 0.0, 1.0, 2.0
# The tools of a part: speed in rpm, cutting power as a share of the spindle's, feed current in A.
_SPEED = np.array([2400.0, 5200.0, 8000.0, 11_000.0])
_LOAD = np.array([0.60, 0.44, 0.30, 0.16])
_FEED = np.array([2.7, 2.5, 2.2, 1.9])
_REFERENCE_RPM = 6000.0
_FRICTION = (_SPEED / _REFERENCE_RPM) ** (5.0 / 3.0)
_AXIS_KW_A = 0.22

SENSORS = {
    "spindle_speed": Sensor(noise=4.0, resolution=1.0),
    "spindle_load": Sensor(noise=0.8, resolution=0.1),
    "spindle_vibration": Sensor(noise=0.05, resolution=0.01),
    "spindle_temperature": Sensor(noise=0.3, resolution=0.1, minimum=-50.0),
    "coolant_flow": Sensor(noise=0.6, resolution=0.1),
    "coolant_temperature": Sensor(noise=0.2, resolution=0.1, minimum=-50.0),
    "hydraulic_pressure": Sensor(noise=0.7, resolution=0.1),
    "axis_current": Sensor(noise=0.06, resolution=0.01),
    "ambient_temperature": Sensor(noise=0.2, resolution=0.1, minimum=-50.0),
    "power": Sensor(noise=0.08, resolution=0.01),
    "running_state": Sensor(noise=0.0, resolution=1.0, maximum=2.0),
    "run_hours": Sensor(noise=0.0, resolution=0.01),
    "cutting_hours": Sensor(noise=0.0, resolution=0.01),
    "parts_made": Sensor(noise=0.0, resolution=1.0),
    "energy": Sensor(noise=0.0, resolution=0.01),
    "fault_code": Sensor(noise=0.0, resolution=1.0),
}


@dataclass(frozen=True, slots=True)
class Rating:
    """A machine as it was built, and the habits of those who work at it."""

    spindle_kw: float = 22.0
    spindle_efficiency: float = 0.88
    friction_kw: float = 0.9
    spindle_k_kw: float = 19.0
    spindle_s: float = 1500.0
    vibration_mm_s: float = 0.9
    coolant_l_min: float = 24.0
    coolant_kw: float = 1.6
    coolant_kw_k: float = 0.45
    coolant_s: float = 6000.0
    hydraulic_bar: float = 60.0
    hydraulic_kw: float = 0.9
    electronics_kw: float = 2.2
    friction_a: float = 0.8
    part_s: float = 400.0
    idling: float = 0.15
    left_on: float = 0.1


def spread_rating(seed: int) -> Rating:
    """A rating with one machine's own small deviations from the drawing, and its people's."""
    rating = Rating()
    return Rating(
        friction_kw=rating.friction_kw * draw_share(seed, "friction", 0.04),
        vibration_mm_s=rating.vibration_mm_s * draw_share(seed, "vibration", 0.08),
        coolant_l_min=rating.coolant_l_min * draw_share(seed, "coolant", 0.02),
        hydraulic_bar=rating.hydraulic_bar * draw_share(seed, "hydraulics", 0.01),
        friction_a=rating.friction_a * draw_share(seed, "axes", 0.05),
        part_s=rating.part_s * draw_share(seed, "part", 0.15),
        idling=0.04 + 0.36 * _draw_habit(seed, "idling") ** 2,
        left_on=0.5 * _draw_habit(seed, "left on") ** 3,
    )


def _draw_habit(seed: int, name: str) -> float:
    return float(draw_uniform(seed, name, np.zeros(1, dtype=np.int64))[0])


@dataclass(frozen=True, slots=True)
class _Work:
    """What it does: state and tool at each time, share of the time that it cuts around then."""

    state: Array
    tool: Times
    share: Array

    @property
    def is_on(self) -> Flags:
        return np.asarray(self.state > _OFF)

    @property
    def is_cutting(self) -> Flags:
        return np.asarray(self.state == _CUTTING)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Electric power in kW of what always runs, and of each part of the cut by tool."""

    idle_kw: Array
    cut_kw: Array
    mean_cut_kw: Array


@dataclass(slots=True)
class _Memory:
    """What carries on from one reading to the next."""

    run_hours: float
    cutting_hours: float
    parts: float
    energy_kwh: float
    at_ms: int | None = None
    spindle_c: float = 20.0
    coolant_c: float = 20.0


@dataclass(slots=True)
class MachiningCentre:
    """One machining centre; see the module for its physics."""

    seed: int
    faults: tuple[Fault, ...] = ()
    rating: Rating = field(init=False)
    _memory: _Memory = field(init=False)

    def __post_init__(self) -> None:
        self.rating = spread_rating(self.seed)
        hours = draw_age(self.seed)
        cut = round(0.55 * hours, 2)
        parts = float(round(cut * _HOUR_S / self.rating.part_s))
        self._memory = _Memory(hours, cut, parts, round(10.5 * hours, 2))

    @property
    def equipment_model(self) -> str:
        return _KEY

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults

    def simulate(self, times_ms: Times, surroundings: Surroundings) -> dict[str, Array]:
        severity = measure_severities(self.faults, times_ms)
        elapsed_s = self._elapse(times_ms, surroundings)
        ambient_c = surroundings.ambient_c
        work = self._plan(times_ms, surroundings)
        coolant_l_min = self._flow(times_ms, severity[FaultKind.COOLANT_FILTER_CLOGGING])
        drawn = self._draw_power(times_ms, work, severity)
        true = {
            "ambient_temperature": ambient_c,
            "running_state": work.state,
            **self._turn(times_ms, work, severity),
            "spindle_temperature": self._warm_spindle(elapsed_s, work, severity, ambient_c),
            "coolant_flow": np.where(work.is_cutting, coolant_l_min, 0.0),
            "coolant_temperature": self._warm_coolant(elapsed_s, work, coolant_l_min, ambient_c),
            "hydraulic_pressure": np.where(work.is_on, self._clamp(times_ms, severity), 0.0),
            "axis_current": self._feed(self._stiffen(times_ms, severity), work),
            "power": drawn.idle_kw + np.where(work.is_cutting, drawn.cut_kw, 0.0),
            **self._count(elapsed_s, work, drawn),
            "fault_code": show_codes(_KEY, severity),
        }
        return read_all(SENSORS, true, self.seed, times_ms)

    def _elapse(self, times_ms: Times, surroundings: Surroundings) -> Array:
        memory = self._memory
        elapsed_s = elapse(memory.at_ms, times_ms)
        if times_ms.size:
            if memory.at_ms is None:
                memory.spindle_c = memory.coolant_c = float(surroundings.ambient_c[0])
            memory.at_ms = int(times_ms[-1])
        return elapsed_s

    def _plan(self, times_ms: Times, surroundings: Surroundings) -> _Work:
        """Readings meet a part anywhere in its making, so the moment is drawn for each."""
        works = surroundings.is_staffed
        share = np.clip(1.15 * surroundings.demand * (1.0 - self.rating.idling), 0.05, 0.92)
        share = np.where(works, share, 0.0)
        moment = draw_uniform(self.seed, "moment", times_ms)
        left_on = draw_uniform(self.seed, "left on", times_ms // _DAY_MS) < self.rating.left_on
        state = np.where(works | left_on, np.where(moment < share, _CUTTING, _IDLE), _OFF)
        tool = np.minimum(4.0 * moment / np.maximum(share, 0.05), 3.0).astype(np.int64)
        return _Work(state, tool, share)

    def _strain(self, times_ms: Times) -> Array:
        """Cutting power beside the usual: material and sharpness of the tools wander."""
        return 1.0 + 0.05 * draw_drift(self.seed, "material", times_ms, 4 * _HOUR_S)

    def _rub(self, severity: dict[FaultKind, Array]) -> Array:
        """Friction power of the spindle's bearings at the reference speed, in kW."""
        return self.rating.friction_kw * (1.0 + 2.4 * severity[FaultKind.SPINDLE_BEARING_WEAR])

    def _turn(
        self, times_ms: Times, work: _Work, severity: dict[FaultKind, Array]
    ) -> dict[str, Array]:
        rating = self.rating
        rubbing = self._rub(severity) * _FRICTION[work.tool] / rating.spindle_kw
        load = 100.0 * (_LOAD[work.tool] * self._strain(times_ms) + rubbing)
        quickly = 1.0 + 0.05 * draw_drift(self.seed, "shake", times_ms, 1800)
        slowly = wander(self.seed, "vibration", times_ms, 0.025)
        healthy = rating.vibration_mm_s * quickly * slowly
        shaken = healthy + 4.2 * severity[FaultKind.SPINDLE_BEARING_WEAR]
        return {
            "spindle_speed": np.where(work.is_cutting, _SPEED[work.tool], 0.0),
            "spindle_load": np.where(work.is_cutting, load, 0.0),
            "spindle_vibration": np.where(work.is_on, shaken, 0.0),
        }

    def _warm_spindle(
        self, elapsed_s: Array, work: _Work, severity: dict[FaultKind, Array], ambient_c: Array
    ) -> Array:
        rating, memory = self.rating, self._memory
        heat_kw = work.share * self._rub(severity) * float(_FRICTION.mean())
        target_c = ambient_c + rating.spindle_k_kw * heat_kw + np.where(work.is_on, 3.0, 0.0)
        spindle_c = settle(memory.spindle_c, target_c, elapsed_s, rating.spindle_s)
        memory.spindle_c = last(spindle_c, memory.spindle_c)
        return spindle_c

    def _flow(self, times_ms: Times, clogged: Array) -> Array:
        """Litres a minute; the filter is a tenth of the nozzles' resistance when it is clean."""
        resistance = (1.0 + 0.1 * (1.0 + 60.0 * clogged)) / 1.1
        open_l_min = self.rating.coolant_l_min * wander(self.seed, "coolant", times_ms, 0.005)
        return np.asarray(open_l_min / np.sqrt(resistance))

    def _warm_coolant(
        self, elapsed_s: Array, work: _Work, coolant_l_min: Array, ambient_c: Array
    ) -> Array:
        """The tank's balance of heat; a thin stream comes back hotter, and so it is measured."""
        rating, memory = self.rating, self._memory
        heat_kw = work.share * (0.6 * rating.spindle_kw * float(_LOAD.mean()) + rating.coolant_kw)
        carried_kw_k = 4.18 * coolant_l_min / 60.0
        rise_k = heat_kw * (1.0 / (rating.coolant_kw_k * 2.4) + 0.5 / carried_kw_k)
        coolant_c = settle(memory.coolant_c, ambient_c + rise_k, elapsed_s, rating.coolant_s)
        memory.coolant_c = last(coolant_c, memory.coolant_c)
        return coolant_c

    def _clamp(self, times_ms: Times, severity: dict[FaultKind, Array]) -> Array:
        set_bar = self.rating.hydraulic_bar * wander(self.seed, "hydraulics", times_ms, 0.002)
        return set_bar * (1.0 - 0.42 * severity[FaultKind.HYDRAULIC_LEAK])

    def _stiffen(self, times_ms: Times, severity: dict[FaultKind, Array]) -> Array:
        """Current that the axes take against friction, in A."""
        slippery_a = self.rating.friction_a * wander(self.seed, "axes", times_ms, 0.025)
        return slippery_a * (1.0 + 2.8 * severity[FaultKind.AXIS_FRICTION])

    def _feed(self, friction_a: Array, work: _Work) -> Array:
        """Current of the axes: held in place when idle, against friction and the cut when not."""
        return np.where(
            work.is_on, 0.4 + np.where(work.is_cutting, friction_a + _FEED[work.tool], 0.0), 0.0
        )

    def _draw_power(
        self, times_ms: Times, work: _Work, severity: dict[FaultKind, Array]
    ) -> _Drawn:
        rating, strain, rub = self.rating, self._strain(times_ms), self._rub(severity)
        leak = severity[FaultKind.HYDRAULIC_LEAK]
        running_kw = rating.electronics_kw + rating.hydraulic_kw * (1.0 + 1.2 * leak)
        friction_a = self._stiffen(times_ms, severity)

        def cut(load: Array, friction: Array, feed: Array) -> Array:
            spindle_kw = rating.spindle_kw * load * strain + rub * friction
            axes_kw = _AXIS_KW_A * (friction_a + feed)
            return spindle_kw / rating.spindle_efficiency + axes_kw + rating.coolant_kw

        means = tuple(np.full(times_ms.shape, each.mean()) for each in (_LOAD, _FRICTION, _FEED))
        return _Drawn(
            idle_kw=np.where(work.is_on, running_kw, 0.1),
            cut_kw=cut(_LOAD[work.tool], _FRICTION[work.tool], _FEED[work.tool]),
            mean_cut_kw=cut(*means),
        )

    def _count(self, elapsed_s: Array, work: _Work, drawn: _Drawn) -> dict[str, Array]:
        """Hours, parts and energy, from what it does on the whole around each reading."""
        memory, hours = self._memory, elapsed_s / _HOUR_S
        cutting = work.share * hours
        counted = {
            "run_hours": accumulate(memory.run_hours, np.where(work.is_on, hours, 0.0)),
            "cutting_hours": accumulate(memory.cutting_hours, cutting),
            "parts_made": accumulate(memory.parts, cutting * _HOUR_S / self.rating.part_s),
            "energy": accumulate(
                memory.energy_kwh, (drawn.idle_kw + work.share * drawn.mean_cut_kw) * hours
            ),
        }
        memory.run_hours = last(counted["run_hours"], memory.run_hours)
        memory.cutting_hours = last(counted["cutting_hours"], memory.cutting_hours)
        memory.parts = last(counted["parts_made"], memory.parts)
        memory.energy_kwh = last(counted["energy"], memory.energy_kwh)
        return counted | {"parts_made": np.floor(counted["parts_made"])}
