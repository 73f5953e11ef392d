from datetime import UTC, datetime

import numpy as np
import pytest

from foundation.clock import to_ms
from simulators.environment import Climate, Duty, Environment

HOUR_MS = 3_600_000


def _hours(year, month, day, count):
    start_ms = to_ms(datetime(year, month, day, tzinfo=UTC))
    return start_ms + np.arange(count, dtype=np.int64) * HOUR_MS


def _staffed_hours(environment, times_ms):
    """Hours of the day, UTC, in which work goes on."""
    is_staffed = environment.at(times_ms).is_staffed
    return sorted(set(((times_ms[is_staffed] // HOUR_MS) % 24).tolist()))


def test_work_follows_the_local_clock_on_both_sides_of_the_change():
    environment = Environment(1, "Europe/Berlin", duty=Duty(6, 9))
    assert _staffed_hours(environment, _hours(2026, 3, 27, 24)) == [5, 6, 7]
    assert _staffed_hours(environment, _hours(2026, 3, 30, 24)) == [4, 5, 6]


def test_nobody_works_at_the_weekend_of_the_place():
    environment = Environment(1, "Asia/Seoul", duty=Duty(0, 24))
    times_ms = _hours(2026, 3, 2, 7 * 24)
    days = ((times_ms + 9 * HOUR_MS) // (24 * HOUR_MS) + 3) % 7
    np.testing.assert_array_equal(environment.at(times_ms).is_staffed, days < 5)


def test_demand_is_a_share_and_none_without_people():
    around = Environment(3, duty=Duty(6, 22, demand=0.7)).at(_hours(2026, 3, 2, 60 * 24))
    assert (around.demand[~around.is_staffed] == 0).all()
    working = around.demand[around.is_staffed]
    assert working.min() >= 0.05
    assert working.max() <= 0.97
    assert working.mean() == pytest.approx(0.7, abs=0.03)


def test_summer_is_warmer_than_winter_and_the_afternoon_than_the_night():
    climate = Climate(mean_c=18, yearly_k=8, daily_k=3, weather_k=1)
    environment = Environment(1, "Europe/Berlin", climate)
    summer = environment.at(_hours(2026, 7, 1, 30 * 24)).ambient_c
    winter = environment.at(_hours(2026, 1, 1, 30 * 24)).ambient_c
    assert summer.mean() - winter.mean() == pytest.approx(16, abs=2)
    days = summer.reshape(30, 24)
    assert (days[:, 13] - days[:, 1]).mean() == pytest.approx(6, abs=0.5)


def test_any_stretch_can_be_asked_for_on_its_own():
    environment = Environment(8, "America/New_York")
    times_ms = _hours(2026, 3, 5, 200)
    whole, part = environment.at(times_ms), environment.at(times_ms[77:131])
    np.testing.assert_array_equal(whole.ambient_c[77:131], part.ambient_c)
    np.testing.assert_array_equal(whole.demand[77:131], part.demand)


def test_sites_of_different_seeds_differ():
    times_ms = _hours(2026, 3, 2, 240)
    first, second = Environment(1).at(times_ms), Environment(2).at(times_ms)
    assert np.abs(first.ambient_c - second.ambient_c).max() > 0.5
    assert np.abs(first.demand - second.demand).max() > 0.05
