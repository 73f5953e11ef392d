"""Every store against a plain dictionary and a plain count."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.store_suite import NAN, T0, batch, make_model_name, read_all

metric_values = st.floats(allow_infinity=False) | st.just(NAN)
row = st.tuples(
    st.integers(0, 3),
    # Seconds and hours apart: rows land in the append, in one merge and in several.
    st.integers(0, 4) | st.integers(0, 4).map(lambda n: n * 3_600_000),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), metric_values, max_size=3),
)
writes = st.lists(
    st.lists(st.tuples(st.sampled_from(["x", "y"]), st.lists(row, max_size=6)), max_size=3),
    max_size=5,
)


def remember(expected, rows):
    for asset, offset, values in rows:
        present = {name: value for name, value in values.items() if not math.isnan(value)}
        if present:
            expected.setdefault((asset, offset), {}).update(present)


def as_batch(model, rows):
    columns = {m: [values.get(m, NAN) for _, _, values in rows] for m in "abc"}
    return batch(model, [each[:2] for each in rows], **columns)


@given(sequence=writes)
@settings(max_examples=40)
def test_any_sequence_of_writes_equals_a_dictionary(store, sequence):
    prefix = make_model_name()
    expected = {"x": {}, "y": {}}
    for batches in sequence:
        store.write([as_batch(f"{prefix}_{name}", rows) for name, rows in batches])
        for name, rows in batches:
            remember(expected[name], rows)
    for name, rows in expected.items():
        found = read_all(store, f"{prefix}_{name}", ["a", "b", "c"])
        assert found == [(*key, *(rows[key].get(m) for m in "abc")) for key in sorted(rows)]


@given(
    points=st.dictionaries(st.integers(0, 200), st.floats(-1e6, 1e6), max_size=30),
    start=st.integers(0, 150),
    length=st.integers(1, 150),
    n_buckets=st.integers(1, 40),
)
@settings(max_examples=40)
def test_buckets_equal_a_plain_count(store, points, start, length, n_buckets):
    model = make_model_name()
    store.write([batch(model, [(1, offset) for offset in points], a=list(points.values()))])
    found = store.buckets(
        model,
        asset=1,
        metrics=["a"],
        start_ms=T0 + start,
        end_ms=T0 + start + length,
        n_buckets=n_buckets,
    )
    parts: dict[int, list[float]] = {}
    for offset, value in points.items():
        if start <= offset < start + length:
            parts.setdefault((offset - start) * n_buckets // length, []).append(value)
    # A bucket starts at the first millisecond that belongs to it.
    starts = [start + -(-number * length // n_buckets) for number in sorted(parts)]
    assert (found.start_ms - T0).tolist() == starts
    assert found.minimum["a"].tolist() == [min(parts[number]) for number in sorted(parts)]
    assert found.maximum["a"].tolist() == [max(parts[number]) for number in sorted(parts)]
    assert found.count["a"].tolist() == [len(parts[number]) for number in sorted(parts)]
    means = [math.fsum(parts[number]) / len(parts[number]) for number in sorted(parts)]
    assert found.mean["a"] == pytest.approx(means, abs=1e-6)
