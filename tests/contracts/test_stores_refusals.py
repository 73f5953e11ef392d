"""What every store must refuse, before it reaches the engine."""

import math

import numpy as np
import pytest

from foundation.errors import Invalid
from telemetry.store.contract import MAX_BUCKETS, SampleBatch
from tests.contracts.store_suite import T0, batch

BAD_NAMES = ["", "A", "1a", "a b", 'a"', "a;drop", "a-b", "m" * 64, "é", "_a", "a\n"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_never_reach_the_engine(store, model, name):
    with pytest.raises(Invalid):
        store.write([batch(name, [(1, 0)], a=[1])])
    with pytest.raises(Invalid):
        store.write([batch(model, [(1, 0)], **{name: [1]})])
    with pytest.raises(Invalid):
        store.read(name, assets=None, metrics=["a"], start_ms=0, end_ms=1)
    with pytest.raises(Invalid):
        store.latest(model, metrics=[name], since_ms=0)
    with pytest.raises(Invalid):
        store.span(name, 1)


@pytest.mark.parametrize("name", ["asset", "at_ms"])
def test_reserved_names_are_no_metrics(store, model, name):
    with pytest.raises(Invalid):
        store.write([batch(model, [(1, 0)], **{name: [1]})])


@pytest.mark.parametrize(
    "bad",
    [
        {"a": [math.inf]},
        {"a": [-math.inf]},
        {"a": [1, 2]},
        {},
    ],
)
def test_bad_values_are_refused(store, model, bad):
    with pytest.raises(Invalid):
        store.write([batch(model, [(1, 0)], **bad)])


@pytest.mark.parametrize("at_ms", [-1, 253_402_300_800_000])
def test_times_outside_1970_to_9999_are_refused(store, model, at_ms):
    with pytest.raises(Invalid):
        store.write([batch(model, [(1, at_ms - T0)], a=[1])])


@pytest.mark.parametrize("asset", [-1, 2**32, 0.5])
def test_what_is_no_asset_is_refused(store, model, asset):
    values = {"a": np.array([1.0])}
    with pytest.raises(Invalid):
        store.write([SampleBatch(model, np.array([asset]), np.array([T0]), values)])


@pytest.mark.parametrize("asset", [-1, 2**32])
def test_no_such_asset_is_looked_for(store, model, asset):
    store.write([batch(model, [(1, 0)], a=[1])])
    with pytest.raises(Invalid):
        store.read(model, assets=[asset], metrics=["a"], start_ms=0, end_ms=1)
    with pytest.raises(Invalid):
        store.span(model, asset)


@pytest.mark.parametrize(("start_ms", "end_ms"), [(5, 5), (6, 5), (-1, 5), (0, 10**18)])
def test_a_period_must_be_sound(store, model, start_ms, end_ms):
    with pytest.raises(Invalid):
        store.read(model, assets=None, metrics=["a"], start_ms=start_ms, end_ms=end_ms)


@pytest.mark.parametrize("n_buckets", [0, -1, MAX_BUCKETS + 1])
def test_the_number_of_buckets_is_bounded(store, model, n_buckets):
    with pytest.raises(Invalid):
        store.buckets(model, asset=1, metrics=["a"], start_ms=0, end_ms=9, n_buckets=n_buckets)


def test_reading_no_metric_is_refused(store, model):
    with pytest.raises(Invalid):
        store.read(model, assets=None, metrics=[], start_ms=0, end_ms=1)
