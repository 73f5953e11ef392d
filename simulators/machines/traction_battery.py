"""The forklift's battery: 16 lithium iron phosphate cells in a row, and how it is charged.

- Voltage: open-circuit voltage less current times resistance (the Rint model; Plett, Battery
  management systems, volume 1, 2015). The open-circuit curve is flat with a knee at either end.
- Capacity and resistance age as cells of this kind do: at the end of life a third of the capacity
  is gone and the resistance has more than doubled (Wang et al., Cycle-life model for graphite-
  LiFePO4 cells, Journal of Power Sources 196, 2011). The battery's controller reports the
  resistance as it would be at 25 °C; what the current meets grows in the cold (Arrhenius).
- A cell with an inner short gives no voltage, drains the row and makes heat.
- Temperature: a lump that takes up I²R and gives it to the air.
- Charging at constant current to 85 % in between, and wholly after work.
"""

from dataclasses import dataclass, field

import numpy as np

from simulators.faults import FaultKind
from simulators.machines.carrying import Array, Flags, last, settle
from simulators.noise import draw_share

_CELLS = 16
_HOUR_S = 3600.0
_EFFICIENCY = 0.95
_FULL, _TOP_UP = 1.0, 0.85
_CHARGE_AT, _CHARGE_LATE_AT = 0.30, 0.13
_DEEP, _RECOVERED = 0.20, 0.30
_EMPTY = 0.03
# Arrhenius: e-fold more resistance for each 40 K of cold, near room temperature.
_COLD_K = 40.0


@dataclass(frozen=True, slots=True)
class Rating:
    """A battery as it was built."""

    capacity_kwh: float = 29.0
    resistance_mohm: float = 9.0
    charge_kw: float = 11.5
    heat_k_kw: float = 30.0
    heat_s: float = 3 * _HOUR_S


def spread_rating(seed: int) -> Rating:
    """A rating with one battery's own small deviations from the drawing."""
    rating = Rating()
    return Rating(
        capacity_kwh=rating.capacity_kwh * draw_share(seed, "capacity", 0.015),
        resistance_mohm=rating.resistance_mohm * draw_share(seed, "resistance", 0.04),
    )


@dataclass(frozen=True, slots=True)
class Charge:
    """State of charge, 0 to 1, and whether and with how much power it is charged."""

    share: Array
    is_charging: Flags
    input_kw: Array
    deep_discharges: Array


@dataclass(slots=True)
class TractionBattery:
    """One battery with its state of charge; `deep_discharges` counts from what it begins with."""

    seed: int
    deep_discharges: float = 0.0
    rating: Rating = field(init=False)
    _share: float = 0.9
    _is_charging: bool = False
    _is_deep: bool = False
    _celsius: float = 20.0

    def __post_init__(self) -> None:
        self.rating = spread_rating(self.seed)

    def rest_at(self, celsius: float) -> None:
        """Its temperature when its story begins."""
        self._celsius = celsius

    def charge(
        self,
        elapsed_s: Array,
        use: tuple[Array, Flags, Flags],
        severity: dict[FaultKind, Array],
    ) -> Charge:
        """Goes through use and charging; `use` is power in kW, work going on, charging put off."""
        mean_kw, is_staffed, is_late = use
        age, short = severity[FaultKind.CELL_AGEING], severity[FaultKind.CELL_SHORT]
        capacity_kwh = self.rating.capacity_kwh * (1.0 - 0.33 * age)
        out = elapsed_s / _HOUR_S * (mean_kw + 0.4 * short) / capacity_kwh
        gain = elapsed_s / _HOUR_S * self.rating.charge_kw * _EFFICIENCY / capacity_kwh
        target = np.where(is_staffed, _TOP_UP, _FULL)
        begin = np.where(is_staffed, np.where(is_late, _CHARGE_LATE_AT, _CHARGE_AT), 0.9)
        columns = (each.tolist() for each in (out, gain, target, begin))
        rows = [self._step(*row) for row in zip(*columns, strict=True)]
        stepped = np.array(rows, dtype=np.float64).reshape(-1, 4)
        taken = np.divide(stepped[:, 2], gain, out=np.ones(gain.shape), where=gain > 0.0)
        is_charging = stepped[:, 1] > 0.0
        return Charge(
            share=stepped[:, 0],
            is_charging=is_charging,
            input_kw=np.where(is_charging, self.rating.charge_kw * taken, 0.0),
            deep_discharges=stepped[:, 3],
        )

    def _step(
        self, out: float, gain: float, target: float, begin: float
    ) -> tuple[float, float, float, float]:
        """One reading on: state of charge, was it charged (1 or 0), by how much, deep discharges.

        A full battery takes no more, so that the last reading of a charge may be only part of one.
        """
        was_charging, before = self._is_charging, self._share
        change = gain if was_charging else -out
        self._share = min(max(before + change, _EMPTY), _FULL)
        if was_charging:
            self._is_charging = self._share < target
        else:
            self._is_charging = self._share < begin
        if self._share < _DEEP and not self._is_deep:
            self.deep_discharges += 1.0
        self._is_deep = self._share < (_RECOVERED if self._is_deep else _DEEP)
        return self._share, float(was_charging), self._share - before, self.deep_discharges

    def measure(
        self,
        elapsed_s: Array,
        power_kw: Array,
        charge: Charge,
        ambient_c: Array,
        severity: dict[FaultKind, Array],
    ) -> dict[str, Array]:
        """What the battery's controller reports at this power, which is below 0 when charged."""
        age, short = severity[FaultKind.CELL_AGEING], severity[FaultKind.CELL_SHORT]
        open_v = _open_voltage(charge.share) * (_CELLS - short)
        resistance_mohm = self.rating.resistance_mohm * (1.0 + 1.3 * age)
        heat_kw = (power_kw * 1000.0 / open_v) ** 2 * resistance_mohm / 1e6 + 0.5 * short
        target_c = ambient_c + self.rating.heat_k_kw * heat_kw
        celsius = settle(self._celsius, target_c, elapsed_s, self.rating.heat_s)
        self._celsius = last(celsius, self._celsius)
        met_ohm = resistance_mohm / 1000.0 * np.exp(np.clip(25.0 - celsius, -30, 50) / _COLD_K)
        # V = E - I·R and P = V·I give V as the larger root of a quadratic.
        room = np.maximum(open_v**2 - 4.0 * met_ohm * power_kw * 1000.0, (0.5 * open_v) ** 2)
        volts = (open_v + np.sqrt(room)) / 2.0
        return {
            "state_of_charge": 100.0 * charge.share,
            "battery_voltage": volts,
            "battery_current": power_kw * 1000.0 / volts,
            "battery_temperature": celsius,
            "battery_resistance": resistance_mohm,
            "deep_discharges": charge.deep_discharges,
        }


def _open_voltage(share: Array) -> Array:
    """Open-circuit voltage of one cell."""
    knees = 0.08 * np.exp(-(1.0 - share) / 0.03) - 0.35 * np.exp(-share / 0.06)
    return np.asarray(3.24 + 0.10 * share + knees)
