"""Rolling windows in machine time over many assets; what is computed in them lives in features.

All arrays are flat and sorted by (asset, time). A window ends at its row and reaches back
`window_ms`, the older end excluded. Rows of one asset that follow each other within `max_gap_ms`
form a segment; a window never reaches over the gap before its segment, and it is filled once the
segment is as long as the window.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.store.contract import Samples

Assets = NDArray[np.uint32]
Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Windows:
    """One window per wanted row: sample rows `first` to `last`, both included; all arrays (m,)."""

    first: Rows
    last: Rows
    is_filled: Flags


def segment_starts(asset: Assets, at_ms: Times, max_gap_ms: int) -> Flags:
    """Rows (n,) where an asset begins or comes back after a gap longer than `max_gap_ms`."""
    starts = np.ones(len(asset), dtype=np.bool_)
    starts[1:] = (asset[1:] != asset[:-1]) | (np.diff(at_ms) > max_gap_ms)
    return starts


def row_of_last(flags: Flags) -> Rows:
    """For each row the newest flagged row up to it, -1 before the first; (n,) → (n,)."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), -1))


def find_windows(samples: Samples, rows: Rows, *, window_ms: int, max_gap_ms: int) -> Windows:
    """The windows that end at the given rows of the samples.

    For a row to be judged as it would be within the whole history, the samples must reach back
    `window_ms + max_gap_ms` before it.
    """
    segment = row_of_last(segment_starts(samples.asset, samples.at_ms, max_gap_ms))[rows]
    at_ms = samples.at_ms[rows]
    keys = _time_keys(samples, window_ms)
    oldest = np.searchsorted(keys, keys[rows] - window_ms, side="right")
    is_filled = at_ms - samples.at_ms[segment] >= window_ms
    return Windows(np.maximum(oldest, segment), rows, is_filled)


def _time_keys(samples: Samples, window_ms: int) -> Times:
    # One ascending number per row, so that a single search serves all assets: each asset's times
    # are moved behind those of the asset before it, more than a window apart.
    if not len(samples.asset):
        return samples.at_ms
    place = np.cumsum(np.diff(samples.asset, prepend=samples.asset[:1]) != 0)
    since = samples.at_ms - samples.at_ms.min()
    keys: Times = place * (int(since.max()) + window_ms + 1) + since
    return keys
