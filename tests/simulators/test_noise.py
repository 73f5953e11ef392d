import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.noise import draw_drift, draw_normal, draw_normals, draw_share, draw_uniform

INDEX = np.arange(200_000, dtype=np.int64)


def test_uniform_numbers_are_even():
    drawn = draw_uniform(1, "a", INDEX)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    counts, _ = np.histogram(drawn, bins=50, range=(0, 1))
    assert np.abs(counts - len(INDEX) / 50).max() < 5 * np.sqrt(len(INDEX) / 50)


def test_normal_numbers_have_mean_0_and_spread_1():
    drawn = draw_normal(1, "a", INDEX)
    assert drawn.mean() == pytest.approx(0.0, abs=0.01)
    assert drawn.std() == pytest.approx(1.0, abs=0.01)
    assert np.mean(np.abs(drawn) > 1.96) == pytest.approx(0.05, abs=0.005)


def test_seeds_and_streams_have_nothing_to_do_with_each_other():
    first = draw_normal(1, "a", INDEX)
    for other in (draw_normal(2, "a", INDEX), draw_normal(1, "b", INDEX)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.01


@given(st.integers(0, 2**40), st.integers(0, 199), st.integers(-(2**40), 2**41))
def test_a_number_depends_on_its_index_alone(seed, cut, begin):
    index = begin + np.arange(200, dtype=np.int64)
    whole = draw_normal(seed, "a", index)
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(whole[cut:], draw_normal(seed, "a", index[cut:]))


@given(st.integers(0, 499))
def test_a_drift_depends_on_the_time_alone(cut):
    times_ms = 1_772_409_600_000 + np.arange(500, dtype=np.int64) * 37_000
    whole = draw_drift(4, "weather", times_ms, 900)
    np.testing.assert_array_equal(whole[cut:], draw_drift(4, "weather", times_ms[cut:], 900))


def test_a_drift_is_smooth_and_wanders():
    times_ms = np.arange(100_000, dtype=np.int64) * 10_000
    drift = draw_drift(1, "weather", times_ms, 3600)
    assert np.abs(np.diff(drift)).max() < 0.05
    assert drift.std() == pytest.approx(0.85, abs=0.15)


def test_a_share_stays_near_1():
    shares = np.array([draw_share(seed, "flow", 0.02) for seed in range(300)])
    assert shares.min() >= 0.94
    assert shares.max() <= 1.06
    assert shares.std() == pytest.approx(0.02, abs=0.004)


def test_many_streams_at_once_tell_what_each_tells_alone():
    index = np.arange(500, dtype=np.int64)
    streams = ("oil", "air", "water")
    together = draw_normals(3, streams, index)
    for stream, numbers in zip(streams, together, strict=True):
        np.testing.assert_array_equal(numbers, draw_normal(3, stream, index))
