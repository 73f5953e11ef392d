import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.machines.carrying import accumulate, draw_age, elapse, last, settle, wander

TIMES_MS = np.array([1_000, 61_000, 121_000], dtype=np.int64)


def test_the_very_first_reading_comes_after_nothing():
    assert elapse(None, TIMES_MS).tolist() == [0, 60, 60]
    assert elapse(-59_000, TIMES_MS).tolist() == [60, 60, 60]
    assert elapse(0, TIMES_MS[:0]).size == 0


@given(st.lists(st.floats(0, 1e3), max_size=20), st.integers(0, 20))
def test_a_counter_does_not_feel_a_cut(steps, cut):
    whole = accumulate(0.1, np.array(steps))
    first = accumulate(0.1, np.array(steps[:cut]))
    second = accumulate(last(first, 0.1), np.array(steps[cut:]))
    np.testing.assert_array_equal(whole, np.concatenate((first, second)))


def test_a_lag_covers_all_but_an_eth_in_its_time_constant():
    settled = settle(0.0, np.full(600, 10.0), np.full(600, 1.0), 600.0)
    assert settled[-1] == pytest.approx(10.0 * (1 - np.exp(-1)))


def test_the_number_of_steps_makes_no_difference_to_a_lag():
    once = settle(5.0, np.array([20.0]), np.array([900.0]), 600.0)
    often = settle(5.0, np.full(90, 20.0), np.full(90, 10.0), 600.0)
    assert once[-1] == pytest.approx(often[-1])


def test_what_wanders_stays_near_one_and_moves_over_weeks():
    times_ms = np.arange(0, 720, dtype=np.int64) * 86_400_000
    factor = wander(1, "dirt", times_ms, 0.02)
    assert factor.mean() == pytest.approx(1.0, abs=0.01)
    assert 0.005 < factor.std() < 0.02
    assert np.abs(factor - 1.0).max() <= 0.05 + 1e-12
    assert np.abs(np.diff(factor)).max() < 0.01


def test_machines_are_of_different_ages():
    ages = [draw_age(seed) for seed in range(50)]
    assert min(ages) < 2_000
    assert max(ages) > 10_000
