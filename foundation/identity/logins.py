"""The sessions of a person: listing and ending them, by the person and by an administrator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from foundation import audit
from foundation.database import get_scope
from foundation.errors import Conflict, NotFound
from foundation.identity.models import LoginMethod, LoginSession, Membership, Organisation, Person
from foundation.identity.scope import Role
from foundation.identity.sessions import IDLE_LIFE


@dataclass(frozen=True, slots=True)
class LoginRow:
    """A session in a list."""

    id: int
    organisation: str
    browser: str
    address: str
    method: LoginMethod
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the scope's organisation, with their roles and live sessions there."""

    id: int
    name: str
    email: str
    is_active: bool
    roles: Sequence[Role]
    logins: Sequence[LoginRow]


def list_logins(session: Session, person_id: int, *, at: datetime) -> list[LoginRow]:
    """The live sessions of a person, last used first."""
    return _list(session, LoginSession.person_id == person_id, at=at)


def end_own_login(session: Session, login_id: int, *, at: datetime) -> None:
    """Ends one of the scope's person's sessions.

    Raises:
        NotFound: when the person has no such live session.
    """
    person_id = get_scope(session).person_id
    found = session.scalar(
        select(LoginSession.id).where(
            LoginSession.id == login_id,
            LoginSession.person_id == person_id,
            LoginSession.ended_at.is_(None),
        )
    )
    if found is None:
        raise NotFound("There is no such session.")
    _end(session, LoginSession.id == login_id, at=at)
    _record(session, "end_session", person_id, at)


def end_other_logins(session: Session, *, person_id: int, login_id: int, at: datetime) -> None:
    """Ends all sessions of a person but the one at hand."""
    _end(session, LoginSession.person_id == person_id, LoginSession.id != login_id, at=at)
    _record(session, "end_other_sessions", person_id, at)


def get_member(session: Session, person_id: int, *, at: datetime) -> Member:
    """A person of the scope's own organisation.

    Raises:
        NotFound: when nobody of that organisation has this number.
    """
    roles = _list_roles(session, person_id)
    person = session.get_one(Person, person_id)
    organisation_id = get_scope(session).organisation_id
    here = LoginSession.organisation_id == organisation_id
    logins = _list(session, LoginSession.person_id == person_id, here, at=at)
    return Member(person.id, person.name, person.email, person.is_active, roles, logins)


def end_member_logins(session: Session, person_id: int, *, at: datetime) -> None:
    """Ends all sessions that a person has in the scope's organisation.

    Raises:
        NotFound: when nobody of that organisation has this number.
    """
    _list_roles(session, person_id)
    here = LoginSession.organisation_id == get_scope(session).organisation_id
    _end(session, LoginSession.person_id == person_id, here, at=at)
    _record(session, "end_all_sessions", person_id, at)


def take_role(session: Session, person_id: int, role: Role, *, at: datetime) -> None:
    """Takes a role in the scope's organisation from a person, whose sessions in it end.

    Raises:
        NotFound: when the person has no such role there.
        Conflict: when it is the role of whoever does so: an organisation keeps an administrator.
    """
    scope = get_scope(session)
    if scope.person_id == person_id and scope.role == role:
        raise Conflict("You cannot take your own role. Ask another administrator.")
    if role not in _list_roles(session, person_id):
        raise NotFound("There is no such person.")
    session.execute(
        delete(Membership).where(
            Membership.person_id == person_id,
            Membership.role == role,
            Membership.organisation_id == scope.organisation_id,
        )
    )
    here = LoginSession.organisation_id == scope.organisation_id
    _end(session, LoginSession.person_id == person_id, here, LoginSession.role == role, at=at)
    _record(session, "take_role", person_id, at, role=role.value)


def _list_roles(session: Session, person_id: int) -> list[Role]:
    query = select(Membership.role).where(
        Membership.person_id == person_id,
        Membership.organisation_id == get_scope(session).organisation_id,
    )
    roles = list(session.scalars(query.order_by(Membership.role)))
    if not roles:
        raise NotFound("There is no such person.")
    return roles


def _list(session: Session, *which: ColumnElement[bool], at: datetime) -> list[LoginRow]:
    query = (
        select(LoginSession, Organisation.name)
        .join(Organisation, Organisation.id == LoginSession.organisation_id)
        .where(
            *which,
            LoginSession.awaits_code.is_(False),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > at,
            LoginSession.seen_at > at - IDLE_LIFE,
        )
        .order_by(LoginSession.seen_at.desc(), LoginSession.id.desc())
    )
    return [
        LoginRow(
            each.id, name, each.browser, each.address, each.method, each.created_at, each.seen_at
        )
        for each, name in session.execute(query)
    ]


def _end(session: Session, *which: ColumnElement[bool], at: datetime) -> None:
    ended = update(LoginSession).where(*which, LoginSession.ended_at.is_(None))
    session.execute(ended.values(ended_at=at))


def _record(
    session: Session, act: str, person_id: int | None, at: datetime, **details: str
) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:person:{act}",
        subject_kind="person",
        subject_id=person_id,
        details=dict(details),
    )
