"""From readings to days, from days to figures with intervals; deterministic, nothing random.

A mean's interval is Student's over whole local days; days that resemble their neighbours count as
fewer. A trend's is that of a least-squares line, with the same correction of its residuals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from foundation.reasons import Parameter, Reason
from services.offers.kinds.contract import (
    Estimate,
    Figure,
    Floats,
    History,
    Parameters,
    Silence,
)
from telemetry.features import independent_count

CONFIDENCE = 0.95
DAYS_IN_YEAR = 365.0
HOUR_S = 3600.0
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
# A day of which less was heard says too little about a day.
_LEAST_HEARD = 0.75

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Days:
    """The local days of a history, which of them were heard well enough, and how much of each."""

    row_day: NDArray[np.int64]
    kept: Flags
    heard: Floats

    @property
    def count(self) -> int:
        return int(self.kept.sum())

    def sums(self, amounts: Floats) -> Floats:
        """The sum of an amount per row over each kept day, raised to a whole day."""
        return self.counts(amounts) / self.heard[self.kept]

    def counts(self, amounts: Floats) -> Floats:
        """As `sums`, for what a counter holds although nobody listened: not raised."""
        totals = np.bincount(self.row_day, amounts.astype(np.float64), len(self.kept))
        kept: Floats = np.asarray(totals[self.kept], dtype=np.float64)
        return kept

    def means(self, values: Floats, weights: Floats) -> Floats:
        """The weighted mean on each kept day that has any weight."""
        weight = np.bincount(self.row_day, weights, len(self.kept))
        worth = np.where(weights > 0, values, 0.0) * weights
        total = np.bincount(self.row_day, worth, len(self.kept))
        has_any = self.kept & (weight > 0)
        means: Floats = total[has_any] / weight[has_any]
        return means


def split_days(history: History) -> Days:
    """The history by days of the asset's site."""
    day = history.local_ms // _DAY_MS
    row_day = day - day[0] if len(day) else day
    heard = np.bincount(row_day, history.held_s) / 86_400.0
    return Days(row_day, heard >= _LEAST_HEARD, np.minimum(heard, 1.0))


def is_work_time(history: History, *, from_hour: float, to_hour: float, days: int) -> Flags:
    """Rows at which people work: from Monday on so many days, between two hours."""
    # 1 January 1970 was a Thursday.
    weekday = (history.local_ms // _DAY_MS + 3) % 7
    hour = history.local_ms % _DAY_MS / _HOUR_MS
    return (weekday < days) & (hour >= from_hour) & (hour < to_hour)


def is_state(values: Floats, state: float) -> Flags:
    """Rows in a numbered state; a controller may send it as a float."""
    return np.abs(values - state) < 0.5


def hours_in(history: History, rows: Flags) -> Floats:
    """How many hours each row stands for, 0 outside `rows`."""
    return np.where(rows, history.held_s, 0.0) / HOUR_S


def increments(counter: Floats) -> Floats:
    """How much a counter grew from each row to the next; a counter set back grew by nothing."""
    grown = np.maximum(np.diff(counter), 0.0)
    return np.append(grown, 0.0)


def mean_of(daily: Floats) -> Estimate:
    """The mean of daily values with Student's interval; at least two values."""
    independent = independent_count(daily)
    spread = float(np.std(daily, ddof=1))
    half = _student(independent) * spread / float(np.sqrt(independent))
    mean = float(daily.mean())
    return Estimate(mean, mean - half, mean + half, len(daily))


def difference_of(later: Floats, earlier: Floats) -> Estimate:
    """How much later daily values lie above earlier ones, on average (Welch's interval)."""
    first, second = mean_of(earlier), mean_of(later)
    half = float(np.hypot(first.value - first.low, second.value - second.low))
    gap = second.value - first.value
    return Estimate(gap, gap - half, gap + half, first.n + second.n)


def _student(independent: float) -> float:
    # Never below one degree of freedom: the interval is then wide, which is the honest answer.
    return float(stdtrit(max(independent - 1.0, 1.0), 0.5 + CONFIDENCE / 2))


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through daily values; `level` is where it stands on the last day."""

    slope: Estimate
    level: float
    residual: float
    mean_day: float
    spread_days: float
    last_day: float
    independent: float
    n: int

    def at(self, days_ahead: float | Floats) -> Floats:
        """The line so many days after the last one."""
        return self.level + self.slope.value * np.asarray(days_ahead, dtype=np.float64)

    def half_width(self, days_ahead: float | Floats) -> Floats:
        """Half the interval of the line itself there."""
        away = np.asarray(days_ahead, dtype=np.float64) + self.last_day - self.mean_day
        error = self.residual * np.sqrt(1 / self.independent + (away / self.spread_days) ** 2)
        return np.asarray(self._quantile * error, dtype=np.float64)

    @property
    def _quantile(self) -> float:
        return _student(self.independent - 1.0)

    def chance_above(self, limit: float, days_ahead: float) -> Estimate:
        """How likely a daily value lies above a limit by then, with the line's own uncertainty."""
        line, half = float(self.at(days_ahead)), float(self.half_width(days_ahead))
        freedom = max(self.independent - 2.0, 1.0)
        # A residual of 0 would divide by nothing; the line is then as good as certain.
        residual = max(self.residual, 1e-9 * max(abs(limit), 1.0))
        own = half / self._quantile
        low, value, high = (
            float(stdtr(freedom, (place - limit) / spread))
            for place, spread in (
                (line - half, residual),
                (line, float(np.hypot(residual, own))),
                (line + half, residual),
            )
        )
        return Estimate(value, min(low, value), max(high, value), self.n)

    def days_until(self, limit: float, *, farthest: int) -> Estimate:
        """When the line meets a limit above it, with its interval; ends lie within `farthest`."""
        ahead = np.arange(farthest + 1, dtype=np.float64)
        line, half = self.at(ahead), self.half_width(ahead)
        low, value, high = (
            _first_day(each >= limit, farthest) for each in (line + half, line, line - half)
        )
        return Estimate(value, low, high, self.n)


def _first_day(reached: NDArray[np.bool_], farthest: int) -> float:
    found = np.flatnonzero(reached)
    return float(found[0]) if len(found) else float(farthest)


def fit_trend(day: Floats, value: Floats) -> Trend:
    """The least-squares line through (day, value); at least three days that differ."""
    centred = day - day.mean()
    power = float(centred @ centred)
    slope = float(centred @ value) / power
    residuals = value - value.mean() - slope * centred
    independent = max(independent_count(residuals), 3.0)
    spread = float(np.sqrt(residuals @ residuals / max(len(day) - 2, 1)))
    # As many independent days spread the same way span less of the horizontal axis.
    spread_days = float(np.sqrt(power * independent / len(day)))
    half = _student(independent - 1.0) * spread / spread_days
    last = float(day[-1])
    return Trend(
        slope=Estimate(slope, slope - half, slope + half, len(day)),
        level=float(value.mean() + slope * (last - day.mean())),
        residual=spread,
        mean_day=float(day.mean()),
        spread_days=spread_days,
        last_day=last,
        independent=independent,
        n=len(day),
    )


def since_renewal(value: Floats, *, least_drop: float) -> int:
    """Index of the first daily value after the last sudden drop, 0 where there was none.

    Who renewed a filter began its trend anew.
    """
    steps = np.diff(value)
    if not len(steps):
        return 0
    noise = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    drops = np.flatnonzero(steps < -max(6.0 * noise, least_drop))
    return int(drops[-1]) + 1 if len(drops) else 0


def measured(history: History, code: str, estimate: Estimate, unit: str) -> Figure:
    """A figure over the whole of a history."""
    return Figure(code, estimate, unit, int(history.at_ms[0]), int(history.at_ms[-1]))


def refuse_thin(days: int, given: Parameters) -> Silence | None:
    """Silence when too few days were heard to say anything."""
    if days >= max(given.least_days, 3):
        return None
    return Silence(Reason("offer_too_few_days", {"days": days, "wanted": given.least_days}))


def below(watched: Figure, threshold: float) -> Silence:
    """Silence because what was measured does not reach the rule's threshold."""
    parameters: dict[str, Parameter] = {
        "value": watched.estimate.value,
        "threshold": threshold,
        "unit": watched.unit,
        "n": watched.estimate.n,
    }
    return Silence(Reason("offer_below_threshold", parameters), watched)
