"""Tickets of a machine as whoever had it before may still read them: as they were in their time.

Asked by a session whose scope looks back. What came after the period is neither shown nor hinted
at: a ticket that was closed later stands as not yet closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.intervals import Interval
from foundation.reasons import Reason
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.detail import EntryRow, list_entries
from services.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class FormerTicket:
    """A ticket that was opened in one's own time; not closed there without `closed_at`."""

    number: str
    title: Reason
    opened_at: datetime
    closed_at: datetime | None
    failure_mode: FailureMode | None
    failure_cause: FailureCause | None
    close_note: str | None
    entries: tuple[EntryRow, ...]


def list_former_tickets(
    session: Session, asset_id: int, periods: Sequence[Interval]
) -> list[FormerTicket]:
    """The tickets of the periods, newest first."""
    query = select(Ticket).where(Ticket.asset_id == asset_id).order_by(Ticket.id.desc())
    return [_former(session, ticket, periods) for ticket in session.scalars(query)]


def _former(session: Session, ticket: Ticket, periods: Sequence[Interval]) -> FormerTicket:
    closed_at = ticket.closed_at
    is_closed = closed_at is not None and any(closed_at in each for each in periods)
    return FormerTicket(
        number=ticket.number,
        title=Reason.from_json(ticket.title),
        opened_at=ticket.opened_at,
        closed_at=closed_at if is_closed else None,
        failure_mode=ticket.failure_mode if is_closed else None,
        failure_cause=ticket.failure_cause if is_closed else None,
        close_note=ticket.close_note if is_closed else None,
        entries=list_entries(session, ticket.id),
    )
