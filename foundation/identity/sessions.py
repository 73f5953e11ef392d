"""Signing in and staying signed in: passwords checked, and sessions kept on the server."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from foundation.errors import Invalid
from foundation.identity.guessing import check_guessing, count_failure, describe_guesser
from foundation.identity.models import (
    LoginMethod,
    LoginSession,
    Membership,
    Person,
)
from foundation.identity.passwords import is_password
from foundation.identity.people import find_person
from foundation.identity.scope import Scope
from foundation.identity.tokens import hash_token, make_token

ABSOLUTE_LIFE = timedelta(days=14)
IDLE_LIFE = timedelta(hours=12)
CODE_LIFE = timedelta(minutes=5)
TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of the browser that signs in."""

    browser: str = ""
    address: str = ""


def check_credentials(
    session: Session, *, email: str, password: str, address: str, at: datetime, device: str = ""
) -> Person | None:
    """The person when the password is theirs; None and a counted failure otherwise.

    Raises:
        Forbidden: when there were too many failures from there.
    """
    # Compared with stored addresses only, and PostgreSQL's text holds no NUL.
    email = email.replace("\x00", "\ufffd").strip().lower()[:254]
    guesser = describe_guesser(session, email=email, address=address, device=device, at=at)
    check_guessing(session, guesser, at)
    person = find_person(session, email)
    stored = person.password_hash if person and person.is_active else None
    if is_password(stored, password):
        return person
    count_failure(session, guesser, at)
    return None


def open_login(
    session: Session,
    *,
    person: Person,
    at: datetime,
    organisation_id: int | None = None,
    client: Client = Client(),
    method: LoginMethod = LoginMethod.PASSWORD,
    awaits_code: bool = False,
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
    token = make_token()
    session.add(
        LoginSession(
            token_hash=hash_token(token),
            person_id=person.id,
            organisation_id=member.organisation_id,
            role=member.role,
            method=method,
            awaits_code=awaits_code,
            browser=client.browser.replace("\x00", "")[:200],
            address=client.address[:64],
            created_at=at,
            confirmed_at=at,
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
            LoginSession.token_hash == hash_token(token),
            LoginSession.awaits_code.is_(False),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > at,
            LoginSession.seen_at > at - IDLE_LIFE,
            Person.is_active,
        )
    )
    return session.scalar(query)


def find_awaiting(session: Session, token: str, at: datetime) -> LoginSession | None:
    """The session of a token that still awaits its code."""
    query = (
        select(LoginSession)
        .join(Person, Person.id == LoginSession.person_id)
        .where(
            LoginSession.token_hash == hash_token(token),
            LoginSession.awaits_code,
            LoginSession.ended_at.is_(None),
            LoginSession.created_at > at - CODE_LIFE,
            Person.is_active,
        )
    )
    return session.scalar(query)


def finish_awaiting(
    session: Session, waiting: LoginSession, *, client: Client, at: datetime
) -> str:
    """Ends the session that awaited its code and starts another; returns its token."""
    end_login(session, waiting.id, at)
    return open_login(
        session,
        person=session.get_one(Person, waiting.person_id),
        organisation_id=waiting.organisation_id,
        at=at,
        client=client,
        method=LoginMethod.PASSWORD_AND_CODE,
    )


def confirm_login(session: Session, login_id: int, at: datetime) -> None:
    """Writes down that the session's person showed who they are once more."""
    session.execute(
        update(LoginSession).where(LoginSession.id == login_id).values(confirmed_at=at)
    )


def set_method(session: Session, login_id: int, method: LoginMethod) -> None:
    """Writes down by what the session's person has shown who they are."""
    session.execute(update(LoginSession).where(LoginSession.id == login_id).values(method=method))


def is_touch_due(login: LoginSession, at: datetime) -> bool:
    """Whether the session's last use is worth writing down again."""
    return at - login.seen_at > TOUCH_EVERY


def touch_login(session: Session, login_id: int, at: datetime) -> None:
    """Writes down that the session was used."""
    session.execute(update(LoginSession).where(LoginSession.id == login_id).values(seen_at=at))


def end_login(session: Session, login_id: int, at: datetime) -> None:
    """Ends a session; its token is worthless from now on."""
    session.execute(update(LoginSession).where(LoginSession.id == login_id).values(ended_at=at))


def scope_of(login: LoginSession) -> Scope:
    """The scope that a signed-in session acts in."""
    return Scope.of_person(login.person_id, login.organisation_id, login.role)
