"""Faults that a simulated machine can have: what, since when, how fast it grows, until when.

They are the truth that the platform never sees; tests and evaluations compare with it. What a
fault does to the readings is the machine's own physics.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class FaultKind(StrEnum):
    """What is wrong."""

    OIL_COOLER_CLOGGING = "oil_cooler_clogging"
    SEPARATOR_CLOGGING = "separator_clogging"
    INLET_FILTER_CLOGGING = "inlet_filter_clogging"
    BEARING_WEAR = "bearing_wear"
    AIR_LEAK = "air_leak"
    UNLOADER_VALVE_FAILURE = "unloader_valve_failure"
    SEAL_LEAK = "seal_leak"
    CAVITATION = "cavitation"
    IMBALANCE = "imbalance"
    PUMP_BEARING_WEAR = "pump_bearing_wear"
    IMPELLER_WEAR = "impeller_wear"
    SPINDLE_BEARING_WEAR = "spindle_bearing_wear"
    COOLANT_FILTER_CLOGGING = "coolant_filter_clogging"
    HYDRAULIC_LEAK = "hydraulic_leak"
    AXIS_FRICTION = "axis_friction"
    CELL_AGEING = "cell_ageing"
    CELL_SHORT = "cell_short"
    BRAKE_DRAG = "brake_drag"
    HYDRAULIC_PUMP_WEAR = "hydraulic_pump_wear"


class Growth(StrEnum):
    """How severity rises from 0 at the onset to 1 when the fault is full."""

    SUDDEN = "sudden"
    STEADY = "steady"
    ACCELERATING = "accelerating"


_STEEPNESS = 3.0
_COMPRESSOR, _PUMP = "screw_compressor", "centrifugal_pump"
_MACHINING, _FORKLIFT = "machining_centre", "forklift"


@dataclass(frozen=True, slots=True)
class Trait:
    """What a kind of fault is usually like.

    `machine` is the equipment model that has it, `days` the time from onset to full. The machine's
    controller reports `code` once the severity exceeds `code_above`; 0 where it sees nothing.
    """

    machine: str
    growth: Growth
    days: float
    symptom: str
    code: int = 0
    code_above: float = 1.0


# Dirt gathers with what passes; wear feeds on itself; what breaks off is gone at once.
TRAITS = {
    FaultKind.OIL_COOLER_CLOGGING: Trait(
        _COMPRESSOR, Growth.STEADY, 30, "Oil and air leave warmer.", 110, 0.7
    ),
    FaultKind.SEPARATOR_CLOGGING: Trait(
        _COMPRESSOR, Growth.STEADY, 35, "Pressure drops across the separator.", 120, 0.6
    ),
    FaultKind.INLET_FILTER_CLOGGING: Trait(
        _COMPRESSOR, Growth.STEADY, 25, "Pressure drops across the inlet filter.", 130, 0.7
    ),
    FaultKind.BEARING_WEAR: Trait(
        _COMPRESSOR, Growth.ACCELERATING, 40, "The air end vibrates and takes more power."
    ),
    FaultKind.AIR_LEAK: Trait(
        _COMPRESSOR, Growth.STEADY, 40, "Loads longer, until it cannot hold the pressure."
    ),
    FaultKind.UNLOADER_VALVE_FAILURE: Trait(
        _COMPRESSOR, Growth.ACCELERATING, 14, "Delivers less when loaded, takes more when idle.",
        140, 0.4,
    ),
    FaultKind.SEAL_LEAK: Trait(
        _PUMP, Growth.ACCELERATING, 14, "Liquid drips from the shaft seal.", 210, 0.6
    ),
    FaultKind.CAVITATION: Trait(
        _PUMP, Growth.STEADY, 10, "Suction pressure falls; it rattles and loses head.", 220, 0.7
    ),
    FaultKind.IMBALANCE: Trait(_PUMP, Growth.SUDDEN, 1, "Vibrates at the speed of rotation."),
    FaultKind.PUMP_BEARING_WEAR: Trait(
        _PUMP, Growth.ACCELERATING, 35, "A bearing runs warm and vibrates.", 230, 0.7
    ),
    FaultKind.IMPELLER_WEAR: Trait(
        _PUMP, Growth.STEADY, 50, "Head and flow decline for the same power."
    ),
    FaultKind.SPINDLE_BEARING_WEAR: Trait(
        _MACHINING, Growth.ACCELERATING, 35, "The spindle vibrates and runs warm.", 310, 0.7
    ),
    FaultKind.COOLANT_FILTER_CLOGGING: Trait(
        _MACHINING, Growth.STEADY, 14, "Less coolant flows and it comes back warmer.", 320, 0.6
    ),
    FaultKind.HYDRAULIC_LEAK: Trait(
        _MACHINING, Growth.ACCELERATING, 10, "Clamping pressure falls.", 330, 0.6
    ),
    FaultKind.AXIS_FRICTION: Trait(
        _MACHINING, Growth.STEADY, 30, "The axis drive takes more current."
    ),
    FaultKind.CELL_AGEING: Trait(
        _FORKLIFT, Growth.STEADY, 60, "The battery empties sooner and its resistance grows."
    ),
    FaultKind.CELL_SHORT: Trait(
        _FORKLIFT, Growth.SUDDEN, 1, "One cell gives no voltage; the battery warms and drains.",
        420, 0.5,
    ),
    FaultKind.BRAKE_DRAG: Trait(
        _FORKLIFT, Growth.STEADY, 12, "Driving takes more current; the motor runs warm.", 430, 0.6
    ),
    FaultKind.HYDRAULIC_PUMP_WEAR: Trait(
        _FORKLIFT, Growth.STEADY, 40, "Lifting pressure falls and lifting takes more current."
    ),
}  # fmt: skip
USUAL_GROWTH = {kind: trait.growth for kind, trait in TRAITS.items()}
USUAL_DAYS = {kind: trait.days for kind, trait in TRAITS.items()}
CODES = {kind: trait.code for kind, trait in TRAITS.items() if trait.code}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault from `onset_ms` on, full at `full_ms`, gone from `cleared_ms` on if that is set."""

    kind: FaultKind
    onset_ms: int
    full_ms: int
    growth: Growth = Growth.STEADY
    cleared_ms: int | None = None

    def measure_severity(self, times_ms: NDArray[np.int64]) -> NDArray[np.float64]:
        """How bad it is at each time, 0 to 1; stays at 1 once full."""
        duration_ms = max(self.full_ms - self.onset_ms, 1)
        share = np.clip((times_ms - self.onset_ms) / duration_ms, 0.0, 1.0)
        severity = _grow(share, self.growth)
        if self.cleared_ms is not None:
            severity = np.where(times_ms < self.cleared_ms, severity, 0.0)
        return severity

    def is_present(
        self, times_ms: NDArray[np.int64], *, at_least: float = 0.0
    ) -> NDArray[np.bool_]:
        """The label at each time: present, and more severe than `at_least`."""
        return self.measure_severity(times_ms) > at_least


def _grow(share: NDArray[np.float64], growth: Growth) -> NDArray[np.float64]:
    if growth is Growth.SUDDEN:
        return np.where(share > 0.0, 1.0, 0.0)
    if growth is Growth.ACCELERATING:
        return np.asarray(np.expm1(_STEEPNESS * share) / np.expm1(_STEEPNESS))
    return share


def measure_severities(
    faults: tuple[Fault, ...], times_ms: NDArray[np.int64]
) -> dict[FaultKind, NDArray[np.float64]]:
    """Severity of every kind at each time; the worst counts where two of a kind overlap."""
    severities = dict.fromkeys(FaultKind, np.zeros(times_ms.shape))
    for fault in faults:
        worst = np.maximum(severities[fault.kind], fault.measure_severity(times_ms))
        severities[fault.kind] = worst
    return severities


def show_codes(
    machine: str, severities: dict[FaultKind, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The code that the machine's controller shows at each time, that of the worst; 0 for none."""
    shown: NDArray[np.float64] = np.zeros(severities[FaultKind.BEARING_WEAR].shape)
    worst = np.zeros(shown.shape)
    for kind, trait in TRAITS.items():
        if trait.machine == machine and trait.code:
            severity = severities[kind]
            leads = (severity > trait.code_above) & (severity > worst)
            shown = np.where(leads, float(trait.code), shown)
            worst = np.where(leads, severity, worst)
    return shown
