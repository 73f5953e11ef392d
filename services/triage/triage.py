"""Triage: each alarm that nobody decided on opens a ticket, joins the open one, or is let go.

The alarms themselves are the queue. Rules decide in rules.py; tickets are made in
services/tickets.
"""

from datetime import datetime

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import LikelyCause
from devices.ownership import PartyKind, find_party
from foundation import audit
from foundation.clock import to_ms
from foundation.errors import MillwrightError
from foundation.identity.models import Organisation
from foundation.reasons import to_json
from services.tickets.evidence import CauseHint, Evidence
from services.tickets.loading import find_open_ticket
from services.tickets.models import Ticket
from services.tickets.opening import (
    AlreadyOpen,
    Ground,
    has_repeats,
    join_alarm,
    note_repeats,
    open_ticket,
)
from services.triage.rules import (
    AlarmFacts,
    AssetFacts,
    Decision,
    DecisionKind,
    OpenTicket,
    decide_triage,
)
from telemetry.alarms.lifecycle import has_unhandled, list_unhandled
from telemetry.alarms.models import Alarm

# Those that cannot be decided on are the oldest; others must be reached behind them.
_LOOKED_AT = 10
_log = structlog.get_logger()


def is_due(session: Session) -> bool:
    """Whether a run would find something to do; only reads, so that idling takes no write lock."""
    return has_unhandled(session) or has_repeats(session)


def run_triage(session: Session, *, at: datetime, limit: int = 50) -> int:
    """Decides on waiting alarms, oldest first, and counts repeats; returns how many it did.

    At most `limit` alarms, so that others may write in between; the caller comes again. One that
    cannot be decided on stays in the queue, is logged, and stops none of the others.
    """
    handled = 0
    for alarm in list_unhandled(session, _LOOKED_AT * limit):
        if handled == limit:
            break
        # After a failure the savepoint has expired the object; its id is needed for the log.
        alarm_id = alarm.id
        try:
            with session.begin_nested():
                handled += _triage(session, alarm_id, at)
        except (IntegrityError, DataError, MillwrightError) as error:
            _log.warning("triage_failed", alarm=alarm_id, error=str(error))
    return handled + note_repeats(session, at=at)


def count_waiting(session: Session, *, raised_before: datetime) -> int:
    """Alarms that still wait for a decision although they were raised before that time."""
    query = (
        select(func.count())
        .select_from(Alarm)
        .where(Alarm.handled_at.is_(None), Alarm.raised_at < raised_before)
    )
    return session.scalar(query) or 0


def _triage(session: Session, alarm_id: int, at: datetime) -> bool:
    alarm = _take(session, alarm_id)
    if alarm is None:
        return False
    asset = session.get_one(Asset, alarm.asset_id)
    ticket = find_open_ticket(session, asset.id)
    decision = _decide(session, alarm, asset, ticket)
    if decision.kind == DecisionKind.OPEN:
        _open(session, alarm, asset, decision, at)
    elif decision.kind == DecisionKind.JOIN and ticket is not None:
        join_alarm(session, ticket=ticket, alarm=alarm, ground=_ground(decision), at=at)
    else:
        _let_go(session, alarm, decision, at)
    alarm.handled_at = at
    session.flush()
    return True


def _take(session: Session, alarm_id: int) -> Alarm | None:
    """The alarm, locked; None when another worker has it or decided on it."""
    query = (
        select(Alarm)
        .where(Alarm.id == alarm_id, Alarm.handled_at.is_(None))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return session.scalar(query)


def _decide(session: Session, alarm: Alarm, asset: Asset, ticket: Ticket | None) -> Decision:
    facts = AlarmFacts(
        condition=alarm.condition,
        severity=alarm.severity,
        started_ms=to_ms(alarm.started_at),
        evidence=Evidence.read(alarm.evidence),
        is_closed=alarm.closed_at is not None,
    )
    seen = AssetFacts(
        is_critical=asset.is_critical,
        dealer=_find_dealer(session, asset.id),
        active_alarms=_count_active(session, asset.id),
    )
    present = OpenTicket(ticket.number, ticket.priority) if ticket else None
    return decide_triage(facts, seen, _list_causes(session, asset), present)


def _find_dealer(session: Session, asset_id: int) -> str | None:
    dealer = find_party(session, asset_id, PartyKind.SERVICING)
    return session.get_one(Organisation, dealer.organisation_id).name if dealer else None


def _count_active(session: Session, asset_id: int) -> int:
    query = (
        select(func.count())
        .select_from(Alarm)
        .where(Alarm.asset_id == asset_id, Alarm.is_active, Alarm.closed_at.is_(None))
    )
    return session.scalar(query) or 0


def _list_causes(session: Session, asset: Asset) -> list[CauseHint]:
    query = (
        select(LikelyCause)
        .where(LikelyCause.equipment_model_id == asset.equipment_model_id)
        .order_by(LikelyCause.id)
    )
    return [
        CauseHint(
            condition=row.condition,
            metric=row.metric,
            failure_mode=row.failure_mode,
            cause=row.cause,
            label=row.label,
            action=row.action,
            parts=tuple(row.parts),
            cost=row.cost,
        )
        for row in session.scalars(query)
    ]


def _ground(decision: Decision) -> Ground:
    return Ground(decision.priority, decision.title, decision.reasons, decision.likely_cause)


def _open(session: Session, alarm: Alarm, asset: Asset, decision: Decision, at: datetime) -> None:
    try:
        open_ticket(session, asset=asset, alarm=alarm, ground=_ground(decision), at=at)
    except AlreadyOpen:
        ticket = find_open_ticket(session, asset.id)
        if ticket is None:
            raise
        decision = _decide(session, alarm, asset, ticket)
        join_alarm(session, ticket=ticket, alarm=alarm, ground=_ground(decision), at=at)


def _let_go(session: Session, alarm: Alarm, decision: Decision, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action="worker:alarm:ignore",
        subject_kind="alarm",
        subject_id=alarm.id,
        details={"reasons": to_json(decision.reasons)},
    )
