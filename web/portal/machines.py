"""Machines: the list, the page of one, its chart data and its readings as a file."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.assets import get_asset
from foundation.identity.scope import Role
from services.offers.queries import list_offers_of
from services.tickets.by_asset import list_tickets_of_alarms
from telemetry.charts import build_chart, read_samples
from web.csv_files import as_download
from web.pages.chart import answer_chart, check_export, read_window, write_csv
from web.pages.fleet import load_fleet, turn_to
from web.pages.fleet_list import build_bar, list_columns, list_filters, load_rows, page_addresses
from web.pages.fleet_view import read_view
from web.pages.history import load_history
from web.pages.machine import context_of, load_machine_page
from web.pages.similar import load_similar
from web.party_forms import BreakGlassForm
from web.portal.live import live_addresses
from web.read_log import note_read
from web.request_scope import get_runtime, get_scope, get_session, may, now, require

blueprint = Blueprint("machines", __name__)


@blueprint.get("/machines")
@require(Act.SEE_FLEET)
def index() -> ResponseReturnValue:
    """The machines that the reader sees; filters and order stand in the address."""
    view, cursor = read_view(request.args), request.args.get("cursor")
    fleet = load_fleet(view.chosen)
    page = turn_to(fleet, view, cursor)
    is_customer = get_scope().role == Role.CUSTOMER
    return render_template(
        "machines/index.html",
        page=page,
        bar=build_bar(fleet, view),
        columns=list_columns(view, is_customer=is_customer),
        shown=load_rows(page.rows, fleet),
        pager=page_addresses(view, page, cursor),
        **live_addresses(),
    )


@blueprint.get("/machines/filters")
@require(Act.SEE_FLEET)
def filters() -> ResponseReturnValue:
    """What the list or the map can be narrowed down to: a page, or a part of one for a script."""
    view = read_view(request.args)
    template = "machines/_filters.html" if request.headers.get("HX-Request") else None
    return render_template(
        template or "machines/filters.html",
        view=view,
        filters=list_filters(view),
        target="fleet_map.show" if request.args.get("on") == "map" else "machines.index",
    )


@blueprint.get("/machines/<id:asset_id>")
@require(Act.SEE_FLEET)
def show(asset_id: int) -> ResponseReturnValue:
    """Is it well, and if not, what happens next?"""
    get_asset(get_session(), asset_id)
    note_read(asset_id)
    page = load_machine_page(
        get_session(),
        get_runtime(),
        asset_id,
        is_everything_charted=request.args.get("charts") == "all",
    )
    asset = get_asset(get_session(), asset_id)
    return render_template(
        "machines/show.html",
        page=page,
        glass=BreakGlassForm() if may(Act.BREAK_GLASS) and not page.is_shared else None,
        history=load_history(asset_id, context_of(asset), None),
        similar=load_similar(asset),
        offers=list_offers_of(get_session(), asset_id) if may(Act.SEE_OFFERS) else [],
        **live_addresses(asset_id if page.is_shared else None),
    )


@blueprint.get("/machines/<id:asset_id>/history")
@require(Act.SEE_FLEET)
def history(asset_id: int) -> ResponseReturnValue:
    """What happened to a machine, newest first; a script asks for the lines alone."""
    asset = get_asset(get_session(), asset_id)
    found = load_history(asset_id, context_of(asset), request.args.get("cursor"))
    is_part = request.headers.get("HX-Request")
    template = "machines/_history_lines.html" if is_part else "machines/history.html"
    return render_template(template, machine=asset, history=found)


@blueprint.get("/machines/<id:asset_id>/chart")
@require(Act.SEE_FLEET)
def chart(asset_id: int) -> ResponseReturnValue:
    """The chart block's readings, as frontend/src/charts/contract.js agrees."""
    session = get_session()
    asset = get_asset(session, asset_id)
    note_read(asset_id)
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
    note_read(asset_id)
    _, window = read_window(request.args, now())
    metrics = asset.equipment_model.metrics
    check_export(window, metrics)
    parts = read_samples(session, get_runtime().store, asset, window, [m.name for m in metrics])
    return as_download(f"readings-{asset.id}.csv", write_csv(parts, metrics), "text/csv")
