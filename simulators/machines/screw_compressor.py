"""An oil-injected rotary screw compressor with load/idle control; its site is not modelled here.

A fixed-speed air end fills a receiver between two pressures and idles in between. Steady-state
equations give flow, power and heat; the oil's temperature, the position in the load/idle cycle
and the counters carry on from reading to reading.

- Flow: displaced volume times volumetric efficiency, which leakage lowers linearly with the
  pressure ratio; referred to the ambient state as ISO 1217 does.
- Power: adiabatic compression work over an adiabatic efficiency, κ/(κ-1)·p·V·(Π^((κ-1)/κ) - 1),
  for air κ = 1.4. Both efficiencies after Stosic, Smith and Kovacevic, Screw Compressors (2005).
- Idle power about a quarter of full power, and about half a percent more power for each psi of
  pressure drop, which the equations must and do reproduce: US Department of Energy, Improving
  Compressed Air System Performance, a sourcebook for industry.
- Heat: most of the shaft power leaves by the oil. The oil cooler follows effectiveness = 1 -
  exp(-NTU) (Incropera, Fundamentals of heat and mass transfer, one stream well mixed); a
  thermostatic valve keeps cold oil away from it, so that the oil stays above the dew point. The
  controller lets a machine above 115 °C idle until it is below 105 °C.
- Receiver: time to fill and to empty between the two pressures from the balance of flows.
- Pressure drops grow with the square of the flow. Controllers evaluate them, and the vibration,
  under load; the last value stands while the machine idles.
- Leaks of the network draw all the time, as much as 42 % of the displacement when it no longer
  holds its pressure; plants that nobody looks after lose 20 to 30 % (the sourcebook above).
- A fouled separator is changed at some 0.7 bar; fouling and wear act on the parameter they spoil.
"""

from dataclasses import dataclass, field
from itertools import chain, repeat
from math import exp

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
    wander,
)
from simulators.machines.screw_air_end import AMBIENT_BAR, Rating, Working, spread_rating, work
from simulators.noise import draw_drift
from simulators.sensors import Sensor, read_all

_KEY = "screw_compressor"
_STEP_S = 20.0
# After a longer silence the machine has settled; going through it in steps would gain nothing.
_LONGEST_GAP_S = 3 * 3600.0
_OFF, _IDLE, _LOADED = 0.0, 1.0, 2.0
_TOO_HOT_C, _COOLED_C = 115.0, 105.0

SENSORS = {
    "discharge_pressure": Sensor(noise=0.02, resolution=0.01),
    "discharge_temperature": Sensor(noise=0.3, resolution=0.1, minimum=-50.0),
    "oil_temperature": Sensor(noise=0.3, resolution=0.1, minimum=-50.0),
    "separator_pressure_drop": Sensor(noise=0.006, resolution=0.001),
    "inlet_filter_pressure_drop": Sensor(noise=0.3, resolution=0.1),
    "motor_current": Sensor(noise=0.4, resolution=0.1),
    "power": Sensor(noise=0.2, resolution=0.01),
    "flow": Sensor(noise=0.04, resolution=0.01),
    "vibration": Sensor(noise=0.12, resolution=0.01),
    "ambient_temperature": Sensor(noise=0.2, resolution=0.1, minimum=-50.0),
    "running_state": Sensor(noise=0.0, resolution=1.0, maximum=2.0),
    "run_hours": Sensor(noise=0.0, resolution=0.01),
    "energy": Sensor(noise=0.0, resolution=0.01),
    "fault_code": Sensor(noise=0.0, resolution=1.0),
}


@dataclass(slots=True)
class _Memory:
    """What carries on from one reading to the next."""

    run_hours: float
    energy_kwh: float
    at_ms: int | None = None
    cycles: float = 0.0
    sump_c: float = 20.0
    is_hot: bool = False
    line_bar: float = 6.9


@dataclass(slots=True)
class ScrewCompressor:
    """One compressor; see the module for its physics."""

    seed: int
    faults: tuple[Fault, ...] = ()
    rating: Rating = field(init=False)
    _memory: _Memory = field(init=False)

    def __post_init__(self) -> None:
        self.rating = spread_rating(self.seed)
        hours = draw_age(self.seed)
        self._memory = _Memory(hours, round(30.0 * hours, 2))

    @property
    def equipment_model(self) -> str:
        return _KEY

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults

    def simulate(self, times_ms: Times, surroundings: Surroundings) -> dict[str, Array]:
        severity = measure_severities(self.faults, times_ms)
        working = work(self.rating, self.seed, times_ms, severity)
        elapsed_s = self._elapse(times_ms, surroundings)
        is_on = surroundings.is_staffed
        wanted = surroundings.demand * self.rating.displacement_m3_min * 0.86 + working.leak
        asked = np.where(is_on, wanted / working.flow, 0.0)
        loaded_share = np.minimum(asked, 0.99)
        phase = self._cycle(elapsed_s, working.flow, loaded_share)
        state = np.where(is_on, np.where(phase < loaded_share, _LOADED, _IDLE), _OFF)
        mean_kw = loaded_share * working.load_kw + (1.0 - loaded_share) * working.idle_kw
        cooler_kw_k = np.where(is_on, working.cooler_kw_k, 0.0)
        sump_c, is_hot = self._heat(
            elapsed_s, (mean_kw, working.idle_kw), cooler_kw_k, surroundings.ambient_c
        )
        state = np.where(is_hot & is_on, _IDLE, state)
        shaft_kw = np.where(is_on, np.where(is_hot, working.idle_kw, mean_kw), 0.0)
        true = {
            "ambient_temperature": surroundings.ambient_c,
            "running_state": state,
            **self._measure_oil(sump_c, shaft_kw, cooler_kw_k, surroundings.ambient_c),
            "discharge_pressure": self._press(elapsed_s, phase, asked, working.leak),
            **self._measure_load(state, working),
            "vibration": self._shake(times_ms, is_on, severity[FaultKind.BEARING_WEAR]),
            **self._count(elapsed_s, is_on, shaft_kw),
            "fault_code": show_codes(_KEY, severity),
        }
        return read_all(SENSORS, true, self.seed, times_ms)

    def _elapse(self, times_ms: Times, surroundings: Surroundings) -> Array:
        """Seconds since the reading before; the very first reading starts from rest."""
        memory = self._memory
        elapsed_s = elapse(memory.at_ms, times_ms)
        if times_ms.size:
            if memory.at_ms is None:
                memory.sump_c = float(surroundings.ambient_c[0])
            memory.at_ms = int(times_ms[-1])
        return elapsed_s

    def _cycle(self, elapsed_s: Array, flow: Array, loaded_share: Array) -> Array:
        """Position in the load/idle cycle, 0 to 1; loaded in its first part.

        Filling takes V·Δp/(Q - q), emptying V·Δp/q, with the demand q = share·Q.
        """
        rating = self.rating
        volume_m3 = rating.receiver_m3 * (rating.unload_bar - rating.load_bar) / AMBIENT_BAR
        share = np.clip(loaded_share, 0.05, 0.95)
        period_s = 60.0 * volume_m3 / (flow * share * (1.0 - share))
        steps = np.where(loaded_share > 0.0, elapsed_s / period_s, 0.0)
        cycles = accumulate(self._memory.cycles, steps)
        self._memory.cycles = last(cycles, self._memory.cycles)
        return np.asarray(cycles % 1.0)

    def _heat(
        self, elapsed_s: Array, shaft_kw: tuple[Array, Array], cooler_kw_k: Array, ambient_c: Array
    ) -> tuple[Array, Flags]:
        """Temperature of the oil in the vessel, in °C, and whether it keeps the machine idle.

        `shaft_kw` is the mean power as demanded and the power when idle.
        """
        memory, share = self._memory, self.rating.oil_heat_share
        rows = zip(
            elapsed_s.tolist(),
            (share * shaft_kw[0]).tolist(),
            (share * shaft_kw[1]).tolist(),
            cooler_kw_k.tolist(),
            ambient_c.tolist(),
            strict=True,
        )
        heated: list[float] = []
        hot: list[bool] = []
        for elapsed, demanded_kw, idle_kw, cooler, ambient in rows:
            # It idles from the one temperature up until it has cooled to the other.
            memory.is_hot = memory.sump_c > (_COOLED_C if memory.is_hot else _TOO_HOT_C)
            heat_kw = idle_kw if memory.is_hot else demanded_kw
            memory.sump_c = self._heat_once(memory.sump_c, elapsed, heat_kw, cooler, ambient)
            heated.append(memory.sump_c)
            hot.append(memory.is_hot)
        return np.asarray(heated, dtype=np.float64), np.asarray(hot, dtype=np.bool_)

    def _heat_once(
        self, now_c: float, elapsed_s: float, heat_kw: float, cooler_kw_k: float, ambient_c: float
    ) -> float:
        rating = self.rating
        if cooler_kw_k == 0.0:
            settled = exp(-elapsed_s * rating.still_air_kw_k / rating.heat_kj_k)
            return ambient_c + (now_c - ambient_c) * settled
        whole, rest_s = divmod(min(elapsed_s, _LONGEST_GAP_S), _STEP_S)
        for step_s in chain(repeat(_STEP_S, int(whole)), (rest_s,)):
            opening = (now_c - rating.valve_opens_c) / rating.valve_range_k
            opening = 0.0 if opening < 0.0 else min(opening, 1.0)
            gain_kw = heat_kw - (rating.still_air_kw_k + opening * cooler_kw_k) * (
                now_c - ambient_c
            )
            now_c += gain_kw * step_s / rating.heat_kj_k
        return now_c

    def _measure_oil(
        self, sump_c: Array, shaft_kw: Array, cooler_kw_k: Array, ambient_c: Array
    ) -> dict[str, Array]:
        """Oil as injected, behind the cooler and the valve, and with the air's heat behind it."""
        rating = self.rating
        opening = np.clip((sump_c - rating.valve_opens_c) / rating.valve_range_k, 0.0, 1.0)
        injected_c = sump_c - opening * cooler_kw_k * (sump_c - ambient_c) / rating.oil_kw_k
        rise_k = rating.oil_heat_share * shaft_kw / rating.oil_kw_k
        return {"oil_temperature": injected_c, "discharge_temperature": injected_c + rise_k}

    def _press(self, elapsed_s: Array, phase: Array, asked: Array, leak: Array) -> Array:
        """Pressure in the line: up while loaded, down while idle, leaking away when off.

        Where more is asked for than is delivered it sags until consumers and leaks, which draw in
        proportion to the absolute pressure, get by with what there is.
        """
        rating = self.rating
        safe = np.clip(asked, 0.01, 0.99)
        height = np.where(phase < safe, phase / safe, (1.0 - phase) / (1.0 - safe))
        running = rating.load_bar + (rating.unload_bar - rating.load_bar) * np.clip(height, 0, 1)
        sagged = (rating.load_bar + AMBIENT_BAR) / np.maximum(asked, 1.0) - AMBIENT_BAR
        running = np.where(asked > 1.0, sagged, running)
        kept = np.exp(-elapsed_s / (6 * 3600.0) * (1.0 + 4.0 * leak))
        now_bar = self._memory.line_bar
        pressed = []
        rows = zip((asked > 0.0).tolist(), running.tolist(), kept.tolist(), strict=True)
        for runs, running_bar, kept_share in rows:
            now_bar = running_bar if runs else now_bar * kept_share
            pressed.append(now_bar)
        self._memory.line_bar = now_bar
        return np.asarray(pressed, dtype=np.float64)

    def _measure_load(self, state: Array, working: Working) -> dict[str, Array]:
        """What depends on whether it is loaded right now."""
        rating = self.rating
        is_on = state > _OFF
        is_loaded = state == _LOADED
        shaft_kw = np.where(is_loaded, working.load_kw, working.idle_kw)
        motor_kw = shaft_kw / rating.motor_efficiency
        factor = np.where(is_loaded, 0.87, 0.55)
        current_a = 1000.0 * motor_kw / (np.sqrt(3.0) * rating.supply_v * factor)
        return {
            "flow": np.where(is_loaded, working.flow, 0.0),
            "power": np.where(is_on, motor_kw + rating.fan_kw, 0.1),
            "motor_current": np.where(is_on, current_a, 0.0),
            "separator_pressure_drop": np.where(is_on, working.separator_bar, 0.0),
            "inlet_filter_pressure_drop": np.where(is_on, working.filter_mbar, 0.0),
        }

    def _shake(self, times_ms: Times, is_on: Flags, wear: Array) -> Array:
        """Vibration velocity in mm/s RMS."""
        quickly = 1.0 + 0.04 * draw_drift(self.seed, "shake", times_ms, 1800)
        slowly = wander(self.seed, "vibration", times_ms, 0.018)
        healthy = self.rating.vibration_mm_s * quickly * slowly
        return np.where(is_on, healthy + 7.0 * wear, 0.0)

    def _count(self, elapsed_s: Array, is_on: Flags, shaft_kw: Array) -> dict[str, Array]:
        """The hour meter and the energy meter."""
        memory, rating = self._memory, self.rating
        hours = elapsed_s / 3600.0
        electric_kw = np.where(is_on, shaft_kw / rating.motor_efficiency + rating.fan_kw, 0.1)
        run_hours = accumulate(memory.run_hours, np.where(is_on, hours, 0.0))
        energy_kwh = accumulate(memory.energy_kwh, electric_kw * hours)
        memory.run_hours = last(run_hours, memory.run_hours)
        memory.energy_kwh = last(energy_kwh, memory.energy_kwh)
        return {"run_hours": run_hours, "energy": energy_kwh}
