"""Reporting a problem: one click, with words where somebody has some."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.fleet import get_asset_facts
from services.tickets.opening import Reported, report_problem
from web.forms import ReportForm, attempt
from web.request_scope import get_session, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("reports", __name__)


@blueprint.get("/machines/<id:asset_id>/report")
@require(Act.REPORT_PROBLEM)
def show(asset_id: int) -> ResponseReturnValue:
    """The form for a report with words."""
    facts = get_asset_facts(get_session(), asset_id)
    return render_template("reports/show.html", facts=facts, form=ReportForm())


@blueprint.post("/machines/<id:asset_id>/report")
@require(Act.REPORT_PROBLEM)
def send(asset_id: int) -> ResponseReturnValue:
    """Opens a ticket or joins the open one; works without any text."""
    session, form = get_session(), ReportForm(request.form)
    facts = get_asset_facts(session, asset_id)
    made = attempt(form, lambda: _report(asset_id, form))
    if made is None:
        return render_template("reports/show.html", facts=facts, form=form), 422
    flash(_told(made, facts.dealer), "success")
    return redirect(url_for("tickets.show", ticket_id=made.ticket_id), 303)


def _report(asset_id: int, form: ReportForm) -> Reported:
    return report_problem(
        get_session(),
        asset_id=asset_id,
        at=now(),
        text=form.text.data or "",
        is_stopped=bool(form.is_stopped.data),
    )


def _told(made: Reported, dealer: str | None) -> str:
    if not made.is_new:
        return _("Added to the ticket that is open on this machine.")
    if dealer is None:
        return _("Reported. No dealer serves this machine yet, so its manufacturer is told.")
    return _("Reported to %(dealer)s. Add below what you notice, if you like.", dealer=dealer)
