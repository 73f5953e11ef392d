import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.sensors import Sensor

TIMES_MS = np.arange(20_000, dtype=np.int64) * 60_000


def test_noise_has_the_stated_size_and_no_bias():
    read = Sensor(0.5, 0.001, minimum=-100).read(np.full(20_000, 10.0), 1, "a", TIMES_MS)
    assert read.mean() == pytest.approx(10.0, abs=0.02)
    assert read.std() == pytest.approx(0.5, abs=0.02)


@given(st.floats(-1e6, 1e6), st.sampled_from([1.0, 0.5, 0.1, 0.01, 0.001]))
def test_a_reading_is_a_multiple_of_the_step_and_near_the_truth(true, step):
    sensor = Sensor(0.0, step, minimum=-1e9)
    (read,) = sensor.read(np.array([true]), 1, "a", TIMES_MS[:1]).tolist()
    assert abs(read - true) <= step / 2 + 1e-6
    assert read / step == pytest.approx(round(read / step), abs=1e-4)
    assert len(str(read)) < 14


def test_a_reading_stays_within_the_range():
    read = Sensor(5.0, 0.1, minimum=0, maximum=4).read(np.full(500, 2.0), 1, "a", TIMES_MS[:500])
    assert read.min() == 0
    assert read.max() == 4


def test_nothing_is_reported_as_less_than_nothing():
    read = Sensor(0.2, 0.5, minimum=-1).read(np.full(500, -0.05), 1, "a", TIMES_MS[:500])
    assert not np.signbit(read[read == 0]).any()
