"""Verdicts on alarms, given at close-out: they become the labels that detectors are judged by."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, Reach, is_asset_visible, may, story_condition
from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Scope
from telemetry.alarms.models import Alarm


class VerdictKind(StrEnum):
    """Was the alarm right?"""

    RIGHT = "right"
    FALSE = "false"
    UNCLEAR = "unclear"


class Verdict(Scoped, Base):
    """What a person found an alarm to have been."""

    __tablename__ = "verdict"
    __table_args__ = (Index("ix_verdict_asset", "asset_id", "given_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"), unique=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    kind: Mapped[VerdictKind]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return story_condition(cls.asset_id, cls.given_at, cls.given_at, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        return may(scope, Act.WORK_TICKETS) and is_asset_visible(
            session, self.asset_id, Reach.EVERYTHING
        )


def give_verdict(
    session: Session, *, alarm: Alarm, kind: VerdictKind, person_id: int | None, at: datetime
) -> None:
    """Writes the verdict down, in place of an earlier one."""
    verdict = session.scalar(select(Verdict).where(Verdict.alarm_id == alarm.id))
    if verdict is None:
        verdict = Verdict(alarm_id=alarm.id, asset_id=alarm.asset_id)
        session.add(verdict)
    verdict.kind, verdict.person_id, verdict.given_at = kind, person_id, at
    session.flush()


def count_verdicts(session: Session, detector: str) -> dict[VerdictKind, int]:
    """How many alarms of a detector were right, false or unclear."""
    query = (
        select(Verdict.kind, func.count())
        .join(Alarm, Alarm.id == Verdict.alarm_id)
        .where(Alarm.detector == detector)
        .group_by(Verdict.kind)
    )
    counted = dict(session.execute(query).all())
    return {kind: counted.get(kind, 0) for kind in VerdictKind}
