"""Machines: the list, the page of one, its chart data and its readings as a file."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.assets import get_asset
from devices.fleet import list_assets, list_metric_labels
from services.tickets.by_asset import (
    list_assets_with_ticket,
    list_open_on,
    list_tickets_of_alarms,
)
from telemetry.charts import build_chart, read_samples
from telemetry.health import Health, MachineState, count_states, list_health
from web.pages.chart import answer_chart, check_export, read_window, write_csv
from web.pages.csv_files import as_download
from web.pages.machine import context_of, load_machine_page
from web.pages.parts import Chip
from web.portal.live import live_addresses
from web.request_scope import get_runtime, get_session, now, require
from web.wording import labels
from web.wording.translate import gettext as _

blueprint = Blueprint("machines", __name__)


@blueprint.get("/machines")
@require(Act.SEE_FLEET)
def index() -> ResponseReturnValue:
    """The machines that the reader sees, with search and filter in the address."""
    session, text, state = get_session(), request.args.get("q", "").strip(), _read_state()
    health = _list_health()
    ids = None if state is None else [i for i, found in health.items() if found.state == state]
    page = list_assets(session, search=text, ids=ids, cursor=request.args.get("cursor"))
    return render_template(
        "machines/index.html",
        page=page,
        text=text,
        state=state,
        chips=_state_chips(health, state, text),
        health=health,
        tickets=list_open_on(session, [row.id for row in page.rows]),
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _list_health() -> dict[int, Health]:
    session = get_session()
    with_ticket = list_assets_with_ticket(session)
    return list_health(session, get_runtime().latest, now=now(), with_ticket=with_ticket)


def _read_state() -> MachineState | None:
    text = request.args.get("state", "")
    return MachineState(text) if text in list(MachineState) else None


def _state_chips(health: dict[int, Health], chosen: MachineState | None, text: str) -> list[Chip]:
    search = text or None
    everything = Chip(_("All"), url_for("machines.index", q=search), chosen is None, len(health))
    return [everything] + [
        Chip(
            label=str(labels.MACHINE_STATES[state]),
            url=url_for("machines.index", state=state, q=search),
            active=state == chosen,
            count=count,
        )
        for state, count in count_states(health.values()).items()
    ]


@blueprint.get("/machines/<id:asset_id>")
@require(Act.SEE_FLEET)
def show(asset_id: int) -> ResponseReturnValue:
    """Is it well, and if not, what happens next?"""
    page = load_machine_page(
        get_session(),
        get_runtime(),
        asset_id,
        is_everything_charted=request.args.get("charts") == "all",
    )
    return render_template("machines/show.html", page=page, **live_addresses(asset_id))


@blueprint.get("/machines/<id:asset_id>/chart")
@require(Act.SEE_FLEET)
def chart(asset_id: int) -> ResponseReturnValue:
    """The chart block's readings, as frontend/src/charts/contract.js agrees."""
    session = get_session()
    asset = get_asset(session, asset_id)
    key, window = read_window(request.args, now())
    names = request.args.get("groups")
    chosen = names.split(",") if names else None
    drawn = build_chart(session, get_runtime().store, asset, window, metrics=chosen)
    tickets = list_tickets_of_alarms(session, {span.alarm_id for span in drawn.spans})
    return answer_chart(key, drawn, context_of(asset), tickets)


@blueprint.get("/machines/<id:asset_id>/readings.csv")
@require(Act.SEE_FLEET)
def download(asset_id: int) -> ResponseReturnValue:
    """The stored readings of a period as a file."""
    session = get_session()
    asset = get_asset(session, asset_id)
    _, window = read_window(request.args, now())
    metrics = asset.equipment_model.metrics
    check_export(window, metrics)
    parts = read_samples(session, get_runtime().store, asset, window, [m.name for m in metrics])
    return as_download(f"readings-{asset.id}.csv", write_csv(parts, metrics), "text/csv")
