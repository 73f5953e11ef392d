"""Making organisations and people, and reading them back."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.csv_rows import CsvRow, RowResult, read_rows
from foundation.errors import Conflict, Invalid, MillwrightError, NotFound
from foundation.identity.models import Membership, Organisation, Person
from foundation.identity.passwords import check_new_password, hash_password
from foundation.identity.scope import ROLES_OF_KIND, OrganisationKind, Role


@cache
def _list_zones() -> frozenset[str]:
    # Looking them up reads some five hundred files.
    return frozenset(available_timezones())


def check_time_zone(name: str) -> str:
    """The zone's name when it is one.

    Raises:
        Invalid: otherwise.
    """
    if name not in _list_zones():
        raise Invalid(
            "%(name)s is no time zone; write it like Europe/Berlin.",
            field="time_zone",
            name=repr(name),
        )
    return name


def create_organisation(
    session: Session, *, kind: OrganisationKind, name: str, at: datetime, time_zone: str = "UTC"
) -> Organisation:
    """A new organisation.

    Raises:
        Invalid: without a name or with an unknown time zone.
        Conflict: when the name is taken.
    """
    name = name.strip()
    if not name or "\x00" in name:
        raise Invalid("An organisation needs a name.", field="name")
    if session.scalar(select(Organisation).where(Organisation.name == name)):
        raise Conflict("There is an organisation named %(name)s already.", name=repr(name))
    made = Organisation(kind=kind, name=name, time_zone=check_time_zone(time_zone), created_at=at)
    session.add(made)
    session.flush()
    return made


def get_organisation(session: Session, name: str) -> Organisation:
    """The organisation of that name.

    Raises:
        NotFound: when there is none.
    """
    found = session.scalar(select(Organisation).where(Organisation.name == name))
    if found is None:
        raise NotFound(
            "There is no organisation named %(name)s; create or import it first.", name=repr(name)
        )
    return found


def create_person(
    session: Session,
    *,
    email: str,
    name: str,
    organisation: Organisation,
    role: Role,
    at: datetime,
    password: str | None = None,
) -> Person:
    """A new person with one role in one organisation; without a password nobody can sign in.

    Raises:
        Invalid: when a part is malformed or the role does not fit the organisation's kind.
        Conflict: when the e-mail address is taken.
    """
    email = email.strip().lower()
    check_member(email, organisation, role)
    if not name.strip():
        raise Invalid("A person needs a name.", field="name")
    if find_person(session, email):
        raise Conflict("Somebody signs in with %(email)s already.", email=email)
    if password is not None:
        check_new_password(password, known=(email, name, organisation.name))
    hashed = hash_password(password) if password is not None else None
    person = Person(email=email, name=name.strip(), password_hash=hashed, created_at=at)
    session.add(person)
    session.flush()
    member = Membership(person_id=person.id, organisation_id=organisation.id, role=role)
    session.add(member)
    session.flush()
    return person


def check_member(email: str, organisation: Organisation, role: Role) -> None:
    """Refuses what is no e-mail address, or a role that an organisation of that kind has not.

    Raises:
        Invalid: naming the field.
    """
    local, at_sign, domain = email.partition("@")
    if (
        not (local and at_sign and domain)
        or not email.isprintable()
        or " " in email
        or len(email) > 254
    ):
        raise Invalid("%(email)s is no e-mail address.", field="email", email=repr(email))
    if role not in ROLES_OF_KIND[organisation.kind]:
        raise Invalid(
            "A %(kind)s has no %(role)s.", field="role", kind=organisation.kind, role=role
        )


def find_person(session: Session, email: str) -> Person | None:
    """Whoever signs in with that address."""
    return session.scalar(select(Person).where(Person.email == email.strip().lower()))


def list_members(session: Session, organisation_id: int, role: Role | None = None) -> list[Person]:
    """Active people of an organisation by name, of one role or all."""
    query = (
        select(Person)
        .join(Membership)
        .where(Membership.organisation_id == organisation_id, Person.is_active)
        .order_by(Person.name)
        .distinct()
    )
    if role is not None:
        query = query.where(Membership.role == role)
    return list(session.scalars(query))


PEOPLE_COLUMNS = ("organisation", "kind", "name", "email", "role")


def import_people(session: Session, text: str, *, at: datetime) -> Iterator[RowResult]:
    """Creates the organisation and the person of each CSV row; a refused row says why.

    Columns: `PEOPLE_COLUMNS`, and optionally time_zone and password.

    Raises:
        Invalid: when the header lacks a column.
    """
    for row in read_rows(text, PEOPLE_COLUMNS):
        subject = row.values.get("email", "")
        try:
            with session.begin_nested():
                _import_person(session, row, at)
        except MillwrightError as error:
            yield RowResult(row.line, "refused", subject, error)
        else:
            yield RowResult(row.line, "created", subject)


def _import_person(session: Session, row: CsvRow, at: datetime) -> None:
    name, kind = row.get("organisation"), _read_enum(OrganisationKind, row.get("kind"), "kind")
    organisation = session.scalar(select(Organisation).where(Organisation.name == name))
    if organisation is None:
        zone = row.find("time_zone") or "UTC"
        organisation = create_organisation(session, kind=kind, name=name, at=at, time_zone=zone)
    create_person(
        session,
        email=row.get("email"),
        name=row.get("name"),
        organisation=organisation,
        role=_read_enum(Role, row.get("role"), "role"),
        password=row.find("password"),
        at=at,
    )


_Choice = TypeVar("_Choice", bound=StrEnum)


def _read_enum(choices: type[_Choice], text: str, field: str) -> _Choice:
    try:
        return choices(text.strip().lower())
    except ValueError as error:
        allowed = ", ".join(choices)
        raise Invalid(
            "%(column)s is %(text)s; it is one of %(allowed)s.",
            field=field,
            column=field,
            text=repr(text),
            allowed=allowed,
        ) from error
