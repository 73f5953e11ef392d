"""The first steps of a newcomer in each role, done or not by what really is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import url_for

from devices.equipment_models import list_equipment_models
from foundation.identity.directory import list_people
from foundation.identity.preferences import is_dismissed
from foundation.identity.scope import Role
from services.tickets.queries import EVERY_STATE, TicketFilter, count_tickets
from services.tickets.rules import Origin, TicketState
from web.pages.fleet import Fleet
from web.request_scope import get_scope, get_session
from web.wording.translate import gettext as _

HINT = "first_steps"
_TAKEN_UP = tuple(state for state in TicketState if state != TicketState.NEW)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do once, with where to do it."""

    label: str
    url: str
    is_done: bool


def list_first_steps(fleet: Fleet) -> Sequence[Step]:
    """The steps of the reader's role; none once all are done or they were put away."""
    if is_dismissed(get_session(), HINT):
        return ()
    make: dict[Role, Callable[[Fleet], list[Step]]] = {
        Role.MANUFACTURER: _manufacturer,
        Role.DEALER_MANAGER: _dealer,
        Role.TECHNICIAN: _technician,
        Role.CUSTOMER: _customer,
    }
    role = get_scope().role
    steps = make[role](fleet) if role is not None else []
    return () if all(each.is_done for each in steps) else steps


def _manufacturer(fleet: Fleet) -> list[Step]:
    has_model = bool(list_equipment_models(get_session()))
    new_machine = url_for("administration.new_machine")
    return [
        Step(_("Describe an equipment model"), url_for("catalogue.new"), has_model),
        Step(_("Enter a machine or import a list"), new_machine, bool(fleet.entries)),
        _first_reading(fleet),
        Step(_("Let a colleague sign in"), url_for("people.new"), _count_people() > 1),
    ]


def _dealer(fleet: Fleet) -> list[Step]:
    machines = url_for("machines.index")
    return [
        Step(_("See the machines that you serve"), machines, bool(fleet.entries)),
        Step(_("Let a technician sign in"), url_for("people.new"), _count_people() > 1),
        Step(_("Accept a first ticket"), url_for("tickets.index"), _count_taken_up() > 0),
    ]


def _technician(fleet: Fleet) -> list[Step]:
    del fleet
    mine = TicketFilter(EVERY_STATE, assignee_id=get_scope().person_id)
    queue, has_ticket = url_for("tickets.index"), count_tickets(get_session(), mine) > 0
    return [Step(_("Take a ticket from the queue"), queue, has_ticket)]


def _customer(fleet: Fleet) -> list[Step]:
    reported = TicketFilter(EVERY_STATE, origin=Origin.CUSTOMER)
    machines, has_reported = url_for("machines.index"), count_tickets(get_session(), reported) > 0
    return [
        Step(_("See your machines"), machines, bool(fleet.entries)),
        _first_reading(fleet),
        Step(_("Report a problem when there is one"), machines, has_reported),
    ]


def _first_reading(fleet: Fleet) -> Step:
    heard = fleet.latest.at_ms(each.id for each in fleet.entries)
    url = url_for("machines.index", sort="heard")
    return Step(_("Hear a machine for the first time"), url, bool(heard))


def _count_people() -> int:
    organisation_id = get_scope().organisation_id
    return len(list_people(get_session(), organisation_id)) if organisation_id else 0


def _count_taken_up() -> int:
    return count_tickets(get_session(), TicketFilter(states=_TAKEN_UP))
