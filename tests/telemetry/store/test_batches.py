"""Batches as arrays: merged, and planned without losing a row."""

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.store.batches import (
    MAX_MERGES,
    STRAGGLER_GAP_MS,
    combine,
    find_newest,
    plan_writes,
)
from telemetry.store.contract import SampleBatch


def as_batch(rows, model="m"):
    asset = np.array([row[0] for row in rows], dtype=np.uint32)
    at_ms = np.array([row[1] for row in rows], dtype=np.int64)
    value = np.array([row[2] for row in rows], dtype=np.float64)
    return SampleBatch(model, asset, at_ms, {"a": value})


def as_rows(batch):
    return list(
        zip(batch.asset.tolist(), batch.at_ms.tolist(), batch.values["a"].tolist(), strict=True)
    )


rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.floats(-9, 9)), max_size=30)


@given(rows)
def test_combined_rows_are_unique_and_the_last_value_stands(given_rows):
    combined = combine([as_batch(given_rows)])
    expected = {(asset, at_ms): value for asset, at_ms, value in given_rows}
    found = as_rows(combined[0]) if combined else []
    assert {(asset, at_ms): value for asset, at_ms, value in found} == expected
    assert len(found) == len(expected)
    assert [row[1] for row in found] == sorted(row[1] for row in found)


def test_batches_of_one_model_become_one():
    combined = combine([as_batch([(1, 1, 1)]), as_batch([(1, 2, 2)]), as_batch([(1, 1, 3)], "n")])
    assert [(each.equipment_model, each.asset.size) for each in combined] == [("m", 2), ("n", 1)]


def test_empty_batches_disappear():
    assert combine([as_batch([]), as_batch([(1, 1, math.nan)])]) == []


@given(rows, st.dictionaries(st.integers(0, 3), st.integers(0, 50)))
def test_only_rows_newer_than_all_of_their_asset_are_new(given_rows, newest_ms):
    (batch,) = combine([as_batch([(0, 0, 0.0), *given_rows])])
    plan = plan_writes(batch, newest_ms)
    known = [row for part in plan.known for row in as_rows(part)]
    assert all(row[1] > newest_ms.get(row[0], -1) for row in as_rows(plan.new))
    assert all(row[1] <= newest_ms.get(row[0], -1) for row in known)
    assert sorted(as_rows(plan.new) + known) == sorted(as_rows(batch))


far_apart = st.lists(st.integers(0, 20).map(lambda n: n * STRAGGLER_GAP_MS // 2), min_size=1)


@given(far_apart)
def test_merges_are_few_and_wide_gaps_lie_between_them(times):
    (batch,) = combine([as_batch([(1, at_ms, 1.0) for at_ms in times])])
    parts = plan_writes(batch, {1: 10**12}).known
    assert [row for part in parts for row in as_rows(part)] == as_rows(batch)
    assert 1 <= len(parts) <= MAX_MERGES
    for before, after in itertools.pairwise(parts):
        assert after.at_ms[0] - before.at_ms[-1] > STRAGGLER_GAP_MS


def known_times(*hours):
    batch = as_batch([(1, round(hour * 3_600_000), 1.0) for hour in hours])
    parts = plan_writes(batch, {1: 10**12}).known
    return [(part.at_ms / 3_600_000).tolist() for part in parts]


def test_a_straggler_does_not_widen_the_merge_of_the_others():
    assert known_times(1, 9, 9.01) == [[1], [9, 9.01]]


def test_the_widest_gaps_are_cut_when_there_are_too_many():
    assert known_times(0, 1, 5, 9, 10, 14) == [[0, 1], [5], [9, 10], [14]]


@given(rows)
def test_newest_is_the_last_time_of_each_asset(given_rows):
    ordered = as_batch(sorted(given_rows, key=lambda row: row[1]))
    expected: dict[int, int] = {}
    for asset, at_ms, _ in given_rows:
        expected[asset] = max(at_ms, expected.get(asset, 0))
    assert find_newest(ordered) == expected
