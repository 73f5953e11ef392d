"""The home page of each role: what must I do now?"""

from collections.abc import Mapping

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from devices.fleet import list_metric_labels
from foundation.identity.scope import Role
from services.tickets.by_asset import list_dealer_loads
from services.tickets.queries import Attention, TicketFilter, count_attention, list_queue
from telemetry.health import MachineState
from telemetry.quarantine import count_open, list_faults
from web.pages.fleet import list_worst, load_fleet, turn_to
from web.pages.fleet_list import load_rows
from web.pages.fleet_view import FleetView
from web.pages.parts import Figure
from web.portal.live import live_addresses
from web.request_scope import get_scope, get_session, now
from web.wording import labels
from web.wording.homes import (
    customer_sentence,
    dealer_sentence,
    fleet_sentence,
    technician_sentence,
)
from web.wording.translate import gettext as _

SHOWN = 8
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


def _dealer() -> str:
    session = get_session()
    attention = count_attention(session, person_id=get_scope().person_id, at=now())
    return render_template(
        "home/dealer.html",
        sentence=dealer_sentence(attention),
        figures=_attention_figures(attention),
        urgent=list_queue(session, limit=SHOWN).rows,
        states=_state_figures(load_fleet().count()),
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _technician() -> str:
    session = get_session()
    mine = list_queue(session, TicketFilter(assignee_id=get_scope().person_id))
    free = list_queue(session, TicketFilter(is_unassigned=True), limit=SHOWN)
    return render_template(
        "home/technician.html",
        sentence=technician_sentence(mine.total or 0, free.total or 0),
        mine=mine.rows,
        free=free.rows,
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _customer() -> str:
    session = get_session()
    fleet = load_fleet()
    page = turn_to(fleet, FleetView(sort="state"), None)
    requests = list_queue(session, limit=SHOWN)
    return render_template(
        "home/customer.html",
        sentence=customer_sentence(fleet.count(), requests.total or 0),
        machines=load_rows(page.rows, fleet),
        more=page.next_cursor is not None,
        requests=requests.rows,
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _manufacturer() -> str:
    session = get_session()
    fleet = load_fleet()
    counted = fleet.count()
    return render_template(
        "home/manufacturer.html",
        sentence=fleet_sentence(counted),
        states=_state_figures(counted),
        has_machines=bool(fleet.entries),
        worst=load_rows(list_worst(fleet, SHOWN), fleet),
        dealers=list_dealer_loads(session, at=now()),
        faults=list_faults(session)[:SHOWN],
        refused=count_open(session),
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _attention_figures(attention: Attention) -> list[Figure]:
    rows = (
        (_("No first answer in time"), attention.unanswered_late, "open"),
        (_("Past their due time"), attention.overdue, "open"),
        (_("Unassigned"), attention.unassigned, "unassigned"),
        (_("Mine"), attention.mine, "mine"),
        (_("All open"), attention.open, "open"),
    )
    return [
        Figure(name, str(count), url=url_for("tickets.index", view=view))
        for name, count, view in rows
    ]


def _state_figures(counted: Mapping[MachineState, int]) -> list[Figure]:
    total = sum(counted.values())
    return [
        Figure(
            name=str(labels.MACHINE_STATES[state]),
            value=str(count),
            note=_("of %(total)s machines", total=total),
            url=url_for("machines.index", state=state),
        )
        for state, count in counted.items()
    ]
