"""The search of the frame: a ticket's number opens it, everything else looks among machines."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from services.tickets.rules import parse_number
from web.request_scope import require

blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
@require(Act.SEE_FLEET)
def find() -> ResponseReturnValue:
    """Sends to the ticket or to the list of machines."""
    text = request.args.get("q", "").strip()[:100]
    ticket_id = parse_number(text)
    if ticket_id is not None:
        return redirect(url_for("tickets.show", ticket_id=ticket_id))
    return redirect(url_for("machines.index", q=text))
