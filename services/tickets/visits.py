"""The planned visit of a ticket: set, moved and taken back by the dealer's people."""

from datetime import datetime

from sqlalchemy.orm import Session

from devices.access import Act, require
from foundation.clock import to_ms
from foundation.database import get_scope
from foundation.reasons import Reason
from services.tickets.loading import get_ticket_to_change
from services.tickets.models import Ticket
from services.tickets.refusals import EntryRefused, MoveRefused
from services.tickets.rules import EntryKind, Visit, refuse_visit
from services.tickets.story import Happening, tell


def plan_visit(session: Session, *, ticket_id: int, visit: Visit | None, at: datetime) -> Ticket:
    """Plans the ticket's visit, moves it, or with None takes it back; the parties are told.

    Raises:
        NotFound: when the scope does not see the ticket.
        Forbidden: when the role does not work on tickets.
        MoveRefused: when the ticket is in no state for a visit.
        EntryRefused: when the times do not fit, or there is nothing to take back.
    """
    require(get_scope(session), Act.WORK_TICKETS)
    ticket = get_ticket_to_change(session, ticket_id)
    before = ticket.visit
    reason = refuse_visit(ticket.state, before, visit, at)
    if reason is not None:
        raise MoveRefused(reason) if reason.code == "wrong_state" else EntryRefused([reason])
    if visit == before:
        return ticket
    ticket.visit_from = visit.from_at if visit else None
    ticket.visit_to = visit.to_at if visit else None
    told = Happening(EntryKind.VISIT, reasons=(_reason(before, visit),))
    tell(session, ticket, told, at=at)
    return ticket


def _reason(before: Visit | None, after: Visit | None) -> Reason:
    if after is None:
        return Reason("visit_withdrawn")
    window = {"from_ms": to_ms(after.from_at), "to_ms": to_ms(after.to_at)}
    return Reason("visit_planned", window) if before is None else Reason("visit_moved", window)
