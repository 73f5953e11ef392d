"""Reads of alarms for pages: what was found on a machine, and the spans that charts mark."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from foundation.paging import PAGE_SIZE, Page, decode_cursor, encode_cursor
from telemetry.alarms.models import Alarm, Occurrence, Severity


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm with how often its condition held."""

    id: int
    asset_id: int
    condition: str
    detector: str
    severity: Severity
    is_active: bool
    started_at: datetime
    raised_at: datetime
    cleared_at: datetime | None
    closed_at: datetime | None
    occurrences: int
    evidence: dict[str, Any]

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class AlarmSpan:
    """One time that a condition held; without `until` it holds now."""

    alarm_id: int
    condition: str
    detector: str
    severity: Severity
    since: datetime
    until: datetime | None
    evidence: dict[str, Any]


def list_alarms(session: Session, asset_id: int, *, cursor: str | None = None) -> Page[AlarmRow]:
    """The alarms of a machine, newest first.

    Raises:
        Invalid: when the cursor is damaged.
    """
    query = select(Alarm).where(Alarm.asset_id == asset_id).order_by(Alarm.id.desc())
    if cursor:
        (last,) = decode_cursor(cursor, 1, int)
        query = query.where(Alarm.id < last)
    query = query.options(selectinload(Alarm.occurrences)).limit(PAGE_SIZE + 1)
    found = [_row(alarm) for alarm in session.scalars(query)]
    more = len(found) > PAGE_SIZE
    shown = found[:PAGE_SIZE]
    return Page(shown, encode_cursor((shown[-1].id,)) if more else None)


def list_raised_before(
    session: Session, asset_id: int, *, before: datetime, limit: int
) -> list[AlarmRow]:
    """The alarms of a machine that were raised before an instant, newest first."""
    query = (
        select(Alarm)
        .where(Alarm.asset_id == asset_id, Alarm.raised_at < before)
        .order_by(Alarm.raised_at.desc(), Alarm.id.desc())
        .options(selectinload(Alarm.occurrences))
        .limit(limit)
    )
    return [_row(alarm) for alarm in session.scalars(query)]


def list_open_alarms(session: Session, asset_id: int) -> list[AlarmRow]:
    """The open alarms of a machine, those that hold now before those that are over."""
    query = (
        select(Alarm)
        .where(Alarm.asset_id == asset_id, Alarm.closed_at.is_(None))
        .order_by(Alarm.is_active.desc(), Alarm.raised_at.desc())
        .options(selectinload(Alarm.occurrences))
    )
    return [_row(alarm) for alarm in session.scalars(query)]


def list_alarms_by_id(session: Session, ids: Collection[int]) -> list[AlarmRow]:
    """Some alarms, in the order they were raised."""
    query = (
        select(Alarm)
        .where(Alarm.id.in_(ids))
        .order_by(Alarm.raised_at, Alarm.id)
        .options(selectinload(Alarm.occurrences))
    )
    return [_row(alarm) for alarm in session.scalars(query)]


def list_spans(
    session: Session, asset_id: int, *, start_at: datetime, end_at: datetime
) -> list[AlarmSpan]:
    """When the machine's conditions held between two times, oldest first."""
    query = (
        select(Alarm, Occurrence)
        .join(Occurrence, Occurrence.alarm_id == Alarm.id)
        .where(
            Alarm.asset_id == asset_id,
            Occurrence.started_at < end_at,
            or_(Occurrence.cleared_at.is_(None), Occurrence.cleared_at > start_at),
        )
        .order_by(Occurrence.started_at)
        .limit(500)
    )
    return [_span(alarm, each) for alarm, each in session.execute(query)]


def count_open_alarms(session: Session) -> dict[Severity, int]:
    """How many alarms hold now, by severity."""
    query = (
        select(Alarm.severity, func.count())
        .where(and_(Alarm.closed_at.is_(None), Alarm.is_active))
        .group_by(Alarm.severity)
    )
    counted = dict(session.execute(query).all())
    return {severity: counted.get(severity, 0) for severity in Severity}


def _row(alarm: Alarm) -> AlarmRow:
    return AlarmRow(
        id=alarm.id,
        asset_id=alarm.asset_id,
        condition=alarm.condition,
        detector=alarm.detector,
        severity=alarm.severity,
        is_active=alarm.is_active,
        started_at=alarm.started_at,
        raised_at=alarm.raised_at,
        cleared_at=alarm.cleared_at,
        closed_at=alarm.closed_at,
        occurrences=len(alarm.occurrences),
        evidence=alarm.evidence,
    )


def _span(alarm: Alarm, occurrence: Occurrence) -> AlarmSpan:
    return AlarmSpan(
        alarm_id=alarm.id,
        condition=alarm.condition,
        detector=alarm.detector,
        severity=alarm.severity,
        since=occurrence.started_at,
        until=occurrence.cleared_at,
        evidence=occurrence.evidence,
    )
