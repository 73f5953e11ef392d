"""What surrounds a machine at its site: weather, shifts and the demand for what it makes.

Everything is a function of the time, so any stretch can be asked for on its own; how a machine
answers to it is in machines/.
"""

from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from foundation.clock import from_ms
from simulators.noise import draw_drift

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One value for each time: air in °C, demand as a share of the rated output, work going on."""

    ambient_c: NDArray[np.float64]
    demand: NDArray[np.float64]
    is_staffed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Climate:
    """Air temperature at the machine: yearly mean, half the yearly and the daily swing, in K."""

    mean_c: float = 20.0
    yearly_k: float = 8.0
    daily_k: float = 3.0
    weather_k: float = 2.0


@dataclass(frozen=True, slots=True)
class Duty:
    """When people work, in local hours, on days with Monday as 0, and how much they need then."""

    from_hour: float = 6.0
    to_hour: float = 22.0
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    demand: float = 0.65


@dataclass(frozen=True, slots=True)
class Environment:
    """A site's weather and work, different for each seed."""

    seed: int
    time_zone: str = "Europe/Berlin"
    climate: Climate = Climate()
    duty: Duty = Duty()

    def at(self, times_ms: NDArray[np.int64]) -> Surroundings:
        """The surroundings at ascending times in ms since 1970."""
        local_ms = times_ms + _read_offsets(self.time_zone, times_ms)
        is_staffed = self._is_staffed(local_ms)
        return Surroundings(
            self._ambient(times_ms, local_ms), self._demand(times_ms, is_staffed), is_staffed
        )

    def _is_staffed(self, local_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        hour = (local_ms % _DAY_MS) / _HOUR_MS
        # The first of January 1970 was a Thursday.
        day = (local_ms // _DAY_MS + 3) % 7
        works = np.zeros(7, dtype=np.bool_)
        works[list(self.duty.days)] = True
        return works[day] & (hour >= self.duty.from_hour) & (hour < self.duty.to_hour)

    def _ambient(
        self, times_ms: NDArray[np.int64], local_ms: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        climate = self.climate
        # Warmest at the end of July and in the middle of the afternoon.
        year = np.cos(2 * np.pi * (times_ms / _DAY_MS - 208) / _YEAR_DAYS)
        day = np.cos(2 * np.pi * (local_ms / _HOUR_MS - 15) / 24)
        weather = draw_drift(self.seed, "weather", times_ms, 2 * 86_400)
        swings = climate.yearly_k * year + climate.daily_k * day + climate.weather_k * weather
        return np.asarray(climate.mean_c + swings)

    def _demand(
        self, times_ms: NDArray[np.int64], is_staffed: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        slow = draw_drift(self.seed, "orders", times_ms, 3 * 3600)
        middle = draw_drift(self.seed, "lines", times_ms, 1200)
        quick = draw_drift(self.seed, "tools", times_ms, 120)
        swing = 1.0 + 0.08 * slow + 0.08 * middle + 0.12 * quick
        wanted = np.clip(self.duty.demand * swing, 0.05, 0.97)
        return np.where(is_staffed, wanted, 0.0)


def _read_offsets(time_zone: str, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Local time minus UTC in ms at each time; clocks change on the hour, so one look an hour."""
    hours, position = np.unique(times_ms // _HOUR_MS, return_inverse=True)
    in_ms = [_read_offset(time_zone, hour) for hour in hours.tolist()]
    return np.asarray(in_ms, dtype=np.int64)[position]


@lru_cache(maxsize=100_000)
def _read_offset(time_zone: str, hour: int) -> int:
    offset = from_ms(hour * _HOUR_MS).astimezone(ZoneInfo(time_zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() * 1000)
