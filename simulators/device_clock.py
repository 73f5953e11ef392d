"""A device's clock, which is never quite right: it tells when a reading was measured.

What the device sends with a wrong time is the fleet's; what the platform makes of it is not ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import draw_normal, draw_uniform

# Cheap quartz is off by some ten parts in a million, a second a day.
_USUAL_DRIFT_PPM = 10.0
_USUAL_OFFSET_MS = 1_500.0
_NEVER_SET_SHARE = 0.02
_LEAST_UNSET_MS, _UNSET_RANGE_MS = 3_600_000, 11 * 3_600_000


@dataclass(frozen=True, slots=True)
class ClockError:
    """Off by `offset_ms` at `since_ms`, and by `drift_ppm` of the time since then more."""

    offset_ms: int = 0
    drift_ppm: float = 0.0
    since_ms: int = 0

    def observe(self, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the clock says at these times; ascending times stay ascending."""
        drifted = np.floor((times_ms - self.since_ms) * (self.drift_ppm * 1e-6))
        return np.asarray(times_ms + self.offset_ms + drifted.astype(np.int64))


def draw_clock_error(seed: int, since_ms: int) -> ClockError:
    """The clock of one device: most are off by seconds, a few were never set, by hours."""
    one = np.zeros(1, dtype=np.int64)
    offset = float(draw_normal(seed, "clock offset", one)[0])
    drift = float(draw_normal(seed, "clock drift", one)[0])
    unset = float(draw_uniform(seed, "clock unset", one)[0]) / _NEVER_SET_SHARE
    offset_ms = _USUAL_OFFSET_MS * float(np.clip(offset, -3.0, 3.0))
    if unset < 1.0:
        offset_ms = float(np.copysign(_LEAST_UNSET_MS + unset * _UNSET_RANGE_MS, offset))
    return ClockError(int(offset_ms), _USUAL_DRIFT_PPM * drift, since_ms)
