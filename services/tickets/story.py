"""Telling what happened to a ticket: entry, audit row, change feed and outbox row, all at once.

Every act on a ticket ends here, in the act's own transaction; who is then told of it is decided
in services/notifications.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from foundation import audit
from foundation.changes import announce
from foundation.database import get_scope
from foundation.jobs import enqueue
from foundation.reasons import Reason, to_json
from services.tickets.models import Ticket, TicketEntry
from services.tickets.refusals import EntryRefused
from services.tickets.rules import MAX_TEXT, Audience, EntryKind, Move, TicketState

NOTICE = "ticket_notice"
"""Outbox kind of an entry; its payload is `{"entry_id": int}`."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What an entry is to tell; `move` and `from_state` only where the ticket moved."""

    kind: EntryKind
    text: str | None = None
    reasons: tuple[Reason, ...] = ()
    audience: Audience = Audience.EVERYONE
    alarm_id: int | None = None
    move: Move | None = None
    from_state: TicketState | None = None

    @property
    def act(self) -> str:
        """Its name in the audit."""
        return self.move or self.kind


def tell(session: Session, ticket: Ticket, happening: Happening, *, at: datetime) -> TicketEntry:
    """Adds the entry and everything that follows from it."""
    ticket.changed_at = at
    session.flush()
    entry = _write_entry(session, ticket, happening, at)
    _audit(session, ticket, happening, at)
    announce(session, kind="ticket", subject_id=ticket.id, asset_id=ticket.asset_id, at=at)
    enqueue(
        session,
        kind=NOTICE,
        payload={"entry_id": entry.id},
        unique_key=f"{NOTICE}:{entry.id}",
        at=at,
    )
    return entry


def _write_entry(
    session: Session, ticket: Ticket, happening: Happening, at: datetime
) -> TicketEntry:
    scope = get_scope(session)
    entry = TicketEntry(
        ticket_id=ticket.id,
        asset_id=ticket.asset_id,
        kind=happening.kind,
        audience=happening.audience,
        person_id=scope.person_id,
        organisation_id=scope.organisation_id,
        written_at=at,
        text=happening.text,
        reasons=to_json(happening.reasons),
        move=happening.move,
        from_state=happening.from_state,
        to_state=ticket.state if happening.move else None,
        alarm_id=happening.alarm_id,
    )
    session.add(entry)
    session.flush()
    return entry


def _audit(session: Session, ticket: Ticket, happening: Happening, at: datetime) -> None:
    source = "worker" if get_scope(session).is_system else "portal"
    audit.record(
        session,
        at=at,
        action=f"{source}:ticket:{happening.act}",
        subject_kind="ticket",
        subject_id=ticket.id,
        details={
            "state": ticket.state,
            "priority": ticket.priority,
            "audience": happening.audience,
            "alarm_id": happening.alarm_id,
            "reasons": to_json(happening.reasons),
        },
    )


def clean_text(text: str, *, is_needed: bool, field: str = "text") -> str | None:
    """Text as it may be kept: without NUL and edges; None when there is none.

    Raises:
        EntryRefused: when it is needed and missing, or too long.
    """
    kept = text.replace("\x00", "").strip()
    if is_needed and not kept:
        raise EntryRefused([Reason(f"{field}_missing")], field=field)
    if len(kept) > MAX_TEXT:
        raise EntryRefused([Reason(f"{field}_too_long", {"max": MAX_TEXT})], field=field)
    return kept or None
