"""Loading a ticket in order to change it: locked, fresh, and only where the scope sees it."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from services.tickets.models import Ticket, TicketAlarm
from telemetry.alarms.models import Alarm


def _locked(query: Select[Ticket]) -> Select[Ticket]:
    # What another transaction changed meanwhile must be seen, even if the row was loaded before.
    return query.with_for_update().execution_options(populate_existing=True)


def find_open_ticket(session: Session, asset_id: int) -> Ticket | None:
    """The asset's open ticket, locked against others until the transaction ends."""
    query = select(Ticket).where(Ticket.asset_id == asset_id, Ticket.closed_at.is_(None))
    return session.scalar(_locked(query))


def get_ticket_to_change(session: Session, ticket_id: int) -> Ticket:
    """The ticket, locked against others until the transaction ends.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = session.scalar(_locked(select(Ticket).where(Ticket.id == ticket_id)))
    if found is None:
        raise NotFound("There is no such ticket.")
    return found


def list_alarms(session: Session, ticket: Ticket) -> list[Alarm]:
    """The alarms that belong to the ticket, oldest first."""
    query = (
        select(Alarm)
        .join(TicketAlarm, TicketAlarm.alarm_id == Alarm.id)
        .where(TicketAlarm.ticket_id == ticket.id)
        .order_by(Alarm.started_at, Alarm.id)
    )
    return list(session.scalars(query))
