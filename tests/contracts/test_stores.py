"""What every store must do; each engine runs the whole suite."""

import math
import threading

import numpy as np
import pytest

from foundation.errors import Invalid, Unavailable
from tests.contracts.store_suite import NAN, T0, batch, every_engine, read_all


def test_what_was_written_is_read_back_bit_by_bit(store, model):
    column = [0.1, -0.0, 5e-324, 1.7976931348623157e308]
    store.write([batch(model, [(1, 0), (1, 1), (1, 2), (1, 3)], m=column)])
    found = store.read(model, assets=[1], metrics=["m"], start_ms=T0, end_ms=T0 + 4)
    assert found.values["m"].tobytes() == np.array(column).tobytes()
    assert (found.asset.dtype, found.at_ms.dtype) == (np.uint32, np.int64)


def test_samples_are_sorted_by_asset_then_time(store, model):
    store.write([batch(model, [(2, 5), (1, 9), (2, 1), (1, 3)], m=[1, 2, 3, 4])])
    assert read_all(store, model, ["m"]) == [(1, 3, 4), (1, 9, 2), (2, 1, 3), (2, 5, 1)]


def test_fields_at_the_same_time_merge(store, model):
    store.write([batch(model, [(1, 0)], a=[1], b=[2])])
    store.write([batch(model, [(1, 0)], b=[3], c=[4])])
    assert read_all(store, model, ["a", "b", "c"]) == [(1, 0, 1, 3, 4)]


def test_an_absent_value_does_not_erase(store, model):
    store.write([batch(model, [(1, 0)], a=[1], b=[2])])
    store.write([batch(model, [(1, 0)], a=[NAN], b=[5])])
    assert read_all(store, model, ["a", "b"]) == [(1, 0, 1, 5)]


def test_repeated_writes_add_no_rows(store, model):
    rows = batch(model, [(1, 0), (1, 1), (2, 0)], a=[1, 2, 3])
    for _ in range(3):
        store.write([rows])
    assert store.span(model, 1) == (T0, T0 + 1, 2)
    assert store.span(model, 2) == (T0, T0, 1)


def test_repeats_within_one_write_merge_and_the_last_wins(store, model):
    first = batch(model, [(1, 0), (1, 0), (1, 0)], a=[1, 2, NAN], b=[NAN, 7, NAN])
    second = batch(model, [(1, 0)], b=[8])
    store.write([first, second])
    assert read_all(store, model, ["a", "b"]) == [(1, 0, 2, 8)]
    assert store.span(model, 1) == (T0, T0, 1)


def test_late_rows_find_their_place(store, model):
    hour = 3_600_000
    store.write([batch(model, [(1, 100 * hour)], a=[1])])
    store.write([batch(model, [(1, 0), (1, 50 * hour), (1, 101 * hour)], a=[2, 3, 4])])
    store.write([batch(model, [(1, 50 * hour), (1, 0)], b=[5, 6])])
    expected = [(1, 0, 2, 6), (1, 50 * hour, 3, 5), (1, 100 * hour, 1, None)]
    assert read_all(store, model, ["a", "b"]) == [*expected, (1, 101 * hour, 4, None)]


def test_a_new_metric_is_absent_in_older_rows(store, model):
    store.write([batch(model, [(1, 0)], a=[1])])
    store.write([batch(model, [(1, 1)], b=[2])])
    assert read_all(store, model, ["a", "b"]) == [(1, 0, 1, None), (1, 1, None, 2)]


def test_rows_without_the_metrics_asked_for_are_left_out(store, model):
    store.write([batch(model, [(1, 0), (1, 1)], a=[1, NAN], b=[NAN, 2])])
    assert read_all(store, model, ["a"]) == [(1, 0, 1)]


def test_a_row_without_any_metric_is_no_row(store, model):
    store.write([batch(model, [(1, 0), (1, 1)], a=[NAN, 2])])
    assert store.span(model, 1) == (T0 + 1, T0 + 1, 1)


def test_a_period_has_its_start_and_not_its_end(store, model):
    store.write([batch(model, [(1, 0), (1, 1), (1, 2)], a=[0, 1, 2])])
    found = store.read(model, assets=None, metrics=["a"], start_ms=T0 + 1, end_ms=T0 + 2)
    assert found.values["a"].tolist() == [1]


def test_only_the_assets_asked_for_are_read(store, model):
    store.write([batch(model, [(1, 0), (2, 0), (4_294_967_295, 0)], a=[1, 2, 3])])
    assert read_all(store, model, ["a"], assets=[2, 4_294_967_295, 77]) == [
        (2, 0, 2),
        (4_294_967_295, 0, 3),
    ]
    assert read_all(store, model, ["a"], assets=[]) == []


def test_what_was_never_written_is_empty(store, model):
    assert read_all(store, model, ["a"]) == []
    assert store.latest(model, metrics=["a"], since_ms=0) == {}
    assert store.span(model, 1) is None
    found = store.buckets(model, asset=1, metrics=["a"], start_ms=0, end_ms=10, n_buckets=2)
    assert (found.start_ms.size, found.mean["a"].size) == (0, 0)
    store.write([batch(model, [(1, 0)], a=[1])])
    assert store.span(model, 2) is None
    assert read_all(store, model, ["a", "never"]) == [(1, 0, 1, None)]


def test_latest_gives_each_metric_its_own_last_value(store, model):
    store.write([batch(model, [(1, 0), (1, 1), (2, 0)], a=[1, NAN, 3], b=[4, 5, NAN])])
    found = store.latest(model, metrics=["a", "b", "never"], since_ms=T0)
    assert found == {1: (T0 + 1, {"a": 1.0, "b": 5.0}), 2: (T0, {"a": 3.0})}


def test_latest_looks_back_only_so_far(store, model):
    store.write([batch(model, [(1, 0), (2, 5)], a=[1, 2])])
    assert store.latest(model, metrics=["a"], since_ms=T0 + 5) == {2: (T0 + 5, {"a": 2.0})}


def test_buckets_leave_gaps_out(store, model):
    store.write([batch(model, [(1, 0), (1, 9), (1, 25), (2, 12)], a=[1, 3, 7, 100])])
    found = store.buckets(model, asset=1, metrics=["a"], start_ms=T0, end_ms=T0 + 30, n_buckets=3)
    assert (found.start_ms - T0).tolist() == [0, 20]
    assert found.minimum["a"].tolist() == [1, 7]
    assert found.maximum["a"].tolist() == [3, 7]
    assert found.mean["a"].tolist() == [2, 7]
    assert found.count["a"].tolist() == [2, 1]


def test_a_metric_without_values_in_a_bucket_counts_zero(store, model):
    store.write([batch(model, [(1, 0), (1, 10)], a=[1, NAN], b=[NAN, 2])])
    found = store.buckets(
        model, asset=1, metrics=["a", "b"], start_ms=T0, end_ms=T0 + 20, n_buckets=2
    )
    assert found.count["a"].tolist() == [1, 0]
    assert np.isnan(found.mean["a"]).tolist() == [False, True]
    assert np.isnan(found.minimum["b"]).tolist() == [True, False]


def test_one_write_of_several_models_is_one_commit(store, model):
    good = batch(model, [(1, 0)], a=[1])
    bad = batch(f"{model}_b", [(1, 0)], a=[math.inf])
    with pytest.raises(Invalid):
        store.write([good, bad])
    assert store.span(model, 1) is None
    store.write([good, batch(f"{model}_b", [(1, 0)], a=[2])])
    assert store.span(model, 1) == store.span(f"{model}_b", 1) == (T0, T0, 1)


def test_writing_nothing_is_harmless(store, model):
    store.write([])
    store.write([batch(model, [], a=[])])
    assert store.span(model, 1) is None


@pytest.mark.parametrize("metric", ["select", "order", "rowid", "bucket", "min_a", "m" * 63])
def test_a_metric_may_be_named_like_a_word_of_the_engine(store, model, metric):
    store.write([batch(model, [(1, 0)], **{metric: [1], "a": [2]})])
    store.write([batch(model, [(1, 0), (1, 1)], **{metric: [3, 4]})])
    assert read_all(store, model, [metric, "a"]) == [(1, 0, 3, 2), (1, 1, 4, None)]
    assert store.latest(model, metrics=[metric], since_ms=0) == {1: (T0 + 1, {metric: 4.0})}
    found = store.buckets(
        model, asset=1, metrics=[metric, "a"], start_ms=T0, end_ms=T0 + 2, n_buckets=1
    )
    assert (found.mean[metric].tolist(), found.mean["a"].tolist()) == ([3.5], [2])


def test_threads_write_and_read_the_same_rows_without_doubling_them(store, model):
    faults = []

    def write(offset):
        try:
            for n in range(10):
                store.write([batch(model, [(1, n), (2, n)], **{f"m{offset}": [n, n]})])
                store.latest(model, metrics=["m0"], since_ms=0)
        except Exception as fault:  # noqa: BLE001 - shown by the assertion below
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert read_all(store, model, ["m0", "m1", "m2", "m3"]) == [
        (asset, n, n, n, n, n) for asset in (1, 2) for n in range(10)
    ]


@every_engine
def test_rows_outlive_the_store_and_go_on_merging(opener, tmp_path):
    first = opener(tmp_path)
    first.write([batch("m", [(1, 0), (1, 1)], a=[1, 2])])
    first.close()
    second = opener(tmp_path)
    second.write([batch("m", [(1, 1), (1, 2)], a=[5, 6])])
    assert read_all(second, "m", ["a"]) == [(1, 0, 1), (1, 1, 5), (1, 2, 6)]
    second.close()


@every_engine
def test_a_closed_store_says_so(opener, tmp_path):
    closed = opener(tmp_path)
    closed.write([batch("m", [(1, 0)], a=[1])])
    closed.close()
    closed.close()
    with pytest.raises(Unavailable):
        closed.write([batch("m", [(1, 0)], a=[1])])
    with pytest.raises(Unavailable):
        closed.read("m", assets=None, metrics=["a"], start_ms=0, end_ms=1)
