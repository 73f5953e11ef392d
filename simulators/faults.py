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


class Growth(StrEnum):
    """How severity rises from 0 at the onset to 1 when the fault is full."""

    SUDDEN = "sudden"
    STEADY = "steady"
    ACCELERATING = "accelerating"


# Dirt gathers with the air that passes; wear feeds on itself.
USUAL_GROWTH = {
    FaultKind.OIL_COOLER_CLOGGING: Growth.STEADY,
    FaultKind.SEPARATOR_CLOGGING: Growth.STEADY,
    FaultKind.INLET_FILTER_CLOGGING: Growth.STEADY,
    FaultKind.BEARING_WEAR: Growth.ACCELERATING,
}
_STEEPNESS = 3.0


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
    severities = {kind: np.zeros(times_ms.shape) for kind in FaultKind}
    for fault in faults:
        worst = np.maximum(severities[fault.kind], fault.measure_severity(times_ms))
        severities[fault.kind] = worst
    return severities
