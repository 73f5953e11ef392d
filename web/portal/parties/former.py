"""Machines that one owned or served before: their readings, alarms and tickets of that time."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.assets import get_asset
from devices.former import get_former_machine, list_former_machines
from telemetry.charts import build_chart
from web.pages.chart import answer_chart, read_window
from web.pages.former import load_former
from web.pages.machine import context_of
from web.request_scope import get_runtime, now, past_session, require

blueprint = Blueprint("former", __name__)
_require = require(Act.SEE_FLEET)


@blueprint.get("/former-machines")
@_require
def index() -> ResponseReturnValue:
    """The machines that the reader's organisation had before."""
    with past_session() as session:
        return render_template("former/index.html", machines=list_former_machines(session))


@blueprint.get("/former-machines/<id:asset_id>")
@_require
def show(asset_id: int) -> ResponseReturnValue:
    """One of them, as it was in that time."""
    with past_session() as session:
        return render_template("former/show.html", page=load_former(session, asset_id))


@blueprint.get("/former-machines/<id:asset_id>/chart")
@_require
def chart(asset_id: int) -> ResponseReturnValue:
    """Its readings of that time, as the chart block reads them."""
    with past_session() as session:
        get_former_machine(session, asset_id)
        asset = get_asset(session, asset_id)
        key, window = read_window(request.args, now())
        drawn = build_chart(session, get_runtime().store, asset, window)
        return answer_chart(key, drawn, context_of(asset), {})
