"""From the store to the histories that kinds work on: one read a model, in units and local time.

What an asset's present owner did not own yet is cut off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from devices.equipment_models import EquipmentModel
from foundation.clock import from_ms
from foundation.units import Conversion, get_conversion
from services.offers.kinds.contract import Facts, Floats, History, Times
from telemetry.store.contract import Samples, Store

DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_HOURS_AT_ONCE = 24
# A reading stands for at most so many reporting intervals; beyond them nothing is known. A device
# may report less often than its model expects: then its own rhythm counts.
_HOLDS_INTERVALS = 3.0


@dataclass(frozen=True, slots=True)
class Window:
    """Whose history is cut: the asset, its site's zone, from when to when, what else is known."""

    asset_id: int
    time_zone: str
    start_ms: int
    end_ms: int
    facts: Facts = field(default_factory=Facts)


class Readings:
    """The readings of one equipment model in one period, for many assets and several rules."""

    def __init__(
        self,
        store: Store,
        model: EquipmentModel,
        *,
        metrics: Sequence[str],
        assets: Sequence[int],
        start_ms: int,
        end_ms: int,
    ) -> None:
        self._units = {metric.name: metric.unit for metric in model.metrics}
        self._interval_s = {metric.name: metric.interval_s for metric in model.metrics}
        self._first_hour, self._end_ms = start_ms // _HOUR_MS, end_ms
        self._known_offsets: dict[str, Times] = {}
        self._samples: Samples = store.read(
            model.key, assets=assets, metrics=metrics, start_ms=start_ms, end_ms=end_ms
        )

    def history(self, window: Window, needs: Mapping[str, str]) -> History:
        """One asset's history in the units asked for; rows that lack any metric are left out."""
        rows = self._rows(window)
        columns = {name: self._samples.values[name][rows] for name in needs}
        whole = np.all([np.isfinite(each) for each in columns.values()], axis=0)
        at_ms: Times = self._samples.at_ms[rows][whole]
        interval_s = max(self._interval_s[name] for name in needs)
        return History(
            at_ms=at_ms,
            local_ms=at_ms + self._offsets(window.time_zone)[at_ms // _HOUR_MS - self._first_hour],
            held_s=held_seconds(at_ms, interval_s),
            values={
                name: _convert(columns[name][whole], get_conversion(self._units[name], unit))
                for name, unit in needs.items()
            },
            facts=window.facts,
        )

    def _offsets(self, time_zone: str) -> Times:
        if time_zone not in self._known_offsets:
            found = zone_offsets(self._first_hour * _HOUR_MS, self._end_ms, time_zone)
            self._known_offsets[time_zone] = found
        return self._known_offsets[time_zone]

    def _rows(self, window: Window) -> slice:
        samples = self._samples
        first, last = np.searchsorted(samples.asset, [window.asset_id, window.asset_id + 1])
        times = samples.at_ms[first:last]
        start, end = np.searchsorted(times, [window.start_ms, window.end_ms])
        return slice(int(first + start), int(first + end))


def _convert(values: Floats, conversion: Conversion) -> Floats:
    if (conversion.scale, conversion.offset) == (1.0, 0.0):
        return values
    return values * conversion.scale + conversion.offset


def held_seconds(at_ms: Times, interval_s: float) -> Floats:
    """How long each reading stands for: to the next, at most a few reporting intervals."""
    if not len(at_ms):
        return np.zeros(0)
    gaps = np.diff(at_ms) / 1000.0
    rhythm_s = max(interval_s, float(np.median(gaps)) if len(gaps) else 0.0)
    return np.append(np.minimum(gaps, _HOLDS_INTERVALS * rhythm_s), rhythm_s)


def zone_offsets(start_ms: int, end_ms: int, time_zone: str) -> Times:
    """How far the site's wall clock is ahead in each hour of a period, in ms; (hours,)."""
    zone, first, last = ZoneInfo(time_zone), start_ms // _HOUR_MS, end_ms // _HOUR_MS
    offsets = np.empty(last - first + 1, dtype=np.int64)
    for begin in range(first, last + 1, _HOURS_AT_ONCE):
        end = min(begin + _HOURS_AT_ONCE, last)
        known = _offset_ms(begin, zone), _offset_ms(end, zone)
        # Clocks are not put forward and back again within so short a time.
        hours = [known[0]] if known[0] == known[1] else _offsets_ms(range(begin, end + 1), zone)
        offsets[begin - first : end - first + 1] = hours
    return offsets


def _offsets_ms(hours: range, zone: ZoneInfo) -> list[int]:
    return [_offset_ms(hour, zone) for hour in hours]


def _offset_ms(hour: int, zone: ZoneInfo) -> int:
    span = from_ms(hour * _HOUR_MS).astimezone(zone).utcoffset()
    return int(span.total_seconds() * 1000) if span else 0
