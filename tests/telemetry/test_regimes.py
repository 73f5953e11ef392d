"""A regime keeps the samples of one way of running; bounds belong to it, unknown ones do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Invalid
from telemetry.regimes import keep_regime, read_regime
from telemetry.store.contract import Samples

NAN = float("nan")


def samples(**values):
    n = len(next(iter(values.values())))
    columns = {name: np.array(column, dtype=np.float64) for name, column in values.items()}
    return Samples(np.arange(n, dtype=np.uint32), np.arange(n, dtype=np.int64), columns)


def test_a_regime_is_read_as_pairs_of_numbers():
    assert read_regime({"state": [2, 2], "load": (0.5, 1)}) == {
        "state": (2.0, 2.0),
        "load": (0.5, 1.0),
    }
    assert read_regime({}) == {}


@pytest.mark.parametrize("bounds", [2, "22", [2], [1, 2, 3], [1, "2"], [None, 2], {"low": 1}])
def test_a_bound_that_is_no_pair_of_numbers_is_refused_by_its_name(bounds):
    with pytest.raises(Invalid, match=r"normal_period\.when\.state is a pair"):
        read_regime({"state": bounds})


@pytest.mark.parametrize("bounds", [[NAN, 2], [1, NAN], [0, float("inf")]])
def test_a_bound_that_no_table_could_hold_is_refused(bounds):
    with pytest.raises(Invalid, match="two finite numbers"):
        read_regime({"state": bounds})


def test_bounds_that_nothing_lies_between_are_refused():
    with pytest.raises(Invalid, match="the smallest comes first"):
        read_regime({"state": [3, 2]})


def test_without_a_regime_everything_counts():
    every = samples(state=[0, NAN, 2])
    assert keep_regime(every, {}) is every


def test_bounds_belong_to_it_and_a_sample_without_a_value_does_not():
    kept = keep_regime(samples(state=[0, 1, 2, 3, NAN], load=[5, 6, 7, 8, 9]), {"state": (1, 2)})
    np.testing.assert_array_equal(kept.asset, [1, 2])
    np.testing.assert_array_equal(kept.at_ms, [1, 2])
    np.testing.assert_array_equal(kept.values["load"], [6, 7])


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=30),
    st.floats(-5, 5),
    st.floats(-5, 5),
)
def test_every_condition_must_hold(rows, bound, other):
    regime = {"a": (min(bound, other), max(bound, other)), "b": (-1.0, 1.0)}
    kept = keep_regime(samples(a=[a for a, _ in rows], b=[b for _, b in rows]), regime)
    low, high = regime["a"]
    wanted = [n for n, (a, b) in enumerate(rows) if low <= a <= high and -1 <= b <= 1]
    assert kept.asset.tolist() == wanted
