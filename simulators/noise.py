"""Random numbers as a function of seed, stream and index: no state, so no chunk boundary shows.

What the numbers stand for, a sensor's noise or the weather, is said where they are used.
"""

from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF
_FEW_KNOTS = 4


def draw_uniform(seed: int, stream: str, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Independent numbers in [0, 1), one for each index.

    Source: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)
    read at any position instead of one after another.
    """
    return _mix(np.array(_start(seed, stream), dtype=np.uint64), index)


def _start(seed: int, stream: str) -> int:
    return (seed * _GOLDEN + crc32(stream.encode()) * 0xD1342543DE82EF95) & _MASK


def _mix(start: NDArray[np.uint64], index: NDArray[np.int64]) -> NDArray[np.float64]:
    state = start + (index.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return np.asarray((state >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def draw_normal(seed: int, stream: str, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Independent standard normal numbers, one for each index (Box and Muller, 1958)."""
    return np.asarray(draw_normals(seed, (stream,), index)[0])


def draw_normals(
    seed: int, streams: Sequence[str], index: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The numbers (k, n) of k streams at once, each as `draw_normal` tells them."""
    names = (*streams, *(f"{stream}'" for stream in streams))
    starts = np.array([_start(seed, name) for name in names], dtype=np.uint64)
    uniform = _mix(starts[:, np.newaxis], index)
    radius = np.sqrt(-2.0 * np.log1p(-uniform[: len(streams)]))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform[len(streams) :]))


def draw_drift(
    seed: int, stream: str, times_ms: NDArray[np.int64], knot_s: float
) -> NDArray[np.float64]:
    """A smooth wander around 0: standard normal every `knot_s`, an eased line in between."""
    knot_ms = int(knot_s * 1000)
    left = times_ms // knot_ms
    knots = np.arange(left[0], left[-1] + 2) if left.size else left
    heights = _draw_heights(seed, stream, knots)
    part = (times_ms - left * knot_ms) / knot_ms
    eased = part * part * (3.0 - 2.0 * part)
    position = left - left[0] if left.size else left
    below, above = heights[position], heights[position + 1]
    return np.asarray(below + eased * (above - below))


def _draw_heights(seed: int, stream: str, knots: NDArray[np.int64]) -> NDArray[np.float64]:
    # What wanders over days or weeks is asked for the same few knots again and again.
    if len(knots) > _FEW_KNOTS:
        return draw_normal(seed, stream, knots)
    return np.array([_draw_height(seed, stream, knot) for knot in knots.tolist()])


@lru_cache(maxsize=100_000)
def _draw_height(seed: int, stream: str, knot: int) -> float:
    return float(draw_normal(seed, stream, np.array([knot], dtype=np.int64))[0])


def draw_share(seed: int, stream: str, spread: float) -> float:
    """One factor near 1 for a unit's own deviation, within ±3 `spread`."""
    number = float(draw_normal(seed, stream, np.zeros(1, dtype=np.int64))[0])
    return 1.0 + spread * min(max(number, -3.0), 3.0)
