import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.device_clock import ClockError, draw_clock_error

DAY_MS = 86_400_000
TIMES_MS = 1_772_409_600_000 + np.arange(1_000, dtype=np.int64) * 600_000


def test_a_right_clock_tells_the_time():
    np.testing.assert_array_equal(ClockError().observe(TIMES_MS), TIMES_MS)


def test_a_wrong_clock_is_off_from_the_start_and_by_a_little_more_each_day():
    clock = ClockError(offset_ms=-2_000, drift_ppm=10.0, since_ms=int(TIMES_MS[0]))
    off = clock.observe(TIMES_MS) - TIMES_MS
    assert off[0] == -2_000
    assert off[144] - off[0] == pytest.approx(864, abs=1)


@given(st.integers(-(10**8), 10**8), st.floats(-500, 500), st.integers(0, 999))
def test_times_stay_in_order_and_do_not_feel_a_cut(offset_ms, drift_ppm, cut):
    clock = ClockError(offset_ms, drift_ppm, int(TIMES_MS[0]))
    whole = clock.observe(TIMES_MS)
    assert (np.diff(whole) > 0).all()
    parts = (clock.observe(TIMES_MS[:cut]), clock.observe(TIMES_MS[cut:]))
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_most_clocks_are_off_by_seconds_and_few_by_hours():
    errors = [draw_clock_error(seed, 0) for seed in range(2_000)]
    far = [each for each in errors if abs(each.offset_ms) > 60_000]
    assert 10 < len(far) < 80
    assert all(abs(each.offset_ms) <= 4_500 for each in errors if each not in far)
    assert all(abs(each.drift_ppm) < 60 for each in errors)
    assert draw_clock_error(7, 0) == errors[7]
