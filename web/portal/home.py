"""The home page of each role: what must I do now?"""

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from devices.fleet import list_asset_rows, list_assets, list_metric_labels
from foundation.identity.scope import Role
from foundation.paging import PAGE_SIZE
from services.tickets.by_asset import list_assets_with_ticket, list_dealer_loads, list_open_on
from services.tickets.queries import Attention, TicketFilter, count_attention, list_queue
from telemetry.health import Health, MachineState, count_states, list_health
from telemetry.quarantine import count_open, list_faults
from web.pages.parts import Figure
from web.portal.live import live_addresses
from web.request_scope import get_runtime, get_scope, get_session, now
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
        states=_state_figures(_list_health()),
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
    machines = list_assets(session)
    requests = list_queue(session, limit=SHOWN)
    health = _list_health()
    return render_template(
        "home/customer.html",
        sentence=customer_sentence(list(health.values()), requests.total or 0),
        machines=machines.rows,
        more=(machines.total or 0) > PAGE_SIZE,
        health=health,
        tickets=list_open_on(session, [row.id for row in machines.rows]),
        requests=requests.rows,
        metrics=list_metric_labels(session),
        **live_addresses(),
    )


def _manufacturer() -> str:
    session = get_session()
    health = _list_health()
    worst = _choose_worst(health)
    rows = list_asset_rows(session, worst)
    return render_template(
        "home/manufacturer.html",
        sentence=fleet_sentence(list(health.values())),
        states=_state_figures(health),
        worst=[rows[asset_id] for asset_id in worst if asset_id in rows],
        health=health,
        tickets=list_open_on(session, worst),
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


def _list_health() -> dict[int, Health]:
    session = get_session()
    with_ticket = list_assets_with_ticket(session)
    return list_health(session, get_runtime().latest, now=now(), with_ticket=with_ticket)


def _choose_worst(health: dict[int, Health]) -> list[int]:
    order = list(MachineState)
    unwell = [each for each, found in health.items() if found.state != MachineState.WELL]
    return sorted(unwell, key=lambda each: (order.index(health[each].state), each))[:SHOWN]


def _state_figures(health: dict[int, Health]) -> list[Figure]:
    counted = count_states(health.values())
    total = len(health)
    return [
        Figure(
            name=str(labels.MACHINE_STATES[state]),
            value=str(count),
            note=_("of %(total)s machines", total=total),
            url=url_for("machines.index", state=state),
        )
        for state, count in counted.items()
    ]
