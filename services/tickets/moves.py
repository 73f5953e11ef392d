"""What people do with a ticket: move it, assign it, write in it; it ends in close_out.py."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from devices.access import Act, may, require
from foundation.database import get_scope
from foundation.identity.models import Membership, Person
from foundation.identity.people import list_members
from foundation.identity.scope import Role
from foundation.reasons import Reason
from services.tickets.loading import find_open_ticket, get_ticket_to_change, list_alarms
from services.tickets.models import Ticket, TicketEntry
from services.tickets.refusals import EntryRefused, MoveRefused
from services.tickets.rules import (
    ENDS_VISIT,
    MOVES,
    Audience,
    EntryKind,
    Move,
    TicketFacts,
    TicketState,
    decide_due,
    decide_move,
)
from services.tickets.story import Happening, clean_text, tell


def move_ticket(
    session: Session, *, ticket_id: int, move: Move, at: datetime, note: str = ""
) -> Ticket:
    """Takes the ticket to the state the move leads to.

    Raises:
        NotFound: when the scope does not see the ticket.
        MoveRefused: when the rules do not allow the move now, or to this role.
        EntryRefused: when the move needs a note, or a close-out.
    """
    ticket = get_ticket_to_change(session, ticket_id)
    if move == Move.CLOSE:
        raise EntryRefused([Reason("close_out_needed")])
    make_move(session, ticket, move, at=at, note=note)
    return ticket


def make_move(
    session: Session, ticket: Ticket, move: Move, *, at: datetime, note: str = ""
) -> None:
    """Makes the move on a locked ticket, if the rules allow it to the session's scope."""
    check_move(session, ticket, move, at=at)
    kept = clean_text(note, is_needed=MOVES[move].needs_note, field="note")
    before = ticket.state
    if move == Move.REOPEN:
        _reopen(session, ticket, at)
    ticket.state = MOVES[move].to_state
    _stamp(ticket, at)
    end_visit(ticket, move)
    _flush_single_open(session, ticket)
    _start_as_assignee(session, ticket, move)
    tell(session, ticket, Happening(EntryKind.MOVED, kept, move=move, from_state=before), at=at)


def check_move(session: Session, ticket: Ticket, move: Move, *, at: datetime) -> None:
    """Refuses a move that the rules do not allow now to the session's scope.

    Raises:
        MoveRefused: with the reason.
    """
    facts = TicketFacts(ticket.state, bool(list_alarms(session, ticket)), ticket.closed_at)
    decision = decide_move(facts, move, get_scope(session).role, at)
    if decision.reason is not None:
        raise MoveRefused(decision.reason)


def _stamp(ticket: Ticket, at: datetime) -> None:
    if ticket.state == TicketState.ACKNOWLEDGED:
        ticket.acknowledged_at = at
    elif ticket.state == TicketState.SOLVED:
        ticket.solved_at = at
    elif ticket.state == TicketState.CANCELLED:
        ticket.closed_at = at


def end_visit(ticket: Ticket, move: Move) -> None:
    """Forgets the planned visit when the move means that it was made, or is void."""
    if move in ENDS_VISIT:
        ticket.visit_from = ticket.visit_to = None


def _reopen(session: Session, ticket: Ticket, at: datetime) -> None:
    if ticket.closed_at is not None:
        other = find_open_ticket(session, ticket.asset_id)
        if other is not None:
            raise MoveRefused(Reason("other_ticket_open", {"number": other.number}))
        due = decide_due(ticket.priority, at)
        ticket.response_due_at, ticket.due_at = due.response_due_at, due.due_at
    ticket.solved_at = ticket.closed_at = None
    ticket.failure_mode = ticket.failure_cause = ticket.close_note = None


def _flush_single_open(session: Session, ticket: Ticket) -> None:
    """Writes the move; another ticket may have been opened since the rules looked."""
    asset_id = ticket.asset_id
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        other = find_open_ticket(session, asset_id)
        if other is None:
            raise
        reason = Reason("other_ticket_open", {"number": other.number})
        raise MoveRefused(reason) from error


def _start_as_assignee(session: Session, ticket: Ticket, move: Move) -> None:
    # Who starts work on a ticket of nobody has taken it.
    if move == Move.START and ticket.assignee_id is None:
        ticket.assignee_id = get_scope(session).person_id


def assign_ticket(
    session: Session, *, ticket_id: int, person_id: int | None, at: datetime
) -> Ticket:
    """Gives the ticket to a person of the dealer, or to nobody; a new one is acknowledged by it.

    A manager assigns anybody, a technician only takes it.

    Raises:
        NotFound: when the scope does not see the ticket.
        Forbidden: when the role does not work on tickets.
        EntryRefused: when that person cannot be assigned by this one.
    """
    scope = get_scope(session)
    require(scope, Act.WORK_TICKETS)
    ticket = get_ticket_to_change(session, ticket_id)
    if not may(scope, Act.ASSIGN_TICKETS) and person_id != scope.person_id:
        raise EntryRefused([Reason("assign_only_yourself")], field="person")
    person = _get_colleague(session, person_id) if person_id is not None else None
    if ticket.closed_at is not None:
        raise MoveRefused(Reason("wrong_state", {"move": "assign", "state": ticket.state}))
    if ticket.state == TicketState.NEW and person is not None:
        make_move(session, ticket, Move.ACKNOWLEDGE, at=at)
    ticket.assignee_id = person.id if person else None
    reason = Reason("assigned", {"person": person.name}) if person else Reason("unassigned")
    tell(session, ticket, Happening(EntryKind.ASSIGNED, reasons=(reason,)), at=at)
    return ticket


_WORKERS = (Role.DEALER_MANAGER, Role.TECHNICIAN)


def _get_colleague(session: Session, person_id: int) -> Person:
    query = (
        select(Person)
        .join(Membership)
        .where(
            Person.id == person_id,
            Person.is_active,
            Membership.organisation_id == get_scope(session).organisation_id,
            Membership.role.in_(_WORKERS),
        )
    )
    found = session.scalars(query).first()
    if found is None:
        raise EntryRefused([Reason("not_your_colleague")], field="person")
    return found


def list_assignable(session: Session) -> list[Person]:
    """The people of the scope's own organisation who work on tickets, by name."""
    scope = get_scope(session)
    if not may(scope, Act.WORK_TICKETS) or scope.organisation_id is None:
        return []
    return list_members(session, scope.organisation_id)


def comment(
    session: Session,
    *,
    ticket_id: int,
    text: str,
    at: datetime,
    audience: Audience = Audience.EVERYONE,
) -> TicketEntry:
    """Adds a message for all parties, or an internal note of the dealer.

    Raises:
        NotFound: when the scope does not see the ticket.
        Forbidden: when the role may not comment.
        EntryRefused: when the text is missing or too long, or the audience is not the role's.
    """
    scope = get_scope(session)
    require(scope, Act.COMMENT)
    if audience == Audience.DEALER and not may(scope, Act.WORK_TICKETS):
        raise EntryRefused([Reason("dealer_only")], field="audience")
    ticket = get_ticket_to_change(session, ticket_id)
    kept = clean_text(text, is_needed=True)
    return tell(session, ticket, Happening(EntryKind.COMMENT, kept, audience=audience), at=at)
