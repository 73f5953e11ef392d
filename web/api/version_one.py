"""The API that scripts read: machines, their readings, tickets; JSON, newest version under v1."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.assets import get_asset
from devices.equipment_models import Metric
from devices.fleet import list_assets
from foundation.clock import from_ms
from foundation.identity.api_tokens import ApiScope
from services.tickets.queries import TicketRow, list_history
from telemetry.charts import read_samples
from telemetry.store.contract import Samples
from web.api.bearer import needs
from web.pages.chart import check_export, read_window
from web.request_scope import get_runtime, get_session, now, require

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@blueprint.get("/assets")
@needs(ApiScope.ASSETS)
@require(Act.SEE_FLEET)
def assets() -> ResponseReturnValue:
    """The machines by name; `search` narrows, `cursor` goes on."""
    page = list_assets(
        get_session(),
        search=request.args.get("search", "")[:200],
        cursor=request.args.get("cursor"),
    )
    return _page([asdict(each) for each in page.rows], page.next_cursor)


@blueprint.get("/assets/<id:asset_id>/readings")
@needs(ApiScope.READINGS)
@require(Act.SEE_FLEET)
def readings(asset_id: int) -> ResponseReturnValue:
    """The stored readings of a period: `range`, or `from` and `to` in epoch seconds."""
    asset = get_asset(get_session(), asset_id)
    _, window = read_window(request.args, now())
    metrics = asset.equipment_model.metrics
    check_export(window, metrics)
    names = [metric.name for metric in metrics]
    parts = read_samples(get_session(), get_runtime().store, asset, window, names)
    units = {metric.name: metric.unit for metric in metrics}
    return jsonify({"asset": asset.id, "units": units, "readings": _rows(parts, metrics)})


@blueprint.get("/tickets")
@needs(ApiScope.TICKETS)
@require(Act.SEE_FLEET)
def tickets() -> ResponseReturnValue:
    """The tickets, newest first; `cursor` goes on."""
    page = list_history(get_session(), cursor=request.args.get("cursor"))
    return _page([_ticket(each) for each in page.rows], page.next_cursor)


def _page(rows: list[dict[str, Any]], cursor: str | None) -> ResponseReturnValue:
    return jsonify({"rows": rows, "next_cursor": cursor})


def _ticket(row: TicketRow) -> dict[str, Any]:
    instants = {
        name: value.isoformat() if value else None
        for name, value in (
            ("opened_at", row.opened_at),
            ("changed_at", row.changed_at),
            ("due_at", row.due_at),
            ("closed_at", row.closed_at),
        )
    }
    return instants | {
        "number": row.number,
        "title": row.title.to_json(),
        "state": row.state.value,
        "priority": row.priority,
        "asset": row.asset_id,
    }


def _rows(parts: Iterable[Samples], metrics: Sequence[Metric]) -> list[dict[str, Any]]:
    return [
        {"at": from_ms(int(at_ms)).isoformat(), "values": _values(part, place, metrics)}
        for part in parts
        for place, at_ms in enumerate(part.at_ms)
    ]


def _values(part: Samples, place: int, metrics: Sequence[Metric]) -> dict[str, float]:
    values = {metric.name: float(part.values[metric.name][place]) for metric in metrics}
    return {name: value for name, value in values.items() if not math.isnan(value)}
