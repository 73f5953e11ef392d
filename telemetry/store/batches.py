"""Sample batches as arrays: checked, merged and divided before a store writes them; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundation.errors import Invalid
from telemetry.store.contract import (
    LAST_MS,
    SampleBatch,
    check_metric_names,
    check_model_name,
)

MAX_ASSET = 2**32 - 1

# A merge looks at every stored row between its oldest and newest time. Rows further apart than
# this are merged on their own; each merge has a fixed price, so there are not too many.
STRAGGLER_GAP_MS = 10 * 60 * 1000
MAX_MERGES = 4


def combine(batches: Sequence[SampleBatch]) -> list[SampleBatch]:
    """One checked batch per equipment model, without empty rows and with each (asset, time) once.

    Raises:
        Invalid: for a bad name, arrays that do not fit together, an infinity, a time outside
            1970 to 9999.
    """
    by_model: dict[str, list[SampleBatch]] = {}
    for batch in batches:
        by_model.setdefault(batch.equipment_model, []).append(_checked(batch))
    combined = [_merge_repeats(_concatenate(each)) for each in by_model.values()]
    return [batch for batch in combined if batch.asset.size]


def _checked(batch: SampleBatch) -> SampleBatch:
    check_model_name(batch.equipment_model)
    names = check_metric_names(list(batch.values))
    asset = _as_assets(batch.asset)
    at_ms = np.asarray(batch.at_ms, dtype=np.int64)
    values = {name: np.asarray(batch.values[name], dtype=np.float64) for name in names}
    if any(array.shape != asset.shape for array in (at_ms, *values.values())):
        raise Invalid(f"The arrays of a batch of {batch.equipment_model} differ in length.")
    if any(np.isinf(array).any() for array in values.values()):
        raise Invalid(f"A batch of {batch.equipment_model} holds an infinity.")
    if at_ms.size and (at_ms.min() < 0 or at_ms.max() > LAST_MS):
        raise Invalid(f"A batch of {batch.equipment_model} holds a time outside 1970 to 9999.")
    return SampleBatch(batch.equipment_model, asset, at_ms, values)


def _as_assets(asset: NDArray[np.uint32]) -> NDArray[np.uint32]:
    given = np.asarray(asset)
    is_sound = given.ndim == 1 and (given.dtype.kind in "iu" or not given.size)
    if is_sound and given.size:
        is_sound = bool(given.min() >= 0 and given.max() <= MAX_ASSET)
    if not is_sound:
        raise Invalid(f"Assets are given as one array of whole numbers from 0 to {MAX_ASSET}.")
    return given.astype(np.uint32)


def _concatenate(batches: Sequence[SampleBatch]) -> SampleBatch:
    if len(batches) == 1:
        return batches[0]
    names = dict.fromkeys(name for batch in batches for name in batch.values)
    return SampleBatch(
        batches[0].equipment_model,
        np.concatenate([batch.asset for batch in batches]),
        np.concatenate([batch.at_ms for batch in batches]),
        {name: np.concatenate([_column(batch, name) for batch in batches]) for name in names},
    )


def _column(batch: SampleBatch, name: str) -> NDArray[np.float64]:
    column = batch.values.get(name)
    return np.full(batch.asset.size, np.nan) if column is None else column


def _merge_repeats(batch: SampleBatch) -> SampleBatch:
    """The batch sorted by time; of equal (asset, time) each metric's last value."""
    present = np.any([~np.isnan(column) for column in batch.values.values()], axis=0)
    batch = take(batch, np.flatnonzero(present))
    # Stable: equal rows stay in the order of arrival.
    batch = take(batch, np.lexsort((batch.asset, batch.at_ms)))
    is_first = np.ones(batch.asset.size, dtype=np.bool_)
    is_first[1:] = (np.diff(batch.at_ms) != 0) | (np.diff(batch.asset.astype(np.int64)) != 0)
    if is_first.all():
        return batch
    starts = np.flatnonzero(is_first)
    values = {name: _last_present(column, starts) for name, column in batch.values.items()}
    return SampleBatch(batch.equipment_model, batch.asset[starts], batch.at_ms[starts], values)


def _last_present(column: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    position = np.where(np.isnan(column), -1, np.arange(column.size))
    last = np.maximum.reduceat(position, starts)
    return np.where(last < 0, np.nan, column[last])


def take(batch: SampleBatch, rows: NDArray[np.intp]) -> SampleBatch:
    """The rows of the batch at these positions."""
    values = {name: column[rows] for name, column in batch.values.items()}
    return SampleBatch(batch.equipment_model, batch.asset[rows], batch.at_ms[rows], values)


@dataclass(frozen=True, slots=True)
class WritePlan:
    """`new` rows can be appended unseen; each of the `known` parts is merged on its own."""

    new: SampleBatch
    known: list[SampleBatch]


def plan_writes(batch: SampleBatch, newest_ms: Mapping[int, int]) -> WritePlan:
    """How to store a combined batch when `newest_ms` holds each asset's newest stored time."""
    assets, position = np.unique(batch.asset, return_inverse=True)
    known_ms = np.array([newest_ms.get(asset, -1) for asset in assets.tolist()], dtype=np.int64)
    is_new = batch.at_ms > known_ms[position]
    others = take(batch, np.flatnonzero(~is_new))
    return WritePlan(take(batch, np.flatnonzero(is_new)), _cut_at_gaps(others))


def _cut_at_gaps(batch: SampleBatch) -> list[SampleBatch]:
    if not batch.asset.size:
        return []
    gaps = np.diff(batch.at_ms)
    widest = np.argsort(gaps, kind="stable")[::-1][: MAX_MERGES - 1]
    cuts = np.sort(widest[gaps[widest] > STRAGGLER_GAP_MS]) + 1
    return [take(batch, rows) for rows in np.split(np.arange(batch.asset.size), cuts)]


def find_newest(batch: SampleBatch) -> dict[int, int]:
    """Asset → newest time in a combined batch, epoch ms."""
    # The batch is sorted by time, so the last of equal keys is the newest.
    return dict(zip(batch.asset.tolist(), batch.at_ms.tolist(), strict=True))
