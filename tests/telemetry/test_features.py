"""Means against a plain loop, alike however the stream is cut; and what readings are worth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.features import independent_count, window_means
from telemetry.windows import Windows

values = st.lists(st.floats(-1e9, 1e9) | st.just(math.nan), min_size=1, max_size=40)


def make_windows(bounds):
    first, last = (np.array(column, dtype=np.intp) for column in zip(*bounds, strict=True))
    return Windows(first, last, np.ones(len(first), dtype=np.bool_))


@given(values, st.data())
def test_a_mean_is_that_of_the_present_values_in_its_window(series, data):
    lasts = data.draw(st.sets(st.integers(0, len(series) - 1), min_size=1).map(sorted))
    bounds = [(data.draw(st.integers(0, last)), last) for last in lasts]
    means, counts = window_means(np.array(series), make_windows(bounds))
    for (first, last), mean, count in zip(bounds, means, counts, strict=True):
        present = [value for value in series[first : last + 1] if not math.isnan(value)]
        assert count == len(present)
        expected = math.fsum(present) / len(present) if present else math.nan
        assert mean == pytest.approx(expected, rel=1e-12, abs=1e-5, nan_ok=True)


@given(values, st.integers(1, 20))
def test_a_mean_does_not_depend_on_what_lies_outside_its_window(series, width):
    bounds = [(max(0, last - width + 1), last) for last in range(len(series))]
    whole, _ = window_means(np.array(series), make_windows(bounds))
    for (first, last), mean in zip(bounds, whole, strict=True):
        alone, _ = window_means(
            np.array(series[first : last + 1]), make_windows([(0, last - first)])
        )
        assert alone.tobytes() == mean.tobytes()


def test_a_small_change_on_a_large_value_is_kept():
    series = np.full(100_000, 1e12)
    series[-10:] += 1.0
    means, _ = window_means(series, make_windows([(0, 9), (99_990, 99_999)]))
    assert means[1] - means[0] == 1.0


def test_absurd_values_make_an_infinite_mean_and_no_noise():
    means, _ = window_means(np.array([1.7e308, 1.7e308]), make_windows([(0, 1)]))
    assert np.isinf(means[0])


def test_no_windows_have_no_means():
    empty = Windows(*(np.zeros(0, dtype=kind) for kind in (np.intp, np.intp, np.bool_)))
    means, counts = window_means(np.array([1.0]), empty)
    assert len(means) == len(counts) == 0


def test_white_noise_is_worth_nearly_all_its_readings():
    noise = np.random.default_rng(1).normal(size=4_000)
    assert independent_count(noise) > 3_000


def test_noise_that_remembers_is_worth_what_theory_says():
    rng = np.random.default_rng(2)
    series = np.zeros(50_000)
    for i in range(1, len(series)):
        series[i] = 0.9 * series[i - 1] + rng.normal()
    expected = len(series) * (1 - 0.9) / (1 + 0.9)
    assert independent_count(series) == pytest.approx(expected, rel=0.15)


def test_a_drift_is_worth_a_handful_of_readings():
    assert independent_count(np.linspace(20.0, 25.0, 1_000)) < 5


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_a_series_is_worth_one_to_all_of_its_readings(series):
    assert 1 <= independent_count(np.array(series)) <= len(series)


def test_a_constant_is_worth_its_readings():
    assert independent_count(np.full(10, 3.0)) == 10
