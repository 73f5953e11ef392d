"""One person in several organisations: which roles they have, and acting in another of them.

Who switches gets a new token: the old one, and every page opened under it, is worthless.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import audit
from foundation.database import get_scope
from foundation.errors import Forbidden, NotFound
from foundation.identity.models import LoginMethod, LoginSession, Membership, Organisation
from foundation.identity.scope import Role


@dataclass(frozen=True, slots=True)
class OtherRole:
    """A role that the person has beside the one they act in."""

    membership_id: int
    organisation: str
    role: Role


def list_other_roles(session: Session) -> list[OtherRole]:
    """What the session's person could act as instead, by organisation."""
    # Past the guard, which shows only the roles of the organisation that one acts for now.
    scope, member, home = get_scope(session), Membership.__table__, Organisation.__table__
    query = (
        select(member.c.id, home.c.name, member.c.role, member.c.organisation_id)
        .join(home, home.c.id == member.c.organisation_id)
        .where(member.c.person_id == scope.person_id)
        .order_by(home.c.name, member.c.role)
    )
    return [
        OtherRole(number, name, role)
        for number, name, role, home_id in session.execute(query)
        if (home_id, role) != (scope.organisation_id, scope.role)
    ]


def switch_role(session: Session, *, login_id: int, membership_id: int, at: datetime) -> str:
    """Lets a signed-in person act in another role of theirs; returns the new token.

    Raises:
        NotFound: when it is no role of that person.
        Forbidden: when an identity provider let them in, which speaks for its own
            organisation alone.
    """
    login = session.get_one(LoginSession, login_id)
    member = session.get(Membership, membership_id)
    if member is None or member.person_id != login.person_id:
        raise NotFound("You have no such role.")
    elsewhere = member.organisation_id != login.organisation_id
    if login.method == LoginMethod.PROVIDER and elsewhere:
        raise Forbidden("Sign in with your password or passkey to act for another organisation.")
    token = secrets.token_urlsafe(32)
    login.token_hash = hashlib.sha256(token.encode()).hexdigest()
    login.organisation_id, login.role, login.seen_at = member.organisation_id, member.role, at
    session.flush()
    audit.record(
        session,
        at=at,
        action="portal:login:switch",
        subject_kind="person",
        subject_id=login.person_id,
        details={"organisation": member.organisation_id, "role": member.role},
    )
    return token
