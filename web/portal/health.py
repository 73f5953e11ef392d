"""Whether the portal runs, and whether it can do its work; for those who watch over it."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from foundation.changes import last_number
from foundation.database import Database
from foundation.errors import Unavailable
from foundation.identity.scope import Scope
from web.auth import public
from web.portal.live import get_feed
from web.request_scope import get_runtime

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/live")
@public
def live() -> ResponseReturnValue:
    """The process answers."""
    return jsonify({"status": "live"})


@blueprint.get("/health/ready")
@public
def ready() -> ResponseReturnValue:
    """The database answers as well; 503 otherwise."""
    is_ready = _answers(get_runtime().database) and not get_runtime().stop.is_set()
    body = {"status": "ready" if is_ready else "waiting", "streams": get_feed().open_streams}
    return jsonify(body), 200 if is_ready else 503


def _answers(database: Database) -> bool:
    try:
        with database.session(Scope.system("health")) as session:
            last_number(session)
    except Unavailable:
        return False
    return True
