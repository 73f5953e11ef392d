"""Append-only record of who did what; a row is added in the transaction of the act itself.

An action has three parts, `source:subject:action`, such as `portal:ticket:close`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.database import Base, BigId, get_scope


class AuditRow(Base):
    """One act; rows are never changed or deleted."""

    __tablename__ = "audit_row"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(80))
    organisation_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(120), index=True)
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(80))
    details: Mapped[dict[str, Any]]


def record(
    session: Session,
    *,
    at: datetime,
    action: str,
    subject_kind: str,
    subject_id: object,
    details: dict[str, Any] | None = None,
    organisation_id: int | None = None,
) -> None:
    """Adds a row for an act of the session's scope.

    `organisation_id` says whom it concerns where the platform itself acts.

    Raises:
        ValueError: when the action has not three parts.
    """
    if action.count(":") != 2 or not all(action.split(":")):
        raise ValueError(f"{action!r} is not source:subject:action")
    scope = get_scope(session)
    session.add(
        AuditRow(
            at=at,
            actor=scope.actor,
            organisation_id=scope.organisation_id or organisation_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=str(subject_id),
            details=details or {},
        )
    )
