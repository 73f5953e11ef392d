"""The air end of the screw compressor: how it is built, what it draws and takes, air and power.

Its equations and their sources are named in screw_compressor, which runs it.
"""

from dataclasses import dataclass

import numpy as np

from simulators.faults import FaultKind
from simulators.machines.carrying import Array, Times, wander
from simulators.noise import draw_share

AMBIENT_BAR = 1.013
_KAPPA = 1.4


@dataclass(frozen=True, slots=True)
class Rating:
    """A machine as it was built; bar are gauge unless said otherwise."""

    displacement_m3_min: float = 7.6
    load_bar: float = 6.9
    unload_bar: float = 7.6
    receiver_m3: float = 2.0
    adiabatic_efficiency: float = 0.84
    motor_efficiency: float = 0.94
    idle_share: float = 0.26
    fan_kw: float = 1.1
    supply_v: float = 400.0
    separator_bar: float = 0.22
    aftercooler_bar: float = 0.15
    inlet_filter_mbar: float = 8.0
    oil_heat_share: float = 0.78
    oil_kw_k: float = 1.5
    cooler_kw_k: float = 0.70
    valve_opens_c: float = 72.0
    valve_range_k: float = 10.0
    heat_kj_k: float = 155.0
    still_air_kw_k: float = 0.05
    vibration_mm_s: float = 2.4


def spread_rating(seed: int) -> Rating:
    """A rating with one machine's own small deviations from the drawing."""
    rating = Rating()
    return Rating(
        displacement_m3_min=rating.displacement_m3_min * draw_share(seed, "displacement", 0.01),
        adiabatic_efficiency=rating.adiabatic_efficiency * draw_share(seed, "efficiency", 0.01),
        separator_bar=rating.separator_bar * draw_share(seed, "separator", 0.06),
        inlet_filter_mbar=rating.inlet_filter_mbar * draw_share(seed, "filter", 0.06),
        cooler_kw_k=rating.cooler_kw_k * draw_share(seed, "cooler", 0.03),
        vibration_mm_s=rating.vibration_mm_s * draw_share(seed, "vibration", 0.08),
    )


@dataclass(frozen=True, slots=True)
class Working:
    """What it would do at each time if loaded or idle, before control decides which.

    `flow` is what it delivers and `leak` what the network loses, in m³/min.
    """

    flow: Array
    leak: Array
    separator_bar: Array
    filter_mbar: Array
    load_kw: Array
    idle_kw: Array
    cooler_kw_k: Array


def work(rating: Rating, seed: int, times_ms: Times, severity: dict[FaultKind, Array]) -> Working:
    """Flow, drops, power and cooling at each time from the rating and the faults' severity."""
    wear = severity[FaultKind.BEARING_WEAR]
    filter_mbar = rating.inlet_filter_mbar * wander(seed, "filter", times_ms, 0.018)
    filter_mbar = filter_mbar + 60.0 * severity[FaultKind.INLET_FILTER_CLOGGING]
    inlet_bar = AMBIENT_BAR - filter_mbar / 1000.0
    separator_bar = rating.separator_bar * wander(seed, "separator", times_ms, 0.01)
    separator_bar = separator_bar + 0.9 * severity[FaultKind.SEPARATOR_CLOGGING]
    line_bar = AMBIENT_BAR + (rating.load_bar + rating.unload_bar) / 2.0
    ratio = (line_bar + separator_bar + rating.aftercooler_bar) / inlet_bar
    # A spoilt unloader valve neither opens the intake wholly nor closes it.
    valve = severity[FaultKind.UNLOADER_VALVE_FAILURE]
    drawn_m3_min = rating.displacement_m3_min * (0.93 - 0.008 * ratio)
    drawn_m3_min = drawn_m3_min * wander(seed, "gaps", times_ms, 0.001)
    exponent = (_KAPPA - 1.0) / _KAPPA
    # bar·m³/min become kW by 100 kPa/bar and 60 s/min.
    ideal_kw = inlet_bar * drawn_m3_min * 100.0 / 60.0 / exponent * (ratio**exponent - 1.0)
    load_kw = ideal_kw / rating.adiabatic_efficiency * (1.0 + 0.07 * wear)
    fouling = 1.0 - 0.65 * severity[FaultKind.OIL_COOLER_CLOGGING]
    effectiveness = -np.expm1(-rating.cooler_kw_k * fouling / rating.oil_kw_k)
    return Working(
        flow=drawn_m3_min * inlet_bar / AMBIENT_BAR * (1.0 - 0.22 * valve),
        leak=0.42 * rating.displacement_m3_min * severity[FaultKind.AIR_LEAK],
        separator_bar=separator_bar,
        filter_mbar=filter_mbar,
        load_kw=load_kw * (1.0 - 0.10 * valve),
        idle_kw=(rating.idle_share + 0.42 * valve) * load_kw,
        cooler_kw_k=effectiveness * rating.oil_kw_k,
    )
