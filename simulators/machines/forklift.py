"""An electric counterbalance truck of 2.5 t with a lithium battery; its people are in its rating.

It drives, lifts and waits as the demand asks, is charged when the battery runs low and after work.
Hydraulics and motor are here, the battery's cells in traction_battery.

- Energy of the work cycle, some 4 to 5 kWh an hour of driving and lifting: VDI 2198.
- Driving takes rolling resistance; a dragging brake adds to it. The motor is a lump of metal that
  takes up its losses and gives them to the air.
- Lifting pressure is the load over the cylinder's area; a worn pump slips, loses pressure and runs
  longer for the same lift (volumetric efficiency, Ivantysyn, Hydrostatic pumps and motors, 2001).
  The controller reports the pressure of the last lift.
- Shocks come as a Poisson process while it drives, often with some drivers and seldom with others;
  on careless days nobody charges before the battery is nearly empty.
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
from simulators.machines.traction_battery import TractionBattery
from simulators.noise import draw_normal, draw_share, draw_uniform
from simulators.sensors import Sensor, read_all

_KEY = "forklift"
_HOUR_S = 3600.0
_DAY_MS = 86_400_000
_PARKED, _DRIVING, _LIFTING, _CHARGING = 0.0, 1.0, 2.0, 3.0

SENSORS = {
    "state_of_charge": Sensor(noise=0.3, resolution=0.1, maximum=100.0),
    "battery_voltage": Sensor(noise=0.05, resolution=0.01),
    "battery_current": Sensor(noise=0.8, resolution=0.1, minimum=-500.0),
    "battery_temperature": Sensor(noise=0.2, resolution=0.1, minimum=-50.0),
    "battery_resistance": Sensor(noise=0.15, resolution=0.01),
    "motor_temperature": Sensor(noise=0.4, resolution=0.1, minimum=-50.0),
    "hydraulic_pressure": Sensor(noise=0.5, resolution=0.1),
    "ambient_temperature": Sensor(noise=0.2, resolution=0.1, minimum=-50.0),
    "running_state": Sensor(noise=0.0, resolution=1.0, maximum=3.0),
    "run_hours": Sensor(noise=0.0, resolution=0.01),
    "energy": Sensor(noise=0.0, resolution=0.01),
    "charge_energy": Sensor(noise=0.0, resolution=0.01),
    "deep_discharges": Sensor(noise=0.0, resolution=1.0),
    "shocks": Sensor(noise=0.0, resolution=1.0),
    "fault_code": Sensor(noise=0.0, resolution=1.0),
}


@dataclass(frozen=True, slots=True)
class Rating:
    """A truck as it was built, and the habits of its drivers."""

    drive_kw: float = 3.9
    lift_kw: float = 9.0
    standby_kw: float = 0.25
    asleep_kw: float = 0.02
    drive_share: float = 0.8
    lift_share: float = 0.2
    lift_bar: float = 122.0
    motor_rise_k: float = 34.0
    motor_s: float = 2100.0
    shocks_an_hour: float = 0.05
    late_days: float = 0.05


def spread_rating(seed: int) -> Rating:
    """A rating with one truck's own small deviations from the drawing, and its drivers'."""
    rating = Rating()
    return Rating(
        drive_kw=rating.drive_kw * draw_share(seed, "drive", 0.02),
        lift_kw=rating.lift_kw * draw_share(seed, "lift", 0.02),
        lift_bar=rating.lift_bar * draw_share(seed, "hydraulics", 0.015),
        motor_rise_k=rating.motor_rise_k * draw_share(seed, "motor", 0.04),
        shocks_an_hour=0.02 + 0.5 * _draw_habit(seed, "rough driving") ** 3,
        late_days=0.01 + 0.4 * _draw_habit(seed, "late charging") ** 3,
    )


def _draw_habit(seed: int, name: str) -> float:
    return float(draw_uniform(seed, name, np.zeros(1, dtype=np.int64))[0])


@dataclass(frozen=True, slots=True)
class _Work:
    """What it would do if it need not be charged: shares of the time, power in kW."""

    is_staffed: Flags
    drive_share: Array
    lift_share: Array
    drive_kw: Array
    lift_kw: Array
    mean_kw: Array


@dataclass(slots=True)
class _Memory:
    """What carries on from one reading to the next."""

    run_hours: float
    energy_kwh: float
    charged_kwh: float
    shocks: float
    at_ms: int | None = None
    motor_c: float = 20.0
    lift_bar: float = 122.0


@dataclass(slots=True)
class Forklift:
    """One truck; see the module for its physics."""

    seed: int
    faults: tuple[Fault, ...] = ()
    rating: Rating = field(init=False)
    _battery: TractionBattery = field(init=False)
    _memory: _Memory = field(init=False)

    def __post_init__(self) -> None:
        self.rating = spread_rating(self.seed)
        hours = round(0.6 * draw_age(self.seed), 2)
        shocks = round(0.7 * self.rating.shocks_an_hour * hours)
        drained = round(5.5 * hours, 2)
        self._memory = _Memory(hours, drained, round(1.1 * drained, 2), float(shocks))
        deep = round(self.rating.late_days * hours / 6.0)
        self._battery = TractionBattery(self.seed, deep_discharges=float(deep))

    @property
    def equipment_model(self) -> str:
        return _KEY

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults

    def simulate(self, times_ms: Times, surroundings: Surroundings) -> dict[str, Array]:
        severity = measure_severities(self.faults, times_ms)
        elapsed_s, ambient_c = self._elapse(times_ms, surroundings), surroundings.ambient_c
        work = self._plan(times_ms, surroundings, severity)
        is_late = draw_uniform(self.seed, "late", times_ms // _DAY_MS) < self.rating.late_days
        charge = self._battery.charge(
            elapsed_s, (work.mean_kw, work.is_staffed, is_late), severity
        )
        state = self._choose_state(times_ms, work, charge.is_charging)
        power_kw = self._draw_power(times_ms, work, state, charge.input_kw)
        true = {
            "ambient_temperature": ambient_c,
            "running_state": state,
            **self._battery.measure(elapsed_s, power_kw, charge, ambient_c, severity),
            "motor_temperature": self._warm_motor(
                elapsed_s, work, charge.is_charging, severity, ambient_c
            ),
            "hydraulic_pressure": self._lift(times_ms, work, charge.is_charging, severity),
            **self._count(times_ms, elapsed_s, work, charge.is_charging),
            "charge_energy": self._count_charge(elapsed_s, charge.input_kw),
            "fault_code": show_codes(_KEY, severity),
        }
        return read_all(SENSORS, true, self.seed, times_ms)

    def _elapse(self, times_ms: Times, surroundings: Surroundings) -> Array:
        memory = self._memory
        elapsed_s = elapse(memory.at_ms, times_ms)
        if times_ms.size:
            if memory.at_ms is None:
                memory.motor_c = float(surroundings.ambient_c[0])
                self._battery.rest_at(memory.motor_c)
            memory.at_ms = int(times_ms[-1])
        return elapsed_s

    def _plan(
        self, times_ms: Times, surroundings: Surroundings, severity: dict[FaultKind, Array]
    ) -> _Work:
        rating = self.rating
        drive_share = rating.drive_share * surroundings.demand
        lift_share = rating.lift_share * surroundings.demand
        rolling_kw = rating.drive_kw * wander(self.seed, "rolling", times_ms, 0.02)
        drive_kw = rolling_kw * (1.0 + 0.8 * severity[FaultKind.BRAKE_DRAG])
        lift_kw = rating.lift_kw * (1.0 + 0.35 * severity[FaultKind.HYDRAULIC_PUMP_WEAR])
        waiting_kw = rating.standby_kw * (1.0 - drive_share - lift_share)
        busy_kw = drive_share * drive_kw + lift_share * lift_kw + waiting_kw
        is_staffed = surroundings.is_staffed
        mean_kw = np.where(is_staffed, busy_kw, rating.asleep_kw)
        return _Work(is_staffed, drive_share, lift_share, drive_kw, lift_kw, mean_kw)

    def _choose_state(self, times_ms: Times, work: _Work, is_charging: Flags) -> Array:
        """Readings meet it anywhere in its rounds, so the moment is drawn for each."""
        moment = draw_uniform(self.seed, "moment", times_ms)
        is_lifting = moment < work.lift_share
        is_driving = moment < work.lift_share + work.drive_share
        busy = np.where(is_lifting, _LIFTING, np.where(is_driving, _DRIVING, _PARKED))
        return np.where(is_charging, _CHARGING, np.where(work.is_staffed, busy, _PARKED))

    def _draw_power(self, times_ms: Times, work: _Work, state: Array, input_kw: Array) -> Array:
        """Power out of the battery at each moment, below 0 when it is charged."""
        rating = self.rating
        weight = 1.0 + 0.12 * np.clip(draw_normal(self.seed, "weight", times_ms), -2.5, 2.5)
        waiting_kw = np.where(work.is_staffed, rating.standby_kw, rating.asleep_kw)
        busy_kw = np.where(state == _LIFTING, work.lift_kw, work.drive_kw) * weight
        used_kw = np.where(state == _PARKED, waiting_kw, busy_kw)
        return np.where(state == _CHARGING, -input_kw, used_kw)

    def _warm_motor(
        self,
        elapsed_s: Array,
        work: _Work,
        is_charging: Flags,
        severity: dict[FaultKind, Array],
        ambient_c: Array,
    ) -> Array:
        """Losses grow with the work done, and more than in proportion with a dragged motor's."""
        rating, memory = self.rating, self._memory
        load = work.drive_share / 0.55 * (1.0 + 0.8 * severity[FaultKind.BRAKE_DRAG]) ** 1.5
        rise_k = np.where(work.is_staffed & ~is_charging, rating.motor_rise_k * load, 0.0)
        motor_c = settle(memory.motor_c, ambient_c + rise_k, elapsed_s, rating.motor_s)
        memory.motor_c = last(motor_c, memory.motor_c)
        return motor_c

    def _lift(
        self, times_ms: Times, work: _Work, is_charging: Flags, severity: dict[FaultKind, Array]
    ) -> Array:
        """Pressure of the last lift; it stands while the truck is charged or left alone."""
        loads = 1.0 + 0.05 * np.clip(draw_normal(self.seed, "loads", times_ms), -2.5, 2.5)
        slip = 1.0 - 0.38 * severity[FaultKind.HYDRAULIC_PUMP_WEAR]
        goods = wander(self.seed, "goods", times_ms, 0.02)
        lifted = self.rating.lift_bar * loads * goods * slip
        at_work = work.is_staffed & ~is_charging
        newest = np.maximum.accumulate(np.where(at_work, np.arange(times_ms.size), -1))
        held = np.concatenate((lifted, [self._memory.lift_bar]))[newest]
        self._memory.lift_bar = last(held, self._memory.lift_bar)
        return held

    def _count(
        self, times_ms: Times, elapsed_s: Array, work: _Work, is_charging: Flags
    ) -> dict[str, Array]:
        """Hours at work, energy drawn and shocks, from what it does around each reading."""
        memory, hours = self._memory, elapsed_s / _HOUR_S
        at_work = work.is_staffed & ~is_charging
        busy = np.where(at_work, (work.drive_share + work.lift_share) * hours, 0.0)
        expected = np.where(at_work, work.drive_share * hours * self.rating.shocks_an_hour, 0.0)
        is_hit = draw_uniform(self.seed, "shock", times_ms) < -np.expm1(-expected)
        used_kw = np.where(is_charging, 0.0, work.mean_kw)
        counted = {
            "run_hours": accumulate(memory.run_hours, busy),
            "energy": accumulate(memory.energy_kwh, used_kw * hours),
            "shocks": accumulate(memory.shocks, is_hit.astype(np.float64)),
        }
        memory.run_hours = last(counted["run_hours"], memory.run_hours)
        memory.energy_kwh = last(counted["energy"], memory.energy_kwh)
        memory.shocks = last(counted["shocks"], memory.shocks)
        return counted

    def _count_charge(self, elapsed_s: Array, input_kw: Array) -> Array:
        charged_kwh = accumulate(self._memory.charged_kwh, input_kw * elapsed_s / _HOUR_S)
        self._memory.charged_kwh = last(charged_kwh, self._memory.charged_kwh)
        return charged_kwh
