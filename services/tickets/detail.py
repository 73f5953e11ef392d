"""One ticket as a whole for its page: facts, story, alarms with verdicts, possible moves."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from devices.access import Act, may
from foundation.database import get_scope
from foundation.identity.models import Organisation, Person
from foundation.reasons import Reason, from_json
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.evidence import CauseHint, Evidence
from services.tickets.models import TicketAlarm, TicketEntry
from services.tickets.queries import TicketRow, get_ticket_and_row
from services.tickets.rules import (
    VISIT_STATES,
    Audience,
    EntryKind,
    MoveDecision,
    TicketFacts,
    TicketState,
    decide_moves,
)
from telemetry.alarms.models import Alarm, Occurrence, Severity
from telemetry.verdicts import Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A line of the story; `author` is None where the platform wrote it."""

    id: int
    kind: EntryKind
    audience: Audience
    written_at: datetime
    author: str | None
    organisation: str | None
    text: str | None
    reasons: tuple[Reason, ...]
    move: str | None
    from_state: TicketState | None
    to_state: TicketState | None
    alarm_id: int | None


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm of the ticket; its chart window is in the evidence."""

    id: int
    condition: str
    detector: str
    severity: Severity
    is_active: bool
    started_at: datetime
    raised_at: datetime
    cleared_at: datetime | None
    closed_at: datetime | None
    occurrences: int
    evidence: Evidence
    verdict: VerdictKind | None


@dataclass(frozen=True, slots=True)
class TicketDetail:
    """Everything the ticket's page shows; the moves are those of the session's role."""

    row: TicketRow
    reasons: tuple[Reason, ...]
    likely_cause: CauseHint | None
    failure_mode: FailureMode | None
    failure_cause: FailureCause | None
    close_note: str | None
    entries: tuple[EntryRow, ...]
    alarms: tuple[AlarmRow, ...]
    moves: tuple[MoveDecision, ...]
    may_assign: bool
    may_plan_visit: bool
    may_comment: bool
    may_write_internally: bool


def get_ticket_detail(session: Session, ticket_id: int, *, at: datetime) -> TicketDetail:
    """The ticket, with the moves that the session's scope may make at `at`.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    ticket, row = get_ticket_and_row(session, ticket_id)
    scope = get_scope(session)
    alarms = _list_alarms(session, ticket_id)
    facts = TicketFacts(ticket.state, bool(alarms), ticket.closed_at)
    return TicketDetail(
        row=row,
        reasons=from_json(ticket.reasons),
        likely_cause=CauseHint.read(ticket.likely_cause),
        failure_mode=ticket.failure_mode,
        failure_cause=ticket.failure_cause,
        close_note=ticket.close_note,
        entries=list_entries(session, ticket_id),
        alarms=alarms,
        moves=decide_moves(facts, scope.role, at),
        may_assign=may(scope, Act.WORK_TICKETS) and ticket.closed_at is None,
        may_plan_visit=may(scope, Act.WORK_TICKETS) and ticket.state in VISIT_STATES,
        may_comment=may(scope, Act.COMMENT),
        may_write_internally=may(scope, Act.WORK_TICKETS),
    )


def list_entries(session: Session, ticket_id: int) -> tuple[EntryRow, ...]:
    """A ticket's story, oldest first, as far as the scope reads it."""
    author, home = aliased(Person), aliased(Organisation)
    query = (
        select(TicketEntry, author.name, home.name)
        .outerjoin(author, author.id == TicketEntry.person_id)
        .outerjoin(home, home.id == TicketEntry.organisation_id)
        .where(TicketEntry.ticket_id == ticket_id)
        .order_by(TicketEntry.id)
    )
    return tuple(
        EntryRow(
            id=entry.id,
            kind=entry.kind,
            audience=entry.audience,
            written_at=entry.written_at,
            author=name,
            organisation=organisation,
            text=entry.text,
            reasons=from_json(entry.reasons),
            move=entry.move,
            from_state=entry.from_state,
            to_state=entry.to_state,
            alarm_id=entry.alarm_id,
        )
        for entry, name, organisation in session.execute(query)
    )


def _list_alarms(session: Session, ticket_id: int) -> tuple[AlarmRow, ...]:
    count = (
        select(func.count(Occurrence.id))
        .where(Occurrence.alarm_id == Alarm.id)
        .correlate(Alarm)
        .scalar_subquery()
    )
    query = (
        select(Alarm, Verdict.kind, count)
        .join(TicketAlarm, TicketAlarm.alarm_id == Alarm.id)
        .outerjoin(Verdict, Verdict.alarm_id == Alarm.id)
        .where(TicketAlarm.ticket_id == ticket_id)
        .order_by(Alarm.started_at, Alarm.id)
    )
    found = session.execute(query)
    return tuple(_alarm_row(alarm, verdict, occurrences) for alarm, verdict, occurrences in found)


def _alarm_row(alarm: Alarm, verdict: VerdictKind | None, occurrences: int) -> AlarmRow:
    return AlarmRow(
        id=alarm.id,
        condition=alarm.condition,
        detector=alarm.detector,
        severity=alarm.severity,
        is_active=alarm.is_active,
        started_at=alarm.started_at,
        raised_at=alarm.raised_at,
        cleared_at=alarm.cleared_at,
        closed_at=alarm.closed_at,
        occurrences=occurrences,
        evidence=Evidence.read(alarm.evidence),
        verdict=verdict,
    )
