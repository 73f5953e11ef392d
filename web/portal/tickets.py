"""Tickets: the queue, the page of one with its moves and messages, and the close-out."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from devices.access import Act
from devices.fleet import list_metric_labels
from foundation.errors import Conflict, Invalid
from foundation.identity.scope import Role
from foundation.paging import Page
from services.notifications.queries import mark_read
from services.tickets.close_out import close_out
from services.tickets.moves import assign_ticket, comment, move_ticket
from services.tickets.queries import (
    TicketFilter,
    TicketRow,
    count_tickets,
    get_row,
    list_history,
    list_queue,
)
from services.tickets.rules import FINAL_STATES, Audience, Move
from services.tickets.visits import plan_visit
from web.filters import zone
from web.forms import CloseOutForm, attempt, explain
from web.pages.close_out import build_close_out_form, read_verdicts
from web.pages.parts import Chip
from web.pages.ticket import load_ticket_page
from web.pages.visit import read_visit
from web.portal.live import live_addresses
from web.request_scope import get_scope, get_session, give_up, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("tickets", __name__)


class _View(NamedTuple):
    """One chip above the queue."""

    key: str
    label: str
    chosen: TicketFilter


@blueprint.get("/tickets")
@require(Act.SEE_FLEET)
def index() -> ResponseReturnValue:
    """The queue by urgency; for customers, their requests."""
    session, views = get_session(), _list_views()
    view = next((each for each in views if each.key == request.args.get("view")), views[0])
    page = _list_tickets(view, request.args.get("cursor"))
    return render_template(
        "tickets/index.html",
        view=view,
        chips=[
            Chip(
                each.label,
                url_for("tickets.index", view=each.key),
                each is view,
                count_tickets(session, each.chosen),
            )
            for each in views
        ],
        page=page,
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _list_views() -> list[_View]:
    mine = TicketFilter(assignee_id=get_scope().person_id)
    every = _View("open", _("Open"), TicketFilter())
    over = _View("closed", _("Closed"), TicketFilter(states=FINAL_STATES))
    own = [
        _View("mine", _("Mine"), mine),
        _View("unassigned", _("Unassigned"), TicketFilter(is_unassigned=True)),
    ]
    is_dealer = get_scope().role in (Role.DEALER_MANAGER, Role.TECHNICIAN)
    return [every, *own, over] if is_dealer else [every, over]


def _list_tickets(view: _View, cursor: str | None) -> Page[TicketRow]:
    read = list_history if view.key == "closed" else list_queue
    return read(get_session(), view.chosen, cursor=cursor)


@blueprint.get("/tickets/<id:ticket_id>")
@require(Act.SEE_FLEET)
def show(ticket_id: int) -> ResponseReturnValue:
    """What is wrong, who does what until when?"""
    page = load_ticket_page(get_session(), current_user, ticket_id, at=now())
    return render_template("tickets/show.html", page=page, **live_addresses(page.facts.id))


@blueprint.post("/tickets/<id:ticket_id>/move")
@require(Act.REPORT_PROBLEM)
def move(ticket_id: int) -> ResponseReturnValue:
    """Takes the ticket to its next state."""

    def act() -> None:
        text = request.form.get("move", "")
        if text not in list(Move):
            raise Invalid(_("There is no such move."))
        note = request.form.get("note", "")
        move_ticket(get_session(), ticket_id=ticket_id, move=Move(text), at=now(), note=note)

    return _act_and_return(ticket_id, act)


@blueprint.post("/tickets/<id:ticket_id>/assign")
@require(Act.WORK_TICKETS)
def assign(ticket_id: int) -> ResponseReturnValue:
    """Gives the ticket to a person, or to nobody."""
    text = request.form.get("person", "")

    def act() -> None:
        if text and not text.isdecimal():
            raise Invalid(_("There is no such person."))
        person_id = int(text) if text and len(text) < 19 else None
        assign_ticket(get_session(), ticket_id=ticket_id, person_id=person_id, at=now())

    return _act_and_return(ticket_id, act)


@blueprint.post("/tickets/<id:ticket_id>/visit")
@require(Act.WORK_TICKETS)
def visit(ticket_id: int) -> ResponseReturnValue:
    """Plans when somebody comes, in the site's time; moves it, or takes it back."""

    def act() -> None:
        session = get_session()
        planned = read_visit(request.form, zone(get_row(session, ticket_id).time_zone))
        plan_visit(session, ticket_id=ticket_id, visit=planned, at=now())

    return _act_and_return(ticket_id, act)


@blueprint.post("/tickets/<id:ticket_id>/messages")
@require(Act.COMMENT)
def write(ticket_id: int) -> ResponseReturnValue:
    """Adds a message for all parties, or a note of the dealer's own."""
    is_internal = request.form.get("audience") == Audience.DEALER
    audience = Audience.DEALER if is_internal else Audience.EVERYONE

    def act() -> None:
        text = request.form.get("text", "")
        comment(get_session(), ticket_id=ticket_id, text=text, audience=audience, at=now())

    return _act_and_return(ticket_id, act)


def _act_and_return(ticket_id: int, act: Callable[[], Any]) -> ResponseReturnValue:
    """Back to the ticket, with what was refused in words."""
    try:
        act()
        mark_read(get_session(), at=now(), ticket_id=ticket_id)
    except (Invalid, Conflict) as error:
        give_up()
        for sentence in explain(error):
            flash(sentence, "error")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


@blueprint.get("/tickets/<id:ticket_id>/close-out")
@require(Act.WORK_TICKETS)
def close_out_form(ticket_id: int) -> ResponseReturnValue:
    """Three taps: what, why, and was the alarm right."""
    page = load_ticket_page(get_session(), current_user, ticket_id, at=now())
    form = build_close_out_form(page)
    return render_template("tickets/close_out.html", page=page, form=form)


@blueprint.post("/tickets/<id:ticket_id>/close-out")
@require(Act.WORK_TICKETS)
def send_close_out(ticket_id: int) -> ResponseReturnValue:
    """Closes ticket and alarms; the verdicts become what the detectors are judged by."""
    page = load_ticket_page(get_session(), current_user, ticket_id, at=now())
    form = build_close_out_form(page, request.form)
    if attempt(form, lambda: _close(ticket_id, form)) is None:
        return render_template("tickets/close_out.html", page=page, form=form), 422
    flash(_("Closed. Your verdicts help the detectors to do better."), "success")
    return redirect(url_for("tickets.show", ticket_id=ticket_id), 303)


def _close(ticket_id: int, form: CloseOutForm) -> bool:
    close_out(
        get_session(),
        ticket_id=ticket_id,
        failure_mode=form.failure_mode.data,
        failure_cause=form.failure_cause.data,
        verdicts=read_verdicts(form),
        note=form.note.data or "",
        at=now(),
    )
    mark_read(get_session(), at=now(), ticket_id=ticket_id)
    return True
