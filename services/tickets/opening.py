"""How a ticket begins and what joins it: an alarm by triage, a report by a person, a repeat."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from devices.access import Act, require
from devices.assets import Asset, get_asset
from devices.ownership import PartyKind, find_party
from foundation.database import get_scope
from foundation.errors import Conflict
from foundation.reasons import Reason, to_json
from services.tickets.evidence import CauseHint
from services.tickets.loading import find_open_ticket, get_ticket_to_change
from services.tickets.models import Ticket, TicketAlarm
from services.tickets.moves import make_move
from services.tickets.rules import EntryKind, Move, Origin, TicketState, decide_due
from services.tickets.story import Happening, clean_text, tell
from telemetry.alarms.models import Alarm, Occurrence


class AlreadyOpen(Conflict):
    """The asset got its open ticket from somebody else just now; join that one."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a ticket is opened or joined, and what is known of the cause."""

    priority: int
    title: Reason
    reasons: tuple[Reason, ...] = ()
    likely_cause: CauseHint | None = None


def open_ticket(
    session: Session,
    *,
    asset: Asset,
    ground: Ground,
    at: datetime,
    alarm: Alarm | None = None,
    text: str = "",
) -> Ticket:
    """A new ticket, from an alarm or, without one, from a person's report.

    Raises:
        AlreadyOpen: when the asset has an open ticket, even one made at this very moment.
    """
    kept = clean_text(text, is_needed=False)
    ticket = _draft(session, asset, ground, Origin.MACHINE if alarm else Origin.CUSTOMER, at)
    try:
        with session.begin_nested():
            session.add(ticket)
            session.flush()
    except IntegrityError as error:
        if find_open_ticket(session, asset.id) is None:
            raise
        raise AlreadyOpen("This machine has an open ticket already.") from error
    if alarm is not None:
        _attach(session, ticket, alarm, at)
    alarm_id = alarm.id if alarm else None
    told = Happening(EntryKind.OPENED, kept, ground.reasons, alarm_id=alarm_id)
    tell(session, ticket, told, at=at)
    return ticket


def _draft(session: Session, asset: Asset, ground: Ground, origin: Origin, at: datetime) -> Ticket:
    dealer = find_party(session, asset.id, PartyKind.SERVICING)
    owner = find_party(session, asset.id, PartyKind.OWNER)
    due = decide_due(ground.priority, at)
    return Ticket(
        asset_id=asset.id,
        dealer_id=dealer.organisation_id if dealer else None,
        customer_id=owner.organisation_id if owner else None,
        origin=origin,
        state=TicketState.NEW,
        priority=ground.priority,
        title=ground.title.to_json(),
        likely_cause=ground.likely_cause.to_json() if ground.likely_cause else None,
        reasons=to_json(ground.reasons),
        opened_at=at,
        changed_at=at,
        response_due_at=due.response_due_at,
        due_at=due.due_at,
    )


def join_alarm(
    session: Session, *, ticket: Ticket, alarm: Alarm, ground: Ground, at: datetime
) -> None:
    """Adds an alarm to an open ticket; a worse one raises its priority, a solved one reopens."""
    raised = _raise_priority(ticket, ground.priority, at)
    if ticket.likely_cause is None and ground.likely_cause is not None:
        ticket.likely_cause = ground.likely_cause.to_json()
    _attach(session, ticket, alarm, at)
    reasons = (*ground.reasons, *raised)
    told = Happening(EntryKind.ALARM, reasons=reasons, alarm_id=alarm.id)
    tell(session, ticket, told, at=at)
    _reopen_if_solved(session, ticket, at)


def _attach(session: Session, ticket: Ticket, alarm: Alarm, at: datetime) -> None:
    session.add(
        TicketAlarm(ticket_id=ticket.id, alarm_id=alarm.id, asset_id=ticket.asset_id, joined_at=at)
    )
    ticket.occurrence_count += len(alarm.occurrences)
    session.flush()


def _raise_priority(ticket: Ticket, priority: int, at: datetime) -> tuple[Reason, ...]:
    if priority >= ticket.priority:
        return ()
    reason = Reason("priority_raised", {"before": ticket.priority, "after": priority})
    due = decide_due(priority, at)
    ticket.priority = priority
    ticket.response_due_at = min(ticket.response_due_at, due.response_due_at)
    ticket.due_at = min(ticket.due_at, due.due_at)
    return (reason,)


def _reopen_if_solved(session: Session, ticket: Ticket, at: datetime) -> None:
    if ticket.state == TicketState.SOLVED:
        make_move(session, ticket, Move.REOPEN, at=at)


@dataclass(frozen=True, slots=True)
class Reported:
    """Where a report went: the ticket, and whether it was opened for it."""

    ticket_id: int
    is_new: bool


def report_problem(
    session: Session, *, asset_id: int, at: datetime, text: str = "", is_stopped: bool = False
) -> Reported:
    """A person says that something is wrong: joins the asset's open ticket or opens one.

    Raises:
        Forbidden: when the role may not report.
        NotFound: when the scope does not see the machine.
        EntryRefused: when the text is too long.
    """
    require(get_scope(session), Act.REPORT_PROBLEM)
    asset = get_asset(session, asset_id)
    ground = _ground_of_report(session, asset, is_stopped=is_stopped)
    ticket = find_open_ticket(session, asset_id)
    if ticket is None:
        try:
            made = open_ticket(session, asset=asset, ground=ground, text=text, at=at)
        except AlreadyOpen:
            ticket = find_open_ticket(session, asset_id)
        else:
            return Reported(made.id, is_new=True)
    if ticket is None:
        raise Conflict("The machine's ticket was closed at this moment. Report it again.")
    _join_report(session, ticket, ground, text=text, at=at)
    return Reported(ticket.id, is_new=False)


def _ground_of_report(session: Session, asset: Asset, *, is_stopped: bool) -> Ground:
    reasons = [Reason("reported_by_person")]
    if is_stopped:
        reasons.append(Reason("machine_stopped"))
    if asset.is_critical:
        reasons.append(Reason("critical_asset"))
    if find_party(session, asset.id, PartyKind.SERVICING) is None:
        reasons.append(Reason("no_dealer"))
    priority = 3 - is_stopped - asset.is_critical
    return Ground(priority, Reason("title_reported"), tuple(reasons))


def _join_report(
    session: Session, ticket: Ticket, ground: Ground, *, text: str, at: datetime
) -> None:
    kept = clean_text(text, is_needed=False)
    reasons = (*ground.reasons, *_raise_priority(ticket, ground.priority, at))
    tell(session, ticket, Happening(EntryKind.REPORT, kept, reasons), at=at)
    _reopen_if_solved(session, ticket, at)


def has_repeats(session: Session) -> bool:
    """Whether an alarm of an open ticket came again and nobody counted it yet."""
    return session.execute(_select_repeats().limit(1)).first() is not None


def note_repeats(session: Session, *, at: datetime) -> int:
    """Counts new occurrences of alarms on open tickets; returns how many tickets had any.

    A repeat never opens a ticket. On a solved one it means that the fault is back.
    """
    repeated = session.execute(_select_repeats()).all()
    for ticket_id, count in repeated:
        _note_repeat(session, get_ticket_to_change(session, ticket_id), count, at)
    return len(repeated)


def _select_repeats() -> Select[int, int]:
    return (
        select(Ticket.id, func.count(Occurrence.id))
        .join(TicketAlarm, TicketAlarm.ticket_id == Ticket.id)
        .join(Occurrence, Occurrence.alarm_id == TicketAlarm.alarm_id)
        .where(Ticket.closed_at.is_(None))
        .group_by(Ticket.id)
        .having(func.count(Occurrence.id) > Ticket.occurrence_count)
        .order_by(Ticket.id)  # tickets are locked in one order, so that two workers never entangle
    )


def _note_repeat(session: Session, ticket: Ticket, count: int, at: datetime) -> None:
    if ticket.closed_at is not None:
        return
    ticket.occurrence_count = count
    if ticket.state == TicketState.SOLVED:
        reason = Reason("condition_returned", {"count": count})
        tell(session, ticket, Happening(EntryKind.RETURNED, reasons=(reason,)), at=at)
    _reopen_if_solved(session, ticket, at)
