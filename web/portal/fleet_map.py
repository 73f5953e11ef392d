"""The fleet on a map: the page with its table, the sites as JSON, and the operator's base map."""

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from foundation.errors import NotFound
from web.pages.fleet import load_fleet
from web.pages.fleet_list import build_bar
from web.pages.fleet_map import as_json, load_map
from web.pages.fleet_view import read_view
from web.portal.live import live_addresses
from web.request_scope import get_runtime, require

blueprint = Blueprint("fleet_map", __name__)
_require = require(Act.SEE_FLEET)


@blueprint.get("/machines/map")
@_require
def show() -> ResponseReturnValue:
    """Where the machines stand, and where the worst of them are; the same filters as the list."""
    view = read_view(request.args)
    fleet = load_fleet(view.chosen)
    return render_template(
        "machines/map.html",
        bar=build_bar(fleet, view, "fleet_map.show"),
        found=load_map(fleet, view),
        base_map_url=base_map_url(),
        **live_addresses(),
    )


@blueprint.get("/machines/map/sites")
@_require
def sites() -> ResponseReturnValue:
    """The sites of a view with the states of their machines, as frontend/src/map reads them."""
    view = read_view(request.args)
    return jsonify(as_json(load_map(load_fleet(view.chosen), view), view))


@blueprint.get("/machines/map/base")
@_require
def base() -> Response:
    """The base map that the operator named; without one the bundled map is drawn."""
    path = get_runtime().base_map
    if path is None or not path.is_file():
        raise NotFound("No base map of your own is set.")
    return Response(path.read_bytes(), mimetype="application/geo+json")


def base_map_url() -> str | None:
    """Where the operator's base map is, if there is one."""
    return url_for("fleet_map.base") if get_runtime().base_map is not None else None
