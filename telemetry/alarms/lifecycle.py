"""What happens to an alarm: raised or repeated, cleared, handled, closed at close-out."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.changes import announce
from telemetry.alarms.models import Alarm, Occurrence, Severity


def find_open_alarm(session: Session, asset_id: int, condition: str) -> Alarm | None:
    """The asset's open alarm for that condition; the database allows only one."""
    return session.scalar(
        select(Alarm).where(
            Alarm.asset_id == asset_id, Alarm.condition == condition, Alarm.closed_at.is_(None)
        )
    )


def raise_alarm(
    session: Session,
    *,
    asset_id: int,
    condition: str,
    detector: str,
    severity: Severity,
    started_at: datetime,
    raised_at: datetime,
    evidence: dict[str, Any],
) -> Alarm:
    """Opens an alarm, or adds an occurrence to the one that is open for the condition."""
    alarm = find_open_alarm(session, asset_id, condition)
    if alarm is None:
        alarm = Alarm(
            asset_id=asset_id,
            condition=condition,
            detector=detector,
            severity=severity,
            started_at=started_at,
            raised_at=raised_at,
            evidence=evidence,
        )
        session.add(alarm)
    elif alarm.is_active:
        return alarm
    alarm.is_active, alarm.cleared_at = True, None
    alarm.occurrences.append(
        Occurrence(started_at=started_at, raised_at=raised_at, evidence=evidence)
    )
    session.flush()
    announce(session, kind="alarm", subject_id=alarm.id, asset_id=asset_id, at=raised_at)
    return alarm


def clear_alarm(session: Session, *, asset_id: int, condition: str, at: datetime) -> Alarm | None:
    """The condition no longer holds: its occurrence ends; the alarm stays open until closed."""
    alarm = find_open_alarm(session, asset_id, condition)
    if alarm is None or not alarm.is_active:
        return None
    alarm.is_active, alarm.cleared_at = False, at
    for occurrence in alarm.occurrences:
        if occurrence.cleared_at is None:
            occurrence.cleared_at = at
    session.flush()
    announce(session, kind="alarm", subject_id=alarm.id, asset_id=asset_id, at=at)
    return alarm


def close_alarm(session: Session, alarm: Alarm, *, at: datetime, rearm: bool) -> None:
    """Ends the alarm.

    With `rearm` it is raised anew if the condition still holds; without, only after the condition
    was gone once, which keeps a false alarm from coming straight back.
    """
    alarm.closed_at = at
    alarm.handled_at = alarm.handled_at or at
    alarm.is_rearm_due = rearm
    alarm.is_active, alarm.cleared_at = False, alarm.cleared_at or at
    for occurrence in alarm.occurrences:
        occurrence.cleared_at = occurrence.cleared_at or at
    session.flush()
    announce(session, kind="alarm", subject_id=alarm.id, asset_id=alarm.asset_id, at=at)


def list_unhandled(session: Session, limit: int = 200) -> list[Alarm]:
    """The queue of triage: alarms that nobody decided on, oldest first."""
    query = select(Alarm).where(Alarm.handled_at.is_(None)).order_by(Alarm.raised_at, Alarm.id)
    return list(session.scalars(query.limit(limit)))


def has_unhandled(session: Session) -> bool:
    """Whether triage has anything to do."""
    query = select(Alarm.id).where(Alarm.handled_at.is_(None)).limit(1)
    return session.scalar(query) is not None
