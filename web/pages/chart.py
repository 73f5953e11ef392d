"""The chart contract of frontend/src/charts/contract.js: its query read, its answer written."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from flask import Response, url_for
from numpy.typing import NDArray

from devices.equipment_models import Metric
from foundation.clock import from_ms, to_ms
from foundation.errors import Invalid
from foundation.units import symbol
from telemetry.alarms.queries import AlarmSpan
from telemetry.charts import Chart, Group, Series, Window
from telemetry.store.contract import Samples
from web import words
from web.wording import labels
from web.wording.alarms import title_of

RANGES_S = {"1h": 3_600, "24h": 86_400, "7d": 7 * 86_400, "90d": 90 * 86_400}
DEFAULT_RANGE = "24h"
MAX_EXPORT_ROWS = 200_000
_DIGITS = 6


def read_window(args: Mapping[str, str], now: datetime) -> tuple[str | None, Window]:
    """The asked range, by its key or by its ends in epoch seconds.

    Raises:
        Invalid: when a part is no number or the range is none.
    """
    points = min(max(int(_read_number(args, "points") or 600), 10), 2_000)
    since = _read_number(args, "since")
    since_ms = None if since is None else int(since * 1_000)
    start, end = _read_number(args, "from"), _read_number(args, "to")
    if start is not None and end is not None:
        return None, Window(int(start * 1_000), int(end * 1_000), points, since_ms)
    key = args.get("range", DEFAULT_RANGE)
    if key not in RANGES_S:
        raise Invalid("The range is one of %(names)s.", names=", ".join(RANGES_S))
    end_ms = to_ms(now) + 1
    return key, Window(end_ms - RANGES_S[key] * 1_000, end_ms, points, since_ms)


def _read_number(args: Mapping[str, str], name: str) -> float | None:
    text = args.get(name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise Invalid("%(name)s is no number.", name=name) from error
    if not math.isfinite(number) or not 0 <= number < 1e11:
        raise Invalid("%(name)s is out of range.", name=name)
    return number


def answer_chart(
    key: str | None, chart: Chart, context: words.Context, tickets: Mapping[int, int]
) -> Response:
    """The chart as the front end reads it; an alarm leads to its ticket (ids by alarm id)."""
    window = chart.window
    tree = {
        "range": {"key": key, "from": window.start_ms / 1_000, "to": window.end_ms / 1_000},
        "time_zone": chart.time_zone,
        "gap_s": chart.gap_ms / 1_000,
        "groups": [_group(each) for each in chart.groups],
        "alarms": [_span(each, context, tickets) for each in chart.spans],
    }
    return Response(msgspec.json.encode(tree), mimetype="application/json")


def _group(group: Group) -> dict[str, Any]:
    limits = [
        {"label": each.label, "value": each.threshold, "direction": each.direction}
        for each in group.limits
    ]
    series = [_series(each) for each in group.series]
    return {
        "key": group.key,
        "label": group.label,
        "unit": group.unit,
        "series": series,
        "limits": limits,
    }


def _series(series: Series) -> dict[str, Any]:
    return {
        "metric": series.metric,
        "label": series.label,
        "t": (series.at_ms / 1_000).tolist(),
        "mean": _shortened(series.mean),
        "min": _shortened(series.minimum),
        "max": _shortened(series.maximum),
    }


def _shortened(values: NDArray[np.float64]) -> list[float]:
    """The values to six digits that count: more would only make the answer longer."""
    size = np.abs(values)
    safe = np.where(size > 0, size, 1.0)
    scale = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(safe)))
    short: list[float] = (np.round(values * scale) / scale).tolist()
    return short


def _span(span: AlarmSpan, context: words.Context, tickets: Mapping[int, int]) -> dict[str, Any]:
    ticket_id = tickets.get(span.alarm_id)
    return {
        "from": to_ms(span.since) / 1_000,
        "to": None if span.until is None else to_ms(span.until) / 1_000,
        "label": title_of(span.condition, span.evidence, context),
        "severity": labels.SEVERITY_CHIPS[span.severity],
        "url": None if ticket_id is None else url_for("tickets.show", ticket_id=ticket_id),
    }


def check_export(window: Window, metrics: Sequence[Metric]) -> None:
    """Refuses a period of more readings than one file should hold.

    Raises:
        Invalid: naming the way out.
    """
    interval_ms = min((metric.interval_s for metric in metrics), default=60.0) * 1_000
    if (window.end_ms - window.start_ms) / interval_ms > MAX_EXPORT_ROWS:
        raise Invalid("That period holds too many readings for one file. Choose a shorter one.")


def write_csv(parts: Iterable[Samples], metrics: Sequence[Metric]) -> str:
    """Samples as CSV: time in UTC, a column a metric with its unit, empty where nothing is."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["time_utc", *(f"{m.name} [{symbol(m.unit) or '1'}]" for m in metrics)])
    for part in parts:
        columns = [part.values[metric.name] for metric in metrics]
        for row, at_ms in enumerate(part.at_ms):
            at = from_ms(int(at_ms)).astimezone(UTC)
            values = (column[row] for column in columns)
            shown = ["" if math.isnan(value) else repr(float(value)) for value in values]
            table.writerow([at.isoformat(timespec="milliseconds"), *shown])
    return out.getvalue()
