"""Whether what happened on a platform adds up: tickets, alarms, orders, audit and jobs.

Tests and benchmarks hold a history against it; nothing is mended here.
"""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.audit_seals import verify
from foundation.jobs import Job
from services.orders.ordering import list_discrepancies
from services.tickets.models import Ticket, TicketAlarm, TicketEntry
from services.tickets.rules import MOVES, EntryKind, Move, TicketState
from telemetry.alarms.models import Alarm
from telemetry.quarantine import count_open
from telemetry.verdicts import Verdict


def list_faults_in_books(session: Session) -> list[str]:
    """Everything that does not add up, in words; empty when all does."""
    tickets = list(session.scalars(select(Ticket).order_by(Ticket.id)))
    return [
        *_check_paths(session, tickets),
        *_check_single_open(tickets),
        *(fault for ticket in tickets for fault in _check_end(ticket)),
        *_check_verdicts(session),
        *list_discrepancies(session),
        *verify(session).faults,
        *_check_leftovers(session),
    ]


def _check_paths(session: Session, tickets: list[Ticket]) -> Iterator[str]:
    """Each ticket came to its state by moves that its story tells and the rules allow."""
    query = select(TicketEntry).where(TicketEntry.kind == EntryKind.MOVED)
    stands: dict[int, TicketState] = {ticket.id: TicketState.NEW for ticket in tickets}
    for entry in session.scalars(query.order_by(TicketEntry.id)):
        rule = MOVES[Move(entry.move or "")]
        before, stands[entry.ticket_id] = stands[entry.ticket_id], rule.to_state
        is_told = (entry.from_state, entry.to_state) == (before, rule.to_state)
        if not is_told or before not in rule.from_states:
            yield f"Ticket {entry.ticket_id} made the move {entry.move} from {before}."
    for ticket in tickets:
        if stands[ticket.id] != ticket.state:
            yield f"Ticket {ticket.id} is {ticket.state}; its story ends {stands[ticket.id]}."


def _check_single_open(tickets: list[Ticket]) -> Iterator[str]:
    open_on = Counter(ticket.asset_id for ticket in tickets if ticket.closed_at is None)
    for asset_id, count in open_on.items():
        if count > 1:
            yield f"Asset {asset_id} has {count} open tickets."


def _check_end(ticket: Ticket) -> Iterator[str]:
    is_closed = ticket.state == TicketState.CLOSED
    is_over = is_closed or ticket.state == TicketState.CANCELLED
    if is_over != (ticket.closed_at is not None):
        yield f"Ticket {ticket.id} is {ticket.state}, its end {ticket.closed_at}."
    if is_closed != (ticket.failure_mode is not None and ticket.failure_cause is not None):
        yield f"Ticket {ticket.id} is {ticket.state} with codes {ticket.failure_mode}."
    if ticket.closed_at is not None and ticket.closed_at < ticket.opened_at:
        yield f"Ticket {ticket.id} ended before it was opened."


def _check_verdicts(session: Session) -> Iterator[str]:
    """Each alarm of a closed ticket ended with a verdict."""
    query = (
        select(Alarm)
        .join(TicketAlarm, TicketAlarm.alarm_id == Alarm.id)
        .join(Ticket, Ticket.id == TicketAlarm.ticket_id)
        .outerjoin(Verdict, Verdict.alarm_id == Alarm.id)
        .where(Ticket.state == TicketState.CLOSED)
        .where(Alarm.closed_at.is_(None) | Verdict.id.is_(None))
    )
    for alarm in session.scalars(query):
        yield f"Alarm {alarm.id} belongs to a closed ticket and has no end or no verdict."


def _check_leftovers(session: Session) -> Iterator[str]:
    failed = session.scalars(select(Job).where(Job.failed_at.is_not(None)))
    for job in failed:
        yield f"Job {job.id} ({job.kind}) was given up: {job.last_error}"
    if count := count_open(session):
        yield f"{count} messages are in quarantine."
