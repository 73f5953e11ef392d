"""What DuckDB answers, as the contract's arrays; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.store.contract import Buckets, Samples

Columns = Mapping[str, NDArray[Any]]


def as_samples(columns: Columns, names: Sequence[str]) -> Samples:
    """Rows sorted by asset and time, with a column for each of `names`."""
    asset = np.asarray(columns.get("asset", ()), dtype=np.uint32)
    at_ms = np.asarray(columns.get("at_ms", ()), dtype=np.int64)
    order = np.lexsort((at_ms, asset))
    values = {name: _floats(columns.get(name), asset.size)[order] for name in names}
    return Samples(asset[order], at_ms[order], values)


def as_buckets(
    columns: Columns, names: Sequence[str], *, start_ms: int, end_ms: int, n_buckets: int
) -> Buckets:
    """The buckets from columns `bucket` and, by metric, `min_`, `max_`, `avg_` and `count_`."""
    bucket = np.asarray(columns.get("bucket", ()), dtype=np.int64)
    n = bucket.size
    minimum = {name: _floats(columns.get(f"min_{name}"), n) for name in names}
    maximum = {name: _floats(columns.get(f"max_{name}"), n) for name in names}
    # A mean is summed with rounding and may overflow; it belongs between its ends.
    mean = {
        name: np.clip(_floats(columns.get(f"avg_{name}"), n), minimum[name], maximum[name])
        for name in names
    }
    zeros = np.zeros(n, dtype=np.int64)
    count = {name: np.asarray(columns.get(f"count_{name}", zeros)) for name in names}
    # The first millisecond that SQL puts into the bucket: its start, rounded up.
    starts_ms = start_ms - (-bucket * (end_ms - start_ms)) // n_buckets
    return Buckets(starts_ms, minimum, maximum, mean, count)


def _floats(column: NDArray[Any] | None, size: int) -> NDArray[np.float64]:
    if column is None:
        return np.full(size, np.nan)
    # A column with NULLs comes masked.
    filled = np.ma.filled(column.astype(np.float64), np.nan)
    return np.asarray(filled, dtype=np.float64)
