"""The home page of each role: what must I do now?"""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.fleet import list_metric_labels
from foundation.identity.preferences import dismiss
from foundation.identity.scope import Role
from services.tickets.patterns import (
    list_dealer_work,
    list_failure_trends,
    list_model_burdens,
)
from services.tickets.queries import (
    TicketFilter,
    count_attention,
    list_by_due,
    list_by_visit,
    list_queue,
)
from services.tickets.rules import TicketState
from services.tickets.stakes import count_stakes
from telemetry.quarantine import list_faults
from web.pages.first_steps import HINT, list_first_steps
from web.pages.fleet import list_worst, load_fleet, turn_to
from web.pages.fleet_list import load_rows
from web.pages.fleet_view import FleetView
from web.pages.homes import (
    attention_figures,
    list_offers_to_answer,
    list_offers_to_check,
    load_days,
    load_next_visit,
    quality_figures,
    stakes_sentence,
    state_figures,
)
from web.pages.offer import benefit_of, money_of
from web.portal.fleet_map import base_map_url
from web.portal.live import live_addresses
from web.request_scope import get_scope, get_session, now, require
from web.wording.homes import (
    customer_sentence,
    dealer_sentence,
    fleet_sentence,
    technician_sentence,
)

SHOWN = 8
FEW = 5
blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The page of the role that is signed in."""
    pages = {
        Role.MANUFACTURER: _manufacturer,
        Role.DEALER_MANAGER: _dealer,
        Role.TECHNICIAN: _technician,
        Role.CUSTOMER: _customer,
    }
    role = get_scope().role
    assert role is not None, "a person has a role"
    return pages[role]()


@blueprint.post("/first-steps/dismiss")
@require(Act.SEE_FLEET)
def dismiss_first_steps() -> ResponseReturnValue:
    """Puts the first steps away for good."""
    dismiss(get_session(), HINT, at=now())
    return redirect(url_for("home.show"), 303)


def _dealer() -> str:
    session, fleet = get_session(), load_fleet()
    attention = count_attention(session, person_id=get_scope().person_id, at=now())
    return render_template(
        "home/dealer.html",
        sentence=dealer_sentence(attention),
        steps=list_first_steps(fleet),
        figures=attention_figures(attention),
        urgent=list_by_due(session, limit=SHOWN),
        stakes=stakes_sentence(count_stakes(session)),
        days=load_days(),
        offers=list_offers_to_check(FEW),
        money_of=money_of,
        benefit_of=benefit_of,
        states=state_figures(fleet.count()),
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _technician() -> str:
    session = get_session()
    mine = list_by_visit(session, TicketFilter(assignee_id=get_scope().person_id))
    free = list_queue(session, TicketFilter(is_unassigned=True), limit=SHOWN)
    return render_template(
        "home/technician.html",
        sentence=technician_sentence(len(mine), free.total or 0),
        steps=list_first_steps(load_fleet()),
        visit=load_next_visit(mine[0]) if mine else None,
        mine=mine[1:],
        free=free.rows,
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _customer() -> str:
    session, fleet = get_session(), load_fleet()
    page = turn_to(fleet, FleetView(sort="state"), None)
    requests = list_queue(session, limit=SHOWN)
    solved = sum(row.state == TicketState.SOLVED for row in requests.rows)
    return render_template(
        "home/customer.html",
        sentence=customer_sentence(fleet.count(), requests.total or 0, solved=solved),
        steps=list_first_steps(fleet),
        machines=load_rows(page.rows, fleet),
        more=page.next_cursor is not None,
        requests=requests.rows,
        offers=list_offers_to_answer(FEW),
        money_of=money_of,
        benefit_of=benefit_of,
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _manufacturer() -> str:
    session, fleet = get_session(), load_fleet()
    return render_template(
        "home/manufacturer.html",
        sentence=fleet_sentence(fleet.count()),
        steps=list_first_steps(fleet),
        states=state_figures(fleet.count()),
        quality=quality_figures(fleet),
        has_machines=bool(fleet.entries),
        base_map_url=base_map_url(),
        worst=load_rows(list_worst(fleet, FEW), fleet),
        trends=list_failure_trends(session, at=now())[:FEW],
        models=list_model_burdens(session, at=now())[:FEW],
        dealers=list_dealer_work(session, at=now())[:SHOWN],
        faults=list_faults(session)[:FEW],
        metrics=list_metric_labels(session),
        **live_addresses(),
    )
