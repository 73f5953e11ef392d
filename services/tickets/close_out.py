"""The close-out: codes, verdicts on the alarms, and the end of ticket and alarms in one act."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from foundation.database import get_scope
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.loading import get_ticket_to_change, list_alarms
from services.tickets.models import Ticket
from services.tickets.moves import check_move, end_visit
from services.tickets.refusals import EntryRefused
from services.tickets.rules import CloseOut, EntryKind, Move, TicketState, check_close_out
from services.tickets.story import Happening, clean_text, tell
from telemetry.alarms.lifecycle import close_alarm
from telemetry.alarms.models import Alarm
from telemetry.verdicts import VerdictKind, give_verdict


def close_out(
    session: Session,
    *,
    ticket_id: int,
    failure_mode: str | None,
    failure_cause: str | None,
    verdicts: Mapping[int, str],
    at: datetime,
    note: str = "",
) -> Ticket:
    """Closes the ticket and its alarms; `verdicts` are right, false or unclear by alarm id.

    An alarm that was right is raised anew when its condition still holds; another one only after
    the condition was gone once.

    Raises:
        NotFound: when the scope does not see the ticket.
        MoveRefused: when the ticket cannot be closed now, or not by this role.
        EntryRefused: with a reason for each part that is missing or contradicts another.
    """
    ticket = get_ticket_to_change(session, ticket_id)
    check_move(session, ticket, Move.CLOSE, at=at)
    alarms = list_alarms(session, ticket)
    said = CloseOut(failure_mode, failure_cause, dict(verdicts), note)
    _check(said, alarms)
    _judge(session, alarms, said.verdicts, at)
    _close(session, ticket, said, at)
    return ticket


def _check(said: CloseOut, alarms: list[Alarm]) -> None:
    open_ids = frozenset(alarm.id for alarm in alarms if alarm.closed_at is None)
    closed_ids = frozenset(alarm.id for alarm in alarms) - open_ids
    faults = check_close_out(said, open_alarms=open_ids, closed_alarms=closed_ids)
    if faults:
        raise EntryRefused(faults)


def _judge(
    session: Session, alarms: list[Alarm], verdicts: Mapping[int, str], at: datetime
) -> None:
    person_id = get_scope(session).person_id
    for alarm in alarms:
        if alarm.id not in verdicts:
            continue
        kind = VerdictKind(verdicts[alarm.id])
        give_verdict(session, alarm=alarm, kind=kind, person_id=person_id, at=at)
        if alarm.closed_at is None:
            close_alarm(session, alarm, at=at, rearm=kind == VerdictKind.RIGHT)


def _close(session: Session, ticket: Ticket, said: CloseOut, at: datetime) -> None:
    before = ticket.state
    ticket.state = TicketState.CLOSED
    ticket.solved_at = ticket.solved_at or at
    ticket.closed_at = at
    end_visit(ticket, Move.CLOSE)
    ticket.failure_mode = FailureMode(said.failure_mode or "")
    ticket.failure_cause = FailureCause(said.failure_cause or "")
    ticket.close_note = clean_text(said.note, is_needed=False, field="note")
    told = Happening(EntryKind.MOVED, ticket.close_note, move=Move.CLOSE, from_state=before)
    tell(session, ticket, told, at=at)
