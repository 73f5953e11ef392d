"""What machines sent and we could not use: kept with its reason, shown, tried again later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    LargeBinary,
    String,
    and_,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, may
from foundation import audit
from foundation.changes import announce
from foundation.database import Base, BigId, Scoped
from foundation.errors import NotFound
from foundation.identity.scope import Scope
from foundation.paging import PAGE_SIZE, Page, decode_cursor, encode_cursor

MAX_KEPT_BYTES = 256 * 1024
MAX_OPEN_PER_FAULT = 1000


class QuarantinedMessage(Scoped, Base):
    """A message of which something was refused; `faults` counts how many of its parts."""

    __tablename__ = "quarantined_message"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    source: Mapped[str] = mapped_column(String(100), index=True)
    topic: Mapped[str] = mapped_column(String(300))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    is_whole: Mapped[bool]
    code: Mapped[str] = mapped_column(String(40), index=True)
    detail: Mapped[str] = mapped_column(String(400))
    faults: Mapped[int]
    # Further messages with the same fault that came when enough of them were kept already.
    not_kept: Mapped[int] = mapped_column(default=0)
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)
    resolution: Mapped[str | None] = mapped_column(String(20))

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        # A message whose machine is unknown has no owner yet: any manufacturer's administrator
        # may find out what it is.
        is_theirs = or_(
            cls.organisation_id.is_(None), cls.organisation_id == scope.organisation_id
        )
        return and_(literal(may(scope, Act.SEE_QUARANTINE)), is_theirs)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        is_theirs = self.organisation_id in (None, scope.organisation_id)
        return may(scope, Act.SEE_QUARANTINE) and is_theirs


@dataclass(frozen=True, slots=True)
class Refused:
    """A message to be kept, with the first of its faults."""

    source: str
    topic: str
    payload: bytes
    received_at: datetime
    code: str
    detail: str
    faults: int
    organisation_id: int | None = None


def keep(session: Session, refused: Sequence[Refused]) -> None:
    """Adds messages to the quarantine; beyond `MAX_OPEN_PER_FAULT` of a fault they are counted."""
    for each in refused:
        newest = _find_full(session, each)
        if newest is not None:
            newest.not_kept += 1
            continue
        session.add(_row(each))
        session.flush()
    if refused:
        announce(
            session,
            kind="quarantine",
            subject_id=0,
            asset_id=None,
            at=refused[-1].received_at,
        )


def _row(each: Refused) -> QuarantinedMessage:
    return QuarantinedMessage(
        received_at=each.received_at,
        organisation_id=each.organisation_id,
        source=_text(each.source, 100),
        topic=_text(each.topic, 300),
        payload=each.payload[:MAX_KEPT_BYTES],
        is_whole=len(each.payload) <= MAX_KEPT_BYTES,
        code=each.code,
        detail=_text(each.detail, 400),
        faults=each.faults,
    )


def _text(text: str, longest: int) -> str:
    # PostgreSQL's text holds no NUL.
    return text.replace("\x00", "")[:longest]


def _find_full(session: Session, each: Refused) -> QuarantinedMessage | None:
    same = (
        QuarantinedMessage.source == _text(each.source, 100),
        QuarantinedMessage.code == each.code,
        QuarantinedMessage.resolved_at.is_(None),
    )
    kept = session.scalar(select(func.count()).select_from(QuarantinedMessage).where(*same)) or 0
    if kept < MAX_OPEN_PER_FAULT:
        return None
    newest = select(QuarantinedMessage).where(*same).order_by(QuarantinedMessage.id.desc())
    return session.scalars(newest.limit(1)).first()


@dataclass(frozen=True, slots=True)
class FaultGroup:
    """Open messages of one source with one kind of fault."""

    source: str
    code: str
    detail: str
    messages: int
    not_kept: int
    first_at: datetime
    last_at: datetime


def list_faults(session: Session) -> list[FaultGroup]:
    """What is wrong now, newest first: one row per source and kind of fault."""
    message = QuarantinedMessage
    query = (
        select(
            message.source,
            message.code,
            func.max(message.detail),
            func.count(),
            func.sum(message.not_kept),
            func.min(message.received_at),
            func.max(message.received_at),
        )
        .where(message.resolved_at.is_(None))
        .group_by(message.source, message.code)
        .order_by(func.max(message.received_at).desc())
        .limit(500)
    )
    return [FaultGroup(*row) for row in session.execute(query)]


def count_open(session: Session) -> int:
    """Messages waiting for a fix."""
    query = (
        select(func.count())
        .select_from(QuarantinedMessage)
        .where(QuarantinedMessage.resolved_at.is_(None))
    )
    return session.scalar(query) or 0


def list_messages(
    session: Session, *, source: str, code: str, cursor: str | None = None
) -> Page[QuarantinedMessage]:
    """Open messages of one fault, newest first."""
    query = select(QuarantinedMessage).where(
        QuarantinedMessage.source == source,
        QuarantinedMessage.code == code,
        QuarantinedMessage.resolved_at.is_(None),
    )
    if cursor:
        (last,) = decode_cursor(cursor, 1, int)
        query = query.where(QuarantinedMessage.id < last)
    rows = session.scalars(query.order_by(QuarantinedMessage.id.desc()).limit(PAGE_SIZE + 1)).all()
    more = len(rows) > PAGE_SIZE
    shown = rows[:PAGE_SIZE]
    return Page(shown, encode_cursor((shown[-1].id,)) if more else None)


def get_message(session: Session, message_id: int) -> QuarantinedMessage:
    """One kept message.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    query = select(QuarantinedMessage).where(QuarantinedMessage.id == message_id)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such message in quarantine.")
    return found


Again = Callable[[QuarantinedMessage], bool]
"""Runs a kept message through ingest again; True when nothing of it was refused."""


def reprocess(session: Session, *, source: str, code: str, again: Again, at: datetime) -> int:
    """Tries the whole kept messages of a fault again, oldest first; returns how many went in."""
    query = (
        select(QuarantinedMessage)
        .where(
            QuarantinedMessage.source == source,
            QuarantinedMessage.code == code,
            QuarantinedMessage.resolved_at.is_(None),
            QuarantinedMessage.is_whole,
        )
        .order_by(QuarantinedMessage.id)
    )
    done = 0
    for message in session.scalars(query).all():
        if again(message):
            message.resolved_at, message.resolution = at, "reprocessed"
            done += 1
    _audit(session, "reprocess", source, {"code": code, "stored": done}, at)
    return done


def dismiss(session: Session, *, source: str, code: str, at: datetime) -> int:
    """Closes the open messages of a fault without using them; they stay kept."""
    query = (
        select(QuarantinedMessage.id)
        .where(QuarantinedMessage.source == source, QuarantinedMessage.code == code)
        .where(QuarantinedMessage.resolved_at.is_(None))
    )
    ids = session.scalars(query).all()
    session.execute(
        update(QuarantinedMessage)
        .where(QuarantinedMessage.id.in_(ids))
        .values(resolved_at=at, resolution="dismissed")
    )
    _audit(session, "dismiss", source, {"code": code, "messages": len(ids)}, at)
    return len(ids)


def _audit(
    session: Session, act: str, source: str, details: dict[str, object], at: datetime
) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:quarantine:{act}",
        subject_kind="source",
        subject_id=source,
        details=details,
    )
    announce(session, kind="quarantine", subject_id=0, asset_id=None, at=at)
