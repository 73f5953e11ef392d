"""How machines carry on from reading to reading; where a stretch is cut makes no difference.

Counters, first-order lags and the time since the reading before; what is carried is the machine's.
"""

import numpy as np
from numpy.typing import NDArray

from simulators.noise import draw_drift, draw_uniform

Array = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]

_WEEKS_S = 18 * 86_400.0


def elapse(at_ms: int | None, times_ms: Times) -> Array:
    """Seconds since the reading before, which was at `at_ms`; 0 for the very first reading."""
    if times_ms.size == 0:
        return np.zeros(0)
    return np.asarray(np.diff(times_ms, prepend=times_ms[0] if at_ms is None else at_ms) / 1000.0)


def accumulate(start: float, steps: Array) -> Array:
    """Running sums from `start`; added one by one, so that a cut changes not even the last bit."""
    return np.cumsum(np.concatenate(([start], steps)))[1:]


def settle(start: float, target: Array, elapsed_s: Array, time_constant_s: float | Array) -> Array:
    """A first-order lag: what is drawn towards `target`, e-fold nearer each time constant."""
    kept = np.exp(-elapsed_s / time_constant_s)
    now, settled = start, []
    for aim, share in zip(target.tolist(), kept.tolist(), strict=True):
        now = aim + (now - aim) * share
        settled.append(now)
    return np.asarray(settled, dtype=np.float64)


def last(values: Array, otherwise: float) -> float:
    """What to carry on after a stretch, which may be empty."""
    return float(values[-1]) if values.size else otherwise


def wander(seed: int, name: str, times_ms: Times, spread: float) -> Array:
    """A factor near 1 that goes up and down over weeks: dirt, settings, hands, no two alike."""
    return np.asarray(
        1.0 + spread * np.clip(draw_drift(seed, name, times_ms, _WEEKS_S), -2.5, 2.5)
    )


def draw_age(seed: int) -> float:
    """Hours that a machine has run when its story begins."""
    share = float(draw_uniform(seed, "age", np.zeros(1, dtype=np.int64))[0])
    return round(400.0 + 11_600.0 * share, 2)
