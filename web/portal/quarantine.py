"""Quarantine: what machines sent and could not be used, why, and what to do about it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.readings import RejectionCode
from foundation.errors import NotFound
from telemetry.quarantine import dismiss, get_message, list_faults, list_messages, reprocess
from web.pages.parts import Action
from web.portal.live import live_addresses
from web.request_scope import get_runtime, get_session, now, require
from web.wording.translate import gettext as _
from web.wording.translate import ngettext

blueprint = Blueprint("quarantine", __name__)


@blueprint.get("/quarantine")
@require(Act.SEE_QUARANTINE)
def index() -> ResponseReturnValue:
    """One row for each source and kind of fault."""
    faults = list_faults(get_session())
    return render_template("quarantine/index.html", faults=faults, **live_addresses())


@blueprint.get("/quarantine/fault")
@require(Act.SEE_QUARANTINE)
def fault() -> ResponseReturnValue:
    """The messages of one fault, as they were sent."""
    source, code = request.args.get("source", ""), request.args.get("code", "")
    page = list_messages(
        get_session(), source=source, code=code, cursor=request.args.get("cursor")
    )
    if not page.rows:
        flash(_("No message with this fault is waiting any more."), "success")
        return redirect(url_for("quarantine.index"))
    return render_template(
        "quarantine/fault.html", page=page, source=source, code=code, **_acts(source, code)
    )


def _acts(source: str, code: str) -> dict[str, list[Action]]:
    fields = {"source": source, "code": code}
    again = Action(
        _("Try again"),
        action=url_for("quarantine.try_again"),
        icon="refresh",
        primary=True,
        fields=fields,
    )
    away = Action(
        _("Dismiss"),
        action=url_for("quarantine.let_go"),
        icon="cross",
        danger=True,
        confirm=_("Dismiss all messages of this fault? They stay kept, but are not used."),
        fields=fields,
    )
    more = []
    if code == RejectionCode.UNKNOWN_DEVICE:
        url = url_for("administration.new_machine", device=source)
        more.append(Action(_("Enter its machine"), url, icon="plus"))
    return {"actions": [again, away], "more": more}


@blueprint.get("/quarantine/messages/<id:message_id>")
@require(Act.SEE_QUARANTINE)
def message(message_id: int) -> ResponseReturnValue:
    """One message with its payload."""
    found = get_message(get_session(), message_id)
    return render_template("quarantine/message.html", message=found)


@blueprint.post("/quarantine/reprocess")
@require(Act.SEE_QUARANTINE)
def try_again() -> ResponseReturnValue:
    """Runs the messages of a fault through ingest again."""
    source, code = _read_fault()
    again = get_runtime().reprocess
    done = reprocess(get_session(), source=source, code=code, again=again, at=now())
    if done:
        told = ngettext("%(num)s message was stored.", "%(num)s messages were stored.", done)
        flash(told, "success")
    else:
        flash(_("None could be stored: the fault is still there."), "warning")
    return redirect(url_for("quarantine.fault", source=source, code=code), 303)


@blueprint.post("/quarantine/dismiss")
@require(Act.SEE_QUARANTINE)
def let_go() -> ResponseReturnValue:
    """Closes the messages of a fault without using them."""
    source, code = _read_fault()
    done = dismiss(get_session(), source=source, code=code, at=now())
    told = ngettext("%(num)s message was dismissed.", "%(num)s messages were dismissed.", done)
    flash(told, "success")
    return redirect(url_for("quarantine.index"), 303)


def _read_fault() -> tuple[str, str]:
    source, code = request.form.get("source", ""), request.form.get("code", "")
    if not list_messages(get_session(), source=source, code=code).rows:
        raise NotFound("There is no such fault.")
    return source, code
