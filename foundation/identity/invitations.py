"""Invitations: a link that lets one person into an organisation, once and for a week.

Whoever has the link proves nothing about an account that exists already: its password is asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import audit
from foundation.database import Base, BigId, Scoped, get_scope
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.models import Membership, Organisation, Person
from foundation.identity.passwords import check_new_password, hash_password
from foundation.identity.people import check_member, find_person
from foundation.identity.scope import Role, Scope
from foundation.identity.sessions import check_credentials
from foundation.identity.tokens import hash_token, make_token

LIFE = timedelta(days=7)


class Invitation(Scoped, Base):
    """Somebody is asked to join an organisation; the link's token is stored as its hash."""

    __tablename__ = "invitation"
    __table_args__ = (Index("ix_invitation_organisation_email", "organisation_id", "email"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[Role]
    email: Mapped[str] = mapped_column(String(254))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return cls.organisation_id == scope.organisation_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        # Whoever may make a member of that role may ask somebody to become one.
        wanted = Membership(organisation_id=self.organisation_id, role=self.role)
        return wanted.is_writable_by(scope, session)


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An open invitation in a list."""

    id: int
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Offered:
    """What the holder of a link is asked to join; `is_known` who signs in already."""

    organisation: str
    role: Role
    email: str
    is_known: bool


def invite(session: Session, *, email: str, role: Role, at: datetime) -> str:
    """Invites somebody into the scope's organisation; returns the link's token, stored nowhere.

    An earlier open invitation of that address is withdrawn.

    Raises:
        Invalid: when the address is malformed or the role does not fit the organisation.
        Conflict: when the person has that role already.
    """
    scope, email = get_scope(session), email.strip().lower()
    if scope.organisation_id is None:
        raise Forbidden("The platform itself belongs to no organisation.")
    check_member(email, session.get_one(Organisation, scope.organisation_id), role)
    _check_not_member(session, email, scope.organisation_id, role)
    _withdraw(session, Invitation.email == email, at=at)
    token = make_token()
    made = Invitation(
        organisation_id=scope.organisation_id,
        role=role,
        email=email,
        token_hash=hash_token(token),
        invited_by_id=scope.person_id,
        created_at=at,
        expires_at=at + LIFE,
    )
    session.add(made)
    session.flush()
    _record(session, "invite", made, at)
    return token


def renew(session: Session, invitation_id: int, *, at: datetime) -> str:
    """A new link for an open invitation; the old one is worth nothing from now on.

    Raises:
        NotFound: when there is no such open invitation.
    """
    found = _get_open(session, invitation_id)
    return invite(session, email=found.email, role=found.role, at=at)


def withdraw(session: Session, invitation_id: int, *, at: datetime) -> None:
    """Takes an open invitation back.

    Raises:
        NotFound: when there is no such open invitation.
    """
    found = _get_open(session, invitation_id)
    found.withdrawn_at = at
    session.flush()
    _record(session, "withdraw", found, at)


def list_open(session: Session) -> list[InvitationRow]:
    """The scope's organisation's invitations that wait, newest first; expired ones as well."""
    query = select(Invitation).where(*_is_open()).order_by(Invitation.id.desc())
    return [
        InvitationRow(each.id, each.email, each.role, each.created_at, each.expires_at)
        for each in session.scalars(query)
    ]


def read_offer(session: Session, token: str, *, at: datetime) -> Offered:
    """What a link offers.

    Raises:
        NotFound: when it is unknown, used, withdrawn or expired.
    """
    found = _find(session, token, at)
    organisation = session.get_one(Organisation, found.organisation_id)
    known = find_person(session, found.email)
    is_known = known is not None and known.password_hash is not None
    return Offered(organisation.name, found.role, found.email, is_known)


def accept(
    session: Session, *, token: str, name: str, password: str, address: str, at: datetime
) -> Person | None:
    """Makes the invited person a member, once; None and a counted failure at a wrong password.

    Raises:
        NotFound: when the link is unknown, used, withdrawn or expired.
        Invalid: when name or new password are unsound.
        Conflict: when the account has no password and belongs to another organisation.
        Forbidden: when there were too many failures from that address.
    """
    found = _find(session, token, at)
    person = find_person(session, found.email)
    if person is not None and person.password_hash is not None:
        person = check_credentials(
            session, email=found.email, password=password, address=address, at=at
        )
        if person is None:
            return None
    else:
        person = _enter(session, found, person, name=name, password=password, at=at)
    _join(session, found, person, at)
    return person


def _enter(
    session: Session,
    found: Invitation,
    person: Person | None,
    *,
    name: str,
    password: str,
    at: datetime,
) -> Person:
    name = " ".join(name.split())
    if not name:
        raise Invalid("A person needs a name.", field="name")
    check_new_password(password, known=(found.email, name))
    _check_not_foreign(session, found, person)
    if person is None:
        person = Person(email=found.email, name=name, created_at=at)
        session.add(person)
    person.name, person.password_hash = name, hash_password(password)
    session.flush()
    return person


def _check_not_foreign(session: Session, found: Invitation, person: Person | None) -> None:
    """Whoever invites sees the link: it must not open an account of another organisation."""
    if person is None:
        return
    elsewhere = select(Membership.id).where(
        Membership.person_id == person.id, Membership.organisation_id != found.organisation_id
    )
    if session.scalar(elsewhere.limit(1)) is not None:
        raise Conflict("This account belongs to another organisation and has no password yet.")


def _join(session: Session, found: Invitation, person: Person, at: datetime) -> None:
    # Two acceptances at once: one of them finds nothing left to take.
    taken = session.execute(
        update(Invitation)
        .where(Invitation.id == found.id, *_is_open())
        .values(accepted_at=at)
        .returning(Invitation.id)
    )
    if taken.scalar() is None:
        raise NotFound("This invitation is no longer good. Ask for a new one.")
    held = select(Membership.id).where(
        Membership.person_id == person.id,
        Membership.organisation_id == found.organisation_id,
        Membership.role == found.role,
    )
    if session.scalar(held) is None:
        session.add(
            Membership(person_id=person.id, organisation_id=found.organisation_id, role=found.role)
        )
    session.flush()
    _record(session, "accept", found, at)


def _find(session: Session, token: str, at: datetime) -> Invitation:
    query = select(Invitation).where(
        Invitation.token_hash == hash_token(token), Invitation.expires_at > at, *_is_open()
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound("This invitation is no longer good. Ask for a new one.")
    return found


def _get_open(session: Session, invitation_id: int) -> Invitation:
    query = select(Invitation).where(Invitation.id == invitation_id, *_is_open())
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def _is_open() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None)


def _withdraw(session: Session, which: ColumnElement[bool], *, at: datetime) -> None:
    for each in session.scalars(select(Invitation).where(which, *_is_open())):
        each.withdrawn_at = at
    session.flush()


def _check_not_member(session: Session, email: str, organisation_id: int, role: Role) -> None:
    query = (
        select(Membership.id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Person.email == email,
            Membership.organisation_id == organisation_id,
            Membership.role == role,
        )
    )
    if session.scalar(query) is not None:
        raise Conflict("%(email)s has this role already.", email=email)


def _record(session: Session, act: str, invitation: Invitation, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:invitation:{act}",
        subject_kind="invitation",
        subject_id=invitation.id,
        details={"role": invitation.role.value},
    )
