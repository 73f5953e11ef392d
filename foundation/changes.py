"""The feed of what changed, read by live pages: a row per change, written with the change itself.

A feed row says only that something changed on an asset; the page asks for the thing itself.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.database import Base, BigId

_TURN = 0x6D77_6368  # any number that no other lock of ours has


class ChangeRow(Base):
    """A ticket, alarm or quarantined message was made or changed."""

    __tablename__ = "change_row"
    # Readers remember a number; SQLite would give it out again once all rows were forgotten.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - as SQLAlchemy wants it

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int] = mapped_column(BigId)
    asset_id: Mapped[int | None] = mapped_column(BigId)


@dataclass(frozen=True, slots=True)
class Change:
    """What changed; `asset_id` is None for things of the manufacturer alone."""

    number: int
    kind: str
    subject_id: int
    asset_id: int | None


def announce(
    session: Session, *, kind: str, subject_id: int, asset_id: int | None, at: datetime
) -> None:
    """Adds a change to the session's transaction."""
    _take_turn(session)
    session.add(ChangeRow(at=at, kind=kind, subject_id=subject_id, asset_id=asset_id))


def _take_turn(session: Session) -> None:
    # Numbers are given out before the commit: without turns a later one could be seen first, and
    # the reader who goes on from there would miss the earlier. SQLite has one writer anyway.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_TURN)))


def last_number(session: Session) -> int:
    """The newest change's number; 0 when nothing ever changed."""
    return session.scalar(select(func.max(ChangeRow.id))) or 0


def list_changes(session: Session, *, after: int, limit: int = 500) -> list[Change]:
    """Changes with a number above `after`, oldest first."""
    query = select(ChangeRow).where(ChangeRow.id > after).order_by(ChangeRow.id).limit(limit)
    return [Change(r.id, r.kind, r.subject_id, r.asset_id) for r in session.scalars(query)]


def forget_changes(session: Session, before: datetime) -> None:
    """Deletes changes older than any page still open."""
    session.execute(delete(ChangeRow).where(ChangeRow.at < before))
