"""The chart block of a machine: its metrics in groups, their buckets, limits and alarm spans.

Only the periods that the session's scope may read are asked of the store. Bucket edges lie on
multiples of their width, so an answer that continues an earlier one joins it without a seam.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from devices.access import Readable, list_readable, periods_of
from devices.assets import Asset
from devices.equipment_models import Limit, Metric
from foundation.clock import from_ms, to_ms
from foundation.errors import Invalid
from foundation.intervals import Interval
from foundation.units import symbol
from telemetry.alarms.queries import AlarmSpan, list_spans
from telemetry.store.contract import Buckets, Samples, Store

MAX_SERIES_IN_GROUP = 6
MAX_BUCKETS = 2_000
MAX_WINDOW_MS = 10 * 366 * 86_400_000
# A gap is wider than this many reporting intervals, or buckets where those are wider.
GAP_IN_INTERVALS = 3.5
_SECONDS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200)
_HOURS = (3, 4, 6, 8, 12, 24, 48, 96, 168, 336, 672)
_WIDTHS_MS = tuple(s * 1_000 for s in _SECONDS) + tuple(h * 3_600_000 for h in _HOURS)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start_ms` (included) to `end_ms` in at most `points` buckets.

    With `since_ms` only the buckets from that time on are wanted.
    """

    start_ms: int
    end_ms: int
    points: int = 600
    since_ms: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.end_ms - self.start_ms <= MAX_WINDOW_MS:
            raise Invalid(
                "A chart's range runs from an earlier to a later time, ten years at most."
            )

    @property
    def width_ms(self) -> int:
        """The width of a bucket."""
        points = min(max(self.points, 1), MAX_BUCKETS)
        wanted = (self.end_ms - self.start_ms) / points
        return next((width for width in _WIDTHS_MS if width >= wanted), _WIDTHS_MS[-1])


@dataclass(frozen=True, slots=True)
class Series:
    """A metric's buckets that hold readings; `at_ms` is where each begins, ascending."""

    metric: str
    label: str
    at_ms: NDArray[np.int64]
    mean: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChartLimit:
    """A line that the metric should not cross."""

    label: str
    threshold: float
    direction: str


@dataclass(frozen=True, slots=True)
class Group:
    """Metrics drawn together: of one group and one unit; `unit` is what a person reads."""

    key: str
    label: str
    unit: str
    series: tuple[Series, ...]
    limits: tuple[ChartLimit, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that a chart block shows; points further apart than `gap_ms` are not joined."""

    window: Window
    time_zone: str
    gap_ms: int
    groups: tuple[Group, ...]
    spans: tuple[AlarmSpan, ...]


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """Metrics of an equipment model that share a group and a unit."""

    key: str
    label: str
    unit: str
    metrics: tuple[Metric, ...]


def group_metrics(metrics: Sequence[Metric]) -> list[MetricGroup]:
    """The metrics in the given order, by group and unit, six at most together."""
    first: dict[tuple[str, str], int] = {}
    for place, metric in enumerate(metrics):
        first.setdefault((metric.group, metric.unit), place)
    by_group = sorted(metrics, key=lambda m: first[m.group, m.unit])
    groups = []
    for (name, unit), members in groupby(by_group, key=lambda m: (m.group, m.unit)):
        of_group = list(members)
        for part, start in enumerate(range(0, len(of_group), MAX_SERIES_IN_GROUP)):
            chosen = tuple(of_group[start : start + MAX_SERIES_IN_GROUP])
            label = chosen[0].label if len(chosen) == 1 else name.replace("_", " ").capitalize()
            groups.append(MetricGroup(f"{name}:{unit}:{part}", label, symbol(unit), chosen))
    return groups


def build_chart(
    session: Session,
    store: Store,
    asset: Asset,
    window: Window,
    *,
    metrics: Sequence[str] | None = None,
) -> Chart:
    """The chart block of one machine; `metrics` narrows to some of its metrics, in that order.

    Raises:
        Unavailable: when the store does not answer.
    """
    model = asset.equipment_model
    known = {metric.name: metric for metric in model.metrics}
    shown = [known[name] for name in dict.fromkeys(metrics or known) if name in known]
    readable = list_readable(session, asset.id)
    parts = _read_buckets(readable, store, asset, window, [m.name for m in shown])
    groups = tuple(_group(each, parts, model.limits) for each in group_metrics(shown))
    interval_ms = min((m.interval_s for m in shown), default=60.0) * 1_000
    start_at, end_at = from_ms(window.start_ms), from_ms(window.end_ms)
    return Chart(
        window=window,
        time_zone=asset.site.time_zone,
        gap_ms=round(GAP_IN_INTERVALS * max(interval_ms, window.width_ms)),
        groups=groups,
        spans=tuple(
            _clip(each, readable)
            for each in list_spans(session, asset.id, start_at=start_at, end_at=end_at)
        ),
    )


def read_samples(
    session: Session, store: Store, asset: Asset, window: Window, metrics: Sequence[str]
) -> Iterator[Samples]:
    """The stored samples of a machine in the window, a part for each readable period.

    A metric that is not readable in a part is empty there.
    """
    readable = list_readable(session, asset.id)
    for (start_ms, end_ms), names in _parts(readable, metrics, window.start_ms, window.end_ms, 1):
        found = store.read(
            asset.equipment_model.key,
            assets=[asset.id],
            metrics=names,
            start_ms=start_ms,
            end_ms=end_ms,
        )
        yield _with_empty(found, metrics)


def _with_empty(found: Samples, metrics: Sequence[str]) -> Samples:
    nothing = np.full(len(found.at_ms), np.nan)
    return replace(found, values={each: found.values.get(each, nothing) for each in metrics})


def _read_buckets(
    readable: list[Readable] | None,
    store: Store,
    asset: Asset,
    window: Window,
    metrics: list[str],
) -> list[Buckets]:
    width = window.width_ms
    first = window.start_ms if window.since_ms is None else window.since_ms
    start_ms = max(first, window.start_ms) // width * width
    end_ms = -(-window.end_ms // width) * width
    if not metrics or start_ms >= end_ms:
        return []
    return [
        store.buckets(
            asset.equipment_model.key,
            asset=asset.id,
            metrics=names,
            start_ms=start,
            end_ms=end,
            n_buckets=(end - start) // width,
        )
        for (start, end), names in _parts(readable, metrics, start_ms, end_ms, width)
    ]


def _parts(
    readable: list[Readable] | None,
    metrics: Sequence[str],
    start_ms: int,
    end_ms: int,
    width: int,
) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """The readable parts of a window, rounded inwards to whole buckets, with their metrics."""
    if readable is None:
        yield (start_ms, end_ms), list(metrics)
        return
    together: dict[tuple[Interval, ...], list[str]] = {}
    for metric in metrics:
        periods = tuple(_joined(periods_of(readable, metric)))
        together.setdefault(periods, []).append(metric)
    for periods, names in together.items():
        for each in periods:
            start = max(start_ms, -(-to_ms(each.start) // width) * width)
            end = end_ms if each.end is None else min(end_ms, to_ms(each.end) // width * width)
            if start < end:
                yield (start, end), names


def _clip(span: AlarmSpan, readable: list[Readable] | None) -> AlarmSpan:
    """The span without what lies beyond the reader's period: when it ended later, for one."""
    for each in readable or ():
        end = each.period.end
        is_beyond = end is not None and (span.until is None or span.until > end)
        if is_beyond and span.since in each.period:
            return replace(span, until=end)
    return span


def _joined(periods: list[Interval]) -> list[Interval]:
    """Touching and overlapping periods as one each, in order."""
    joined: list[Interval] = []
    for each in sorted(periods, key=lambda period: period.start):
        last = joined[-1] if joined else None
        if last is None or (last.end is not None and each.start > last.end):
            joined.append(each)
        elif last.end is not None and (each.end is None or each.end > last.end):
            joined[-1] = Interval(last.start, each.end)
    return joined


def _group(group: MetricGroup, parts: list[Buckets], limits: Sequence[Limit]) -> Group:
    names = {metric.name for metric in group.metrics}
    lines = (ChartLimit(e.label, e.threshold, e.direction) for e in limits if e.metric in names)
    series = tuple(_series(metric, parts) for metric in group.metrics)
    return Group(group.key, group.label, group.unit, series, tuple(lines))


def _series(metric: Metric, parts: list[Buckets]) -> Series:
    name = metric.name
    held_in = [part for part in parts if name in part.mean]
    at_ms = _joined_array([part.start_ms for part in held_in], np.int64)
    mean = _joined_array([part.mean[name] for part in held_in], np.float64)
    minimum = _joined_array([part.minimum[name] for part in held_in], np.float64)
    maximum = _joined_array([part.maximum[name] for part in held_in], np.float64)
    held = np.isfinite(mean)
    return Series(name, metric.label, at_ms[held], mean[held], minimum[held], maximum[held])


def _joined_array(arrays: list[NDArray[np.generic]], dtype: type) -> NDArray[np.generic]:
    return np.concatenate(arrays).astype(dtype, copy=False) if arrays else np.empty(0, dtype)
