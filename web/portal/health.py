"""Whether the portal runs, and whether it can do its work; for those who watch over it."""

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from foundation.changes import last_number
from foundation.database import Database
from foundation.errors import Unavailable
from foundation.identity.scope import Scope
from web.auth import public
from web.portal.live import get_feed
from web.request_scope import get_runtime

blueprint = Blueprint("health", __name__)

_TEXT_FORM = "text/plain; version=1.0.0; charset=utf-8"
# What a proxy on this machine adds for somebody who is not on it.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


@blueprint.get("/healthz/live")
@public
def live() -> ResponseReturnValue:
    """The process answers."""
    return jsonify({"status": "live"})


@blueprint.get("/healthz/ready")
@public
def ready() -> ResponseReturnValue:
    """Every part can do its work as well; 503 otherwise, naming those that cannot."""
    runtime = get_runtime()
    parts = {"database": _answers(runtime.database), **runtime.check_parts()}
    is_ready = all(parts.values()) and not runtime.stop.is_set()
    body = {
        "status": "ready" if is_ready else "waiting",
        "parts": {name: "ready" if is_well else "waiting" for name, is_well in parts.items()},
        "streams": get_feed().open_streams,
    }
    return jsonify(body), 200 if is_ready else 503


def _answers(database: Database) -> bool:
    try:
        with database.session(Scope.system("health")) as session:
            last_number(session)
    except Unavailable:
        return False
    return True


@blueprint.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Numbers for Prometheus, with the token or from this machine; for others there is nothing."""
    if not _may_read_metrics(get_runtime().metrics_token):
        abort(404)
    return Response(get_runtime().render_metrics(), content_type=_TEXT_FORM)


def _may_read_metrics(token: str) -> bool:
    if token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    is_forwarded = get_runtime().is_secure or any(name in request.headers for name in _FORWARDED)
    return not is_forwarded and ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104 - stands for nobody
