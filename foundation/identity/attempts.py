"""Attempts to sign in that take two steps: what the second one must fit, kept until then, once."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.database import Base, BigId
from foundation.errors import Invalid
from foundation.identity.tokens import hash_token, make_token

LIFE = timedelta(minutes=10)


class SignInAttempt(Base):
    """The first step of an attempt; the browser holds its token, we hold only its hash."""

    __tablename__ = "sign_in_attempt"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(40))
    expected: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def begin_attempt(
    session: Session, *, purpose: str, expected: dict[str, Any], at: datetime
) -> str:
    """Keeps what the second step must fit; returns the token that the browser brings back."""
    token = make_token()
    session.add(
        SignInAttempt(
            token_hash=hash_token(token), purpose=purpose, expected=expected, expires_at=at + LIFE
        )
    )
    session.flush()
    return token


def take_attempt(session: Session, *, purpose: str, token: str, at: datetime) -> dict[str, Any]:
    """What the second step must fit; it cannot be taken again.

    Raises:
        Invalid: when there is no such attempt, or it took too long.
    """
    taken = session.execute(
        delete(SignInAttempt)
        .where(
            SignInAttempt.token_hash == hash_token(token),
            SignInAttempt.purpose == purpose,
            SignInAttempt.expires_at > at,
        )
        .returning(SignInAttempt.expected)
    ).scalar()
    if taken is None:
        raise Invalid("This took too long. Begin again.")
    return dict(taken)


def forget_attempts(session: Session, before: datetime) -> None:
    """Deletes attempts that nobody finished."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.expires_at < before))
