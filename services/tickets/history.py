"""What happened to the tickets of one machine, as single events for its history."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.identity.models import Person
from services.tickets.models import TicketEntry
from services.tickets.rules import EntryKind, ticket_number

_TOLD = (EntryKind.OPENED, EntryKind.REPORT, EntryKind.MOVED)


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """A ticket was opened, reported again or moved; `by` is None where the platform did it."""

    id: int
    ticket_id: int
    at: datetime
    kind: EntryKind
    move: str | None
    by: str | None

    @property
    def number(self) -> str:
        return ticket_number(self.ticket_id)


def list_ticket_events(
    session: Session, asset_id: int, *, before: datetime, limit: int
) -> list[TicketEvent]:
    """What happened before an instant, newest first."""
    query = (
        select(
            TicketEntry.id,
            TicketEntry.ticket_id,
            TicketEntry.written_at,
            TicketEntry.kind,
            TicketEntry.move,
            Person.name,
        )
        .outerjoin(Person, Person.id == TicketEntry.person_id)
        .where(
            TicketEntry.asset_id == asset_id,
            TicketEntry.kind.in_(_TOLD),
            TicketEntry.written_at < before,
        )
        .order_by(TicketEntry.written_at.desc(), TicketEntry.id.desc())
        .limit(limit)
    )
    return [TicketEvent(*row) for row in session.execute(query)]
