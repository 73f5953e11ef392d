"""Signing in and staying signed in: server-side sessions and the limit on guessing."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from foundation.errors import Forbidden, Invalid
from foundation.identity.models import LoginFailure, LoginSession, Membership, Person
from foundation.identity.passwords import is_password
from foundation.identity.people import find_person
from foundation.identity.scope import Scope

ABSOLUTE_LIFE = timedelta(days=14)
IDLE_LIFE = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=1)
FAILURE_WINDOW = timedelta(minutes=15)
MAX_FAILURES_PER_EMAIL_AND_ADDRESS = 10
MAX_FAILURES_PER_ADDRESS = 50


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def check_credentials(
    session: Session, *, email: str, password: str, address: str, at: datetime
) -> Person | None:
    """The person when the password is theirs; None and a counted failure otherwise.

    Guessing is limited per (account, address), so a stranger cannot lock the owner out.

    Raises:
        Forbidden: when there were too many failures from that address.
    """
    # Compared with stored addresses only, and PostgreSQL's text holds no NUL.
    email = email.replace("\x00", "\ufffd").strip().lower()[:254]
    _check_guessing(session, email, address, at)
    person = find_person(session, email)
    stored = person.password_hash if person and person.is_active else None
    if person is not None and is_password(stored, password):
        return person
    if person is None:
        is_password(None, password)
    session.add(LoginFailure(email=email, address=address[:64], at=at))
    return None


def _check_guessing(session: Session, email: str, address: str, at: datetime) -> None:
    recent = select(func.count()).where(
        LoginFailure.address == address[:64], LoginFailure.at > at - FAILURE_WINDOW
    )
    of_address = session.scalar(recent) or 0
    of_both = session.scalar(recent.where(LoginFailure.email == email)) or 0
    too_many = of_both >= MAX_FAILURES_PER_EMAIL_AND_ADDRESS
    if too_many or of_address >= MAX_FAILURES_PER_ADDRESS:
        raise Forbidden("Too many attempts from here. Wait 15 minutes and try again.")


def open_login(
    session: Session, *, person: Person, at: datetime, organisation_id: int | None = None
) -> str:
    """Starts a session and returns its token, which is stored nowhere.

    Raises:
        Invalid: when the person has no role (in that organisation).
    """
    query = select(Membership).where(Membership.person_id == person.id).order_by(Membership.id)
    if organisation_id is not None:
        query = query.where(Membership.organisation_id == organisation_id)
    member = session.scalars(query).first()
    if member is None:
        raise Invalid("You have no role here. Ask your administrator for one.")
    token = secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_hash=_hash(token),
            person_id=person.id,
            organisation_id=member.organisation_id,
            role=member.role,
            created_at=at,
            seen_at=at,
            expires_at=at + ABSOLUTE_LIFE,
        )
    )
    return token


def find_login(session: Session, token: str, at: datetime) -> LoginSession | None:
    """The live session of a token: not ended or idle too long, person active, role held."""
    query = (
        select(LoginSession)
        .join(Person, Person.id == LoginSession.person_id)
        .join(
            Membership,
            (Membership.person_id == LoginSession.person_id)
            & (Membership.organisation_id == LoginSession.organisation_id)
            & (Membership.role == LoginSession.role),
        )
        .where(
            LoginSession.token_hash == _hash(token),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > at,
            LoginSession.seen_at > at - IDLE_LIFE,
            Person.is_active,
        )
    )
    return session.scalar(query)


def is_touch_due(login: LoginSession, at: datetime) -> bool:
    """Whether the session's last use is worth writing down again."""
    return at - login.seen_at > TOUCH_EVERY


def touch_login(session: Session, login_id: int, at: datetime) -> None:
    """Writes down that the session was used."""
    session.execute(update(LoginSession).where(LoginSession.id == login_id).values(seen_at=at))


def end_login(session: Session, login_id: int, at: datetime) -> None:
    """Ends a session; its token is worthless from now on."""
    session.execute(update(LoginSession).where(LoginSession.id == login_id).values(ended_at=at))


def forget_failures(session: Session, before: datetime) -> None:
    """Deletes counted failures that no longer matter."""
    session.execute(delete(LoginFailure).where(LoginFailure.at < before))


def scope_of(login: LoginSession) -> Scope:
    """The scope that a signed-in session acts in."""
    return Scope.of_person(login.person_id, login.organisation_id, login.role)
