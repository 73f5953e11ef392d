"""The audit sealed into a chain: whoever changes, removes or slips in a row later is found out.

A job seals rows after they are committed, so no writer waits for another. Each seal's digest
covers its row and the seal before it. Rows not sealed yet can still be changed unseen, and so can
the end of the chain be cut off, unless its head was written down elsewhere: the job logs it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.audit import AuditRow
from foundation.database import Base, BigId

FIRST = "0" * 64
AT_ONCE = 1_000
_SHOWN = 20


class AuditSeal(Base):
    """The seal of one row; `previous` is unique, so the chain cannot fork."""

    __tablename__ = "audit_seal"
    __table_args__ = ({"sqlite_autoincrement": True},)

    number: Mapped[int] = mapped_column(BigId, primary_key=True)
    # No foreign key: a seal outlives its row, to tell that it is gone.
    row_id: Mapped[int] = mapped_column(BigId, unique=True)
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    digest: Mapped[str] = mapped_column(String(64))


_SEALED = (
    select(AuditSeal, AuditRow)
    .outerjoin(AuditRow, AuditRow.id == AuditSeal.row_id)
    .order_by(AuditSeal.number)
    .execution_options(yield_per=AT_ONCE)
)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found; `head` is the digest of the last seal."""

    sealed: int
    unsealed: int
    head: str
    faults: tuple[str, ...]


def find_head(session: Session) -> str:
    """The digest that the next seal follows."""
    newest = select(AuditSeal.digest).order_by(AuditSeal.number.desc()).limit(1)
    return session.scalar(newest) or FIRST


def seal_rows(session: Session, *, limit: int = AT_ONCE) -> tuple[int, str]:
    """Seals rows that have no seal, oldest first; returns how many, and the chain's head.

    Two at once end in an IntegrityError for one of them, which has then nothing left to do.
    """
    is_sealed = select(AuditSeal.row_id).where(AuditSeal.row_id == AuditRow.id).exists()
    rows = session.scalars(
        select(AuditRow).where(~is_sealed).order_by(AuditRow.id).limit(limit)
    ).all()
    head = find_head(session)
    for row in rows:
        digest = digest_row(row, head)
        session.add(AuditSeal(row_id=row.id, previous=head, digest=digest))
        # One after the other, so that their numbers rise along the chain.
        session.flush()
        head = digest
    return len(rows), head


def digest_row(row: AuditRow, previous: str) -> str:
    """SHA-256 over the previous digest and every field of the row, as canonical JSON."""
    content = {
        "id": row.id,
        "at": row.at.isoformat(),
        "actor": row.actor,
        "organisation_id": row.organisation_id,
        "action": row.action,
        "subject_kind": row.subject_kind,
        "subject_id": row.subject_id,
        "details": row.details,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def verify(session: Session, *, head: str | None = None) -> Verification:
    """Walks the whole chain; with `head`, a digest noted earlier must be part of it.

    At most twenty faults are told; more of them say nothing more.
    """
    counted, last, is_met = 0, FIRST, head is None
    faults: list[str] = []
    for seal, row in session.execute(_SEALED):
        counted += 1
        faults += _find_faults(seal, row, last)
        last = seal.digest
        is_met = is_met or last == head
    if not is_met:
        faults.append(f"No seal has the digest {head}: the end of the chain was cut off.")
    rows = session.scalar(select(func.count()).select_from(AuditRow)) or 0
    return Verification(counted, max(rows - counted, 0), last, tuple(faults[:_SHOWN]))


def _find_faults(seal: AuditSeal, row: AuditRow | None, last: str) -> Iterator[str]:
    if seal.previous != last:
        yield f"Before seal {seal.number} there is one missing, or put in."
    if row is None:
        yield f"Row {seal.row_id} was removed."
    elif digest_row(row, seal.previous) != seal.digest:
        what = f"{row.action} on {row.subject_kind} {row.subject_id}"
        yield f"Row {seal.row_id} was changed: {what}."
