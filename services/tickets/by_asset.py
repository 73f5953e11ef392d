"""Open tickets seen from their machines, for lists that are not about tickets."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.identity.models import Person
from foundation.reasons import Reason
from services.tickets.models import Ticket, TicketAlarm
from services.tickets.rules import TicketState, Visit, ticket_number


@dataclass(frozen=True, slots=True)
class OpenOnAsset:
    """The open ticket of a machine, in as far as a list of machines names it."""

    id: int
    number: str
    asset_id: int
    title: Reason
    state: TicketState
    priority: int
    assignee: str | None
    due_at: datetime
    visit: Visit | None


def list_assets_with_ticket(session: Session) -> frozenset[int]:
    """The machines that have an open ticket."""
    return frozenset(session.scalars(select(Ticket.asset_id).where(Ticket.closed_at.is_(None))))


def list_urgency(session: Session) -> dict[int, tuple[int, datetime]]:
    """How urgent the open ticket of a machine is, by asset id: its priority and due time."""
    query = select(Ticket.asset_id, Ticket.priority, Ticket.due_at).where(
        Ticket.closed_at.is_(None)
    )
    return {each.asset_id: (each.priority, each.due_at) for each in session.execute(query)}


def list_open_on(session: Session, asset_ids: Collection[int]) -> dict[int, OpenOnAsset]:
    """The open tickets of some machines, by asset id; a machine has at most one."""
    query = (
        select(Ticket, Person.name)
        .outerjoin(Person, Person.id == Ticket.assignee_id)
        .where(Ticket.asset_id.in_(asset_ids), Ticket.closed_at.is_(None))
    )
    return {ticket.asset_id: _row(ticket, name) for ticket, name in session.execute(query)}


def list_tickets_of_alarms(session: Session, alarm_ids: Collection[int]) -> dict[int, int]:
    """The tickets that some alarms belong to: ticket id by alarm id."""
    query = (
        select(TicketAlarm.alarm_id, Ticket.id)
        .join(Ticket, Ticket.id == TicketAlarm.ticket_id)
        .where(TicketAlarm.alarm_id.in_(alarm_ids))
    )
    return dict(session.execute(query).all())


def _row(ticket: Ticket, assignee: str | None) -> OpenOnAsset:
    return OpenOnAsset(
        id=ticket.id,
        number=ticket_number(ticket.id),
        asset_id=ticket.asset_id,
        title=Reason.from_json(ticket.title),
        state=ticket.state,
        priority=ticket.priority,
        assignee=assignee,
        due_at=ticket.due_at,
        visit=ticket.visit,
    )
