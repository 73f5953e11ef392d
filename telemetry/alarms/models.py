"""Alarms and their occurrences: what the detectors found on an asset, and since when."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, String, exists, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.access import Act, Reach, is_asset_visible, may, story_condition
from devices.assets import Asset
from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Scope


class Severity(StrEnum):
    """How bad a condition is; each has its place in the priority of a ticket."""

    WARNING = "warning"
    SERIOUS = "serious"
    CRITICAL = "critical"


class Alarm(Scoped, Base):
    """A condition on an asset; open until it is over and dealt with.

    `is_active` tells whether the condition holds now. `handled_at` is None until triage decided:
    such rows are its queue.
    """

    __tablename__ = "alarm"
    __table_args__ = (
        # Whatever runs at once, an asset has one open alarm for a condition.
        Index(
            "uq_alarm_open",
            "asset_id",
            "condition",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_alarm_queue", "handled_at", "raised_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    condition: Mapped[str] = mapped_column(String(120))
    detector: Mapped[str] = mapped_column(String(40))
    severity: Mapped[Severity]
    is_active: Mapped[bool] = mapped_column(default=True)
    started_at: Mapped[datetime]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]
    # Set at close-out: the detector forgets the condition, so that it may be raised anew.
    is_rearm_due: Mapped[bool] = mapped_column(default=False)
    evidence: Mapped[dict[str, Any]]

    asset: Mapped[Asset] = relationship()
    occurrences: Mapped[list["Occurrence"]] = relationship(
        back_populates="alarm", order_by="Occurrence.raised_at"
    )

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return story_condition(cls.asset_id, cls.started_at, cls.closed_at, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        return may(scope, Act.WORK_TICKETS) and is_asset_visible(
            session, self.asset_id, Reach.EVERYTHING
        )


class Occurrence(Scoped, Base):
    """One time that the condition held; read through its alarm."""

    __tablename__ = "occurrence"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"), index=True)
    started_at: Mapped[datetime]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    evidence: Mapped[dict[str, Any]]

    alarm: Mapped[Alarm] = relationship(back_populates="occurrences")

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        alarm = Alarm.__table__.alias("its_alarm")
        seen = story_condition(alarm.c.asset_id, cls.started_at, cls.cleared_at, scope)
        return exists().where(alarm.c.id == cls.alarm_id, seen)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        return self.alarm.is_writable_by(scope, session)
