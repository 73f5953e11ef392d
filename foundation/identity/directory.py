"""Reads of organisations and people for pages, and the change of one's own password."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import audit
from foundation.database import get_scope
from foundation.errors import Forbidden, Invalid
from foundation.identity.models import Membership, Organisation, Person
from foundation.identity.passwords import check_new_password, hash_password, is_password
from foundation.identity.scope import OrganisationKind, Role


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """An organisation in a list or a choice."""

    id: int
    name: str
    kind: OrganisationKind
    time_zone: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person with one role; without a password they cannot sign in."""

    id: int
    name: str
    email: str
    role: Role
    is_active: bool
    has_password: bool


def get_own_organisation(session: Session) -> Organisation:
    """The organisation that the session acts for.

    Raises:
        Forbidden: when the session is the platform's own.
    """
    organisation_id = get_scope(session).organisation_id
    if organisation_id is None:
        raise Forbidden("The platform itself belongs to no organisation.")
    return session.get_one(Organisation, organisation_id)


def list_organisations(
    session: Session, kind: OrganisationKind | None = None
) -> list[OrganisationRow]:
    """Organisations by name, of one kind or all."""
    query = select(Organisation).order_by(Organisation.name)
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    return [
        OrganisationRow(each.id, each.name, each.kind, each.time_zone)
        for each in session.scalars(query)
    ]


def list_people(session: Session, organisation_id: int) -> list[PersonRow]:
    """The people of an organisation by name, one row a role."""
    query = (
        select(Person, Membership.role)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.organisation_id == organisation_id)
        .order_by(Person.name, Membership.role)
    )
    return [
        PersonRow(
            person.id,
            person.name,
            person.email,
            role,
            person.is_active,
            person.password_hash is not None,
        )
        for person, role in session.execute(query)
    ]


def set_language(session: Session, *, person_id: int | None, language: str) -> None:
    """Keeps the language that a person reads the portal in."""
    session.get_one(Person, person_id).language = language


def set_second_factor_policy(session: Session, *, is_required: bool, at: datetime) -> None:
    """Whether the scope's organisation wants more than a password from its staff."""
    home = get_own_organisation(session)
    home.requires_second_factor = is_required
    session.flush()
    audit.record(
        session,
        at=at,
        action="portal:organisation:set_second_factor",
        subject_kind="organisation",
        subject_id=home.id,
        details={"required": is_required},
    )


def change_password(
    session: Session, *, person_id: int, present: str, new: str, at: datetime
) -> None:
    """Sets a new password; the person's sessions go on.

    Raises:
        Invalid: when the present password is wrong or the new one breaks the rule.
    """
    person = session.get_one(Person, person_id)
    if not is_password(person.password_hash, present):
        raise Invalid("This is not your present password.", field="present")
    check_new_password(new, known=(person.email, person.name))
    person.password_hash = hash_password(new)
    audit.record(
        session,
        at=at,
        action="portal:person:change_password",
        subject_kind="person",
        subject_id=person_id,
    )
