"""The identity provider of an organisation: which groups are which roles, and whom it signs in.

A provider speaks for the people of its own organisation alone. Whoever belongs to another one as
well is not let in by it, for a session is also the way to passkeys and passwords.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import audit
from foundation.database import Base, BigId, Scoped
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.directory import get_own_organisation
from foundation.identity.models import Membership, Organisation, Person
from foundation.identity.people import check_member, find_person
from foundation.identity.scope import ROLES_OF_KIND, Role, Scope
from foundation.identity.vault import Vault

Claims = Mapping[str, Any]


class IdentityProvider(Scoped, Base):
    """Where an organisation's people sign in; our secret to it is sealed."""

    __tablename__ = "identity_provider"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), unique=True)
    issuer: Mapped[str] = mapped_column(String(400))
    client_id: Mapped[str] = mapped_column(String(200))
    sealed_secret: Mapped[str] = mapped_column(String(800))
    domain: Mapped[str] = mapped_column(String(200), unique=True)
    group_claim: Mapped[str] = mapped_column(String(60), default="groups")
    # By the group's name.
    roles: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return cls.organisation_id == scope.organisation_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        wanted = Membership(organisation_id=self.organisation_id)
        return wanted.is_writable_by(scope, session)


class ExternalIdentity(Base):
    """Who a person is to a provider."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("provider_id", "subject"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("identity_provider.id"))
    subject: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """What an administrator enters; without `client_secret` the present one stays."""

    issuer: str
    client_id: str
    client_secret: str
    domain: str
    group_claim: str
    roles: str


def find_own_provider(session: Session) -> IdentityProvider | None:
    """The provider of the scope's organisation."""
    home = get_own_organisation(session)
    return session.scalar(
        select(IdentityProvider).where(IdentityProvider.organisation_id == home.id)
    )


def find_provider(session: Session, email: str) -> IdentityProvider:
    """The provider that speaks for an e-mail address.

    Raises:
        NotFound: when none does.
    """
    domain = email.strip().lower().rpartition("@")[2].replace("\x00", "")
    found = session.scalar(select(IdentityProvider).where(IdentityProvider.domain == domain))
    if found is None:
        raise NotFound("No organisation signs in by that address. Use your password.")
    return found


def get_provider(session: Session, provider_id: int) -> IdentityProvider:
    """The provider that an attempt began with.

    Raises:
        NotFound: when it was removed since.
    """
    found = session.scalar(select(IdentityProvider).where(IdentityProvider.id == provider_id))
    if found is None:
        raise NotFound("Your organisation has no provider.")
    return found


def save_provider(
    session: Session, entry: ProviderEntry, *, vault: Vault, at: datetime
) -> IdentityProvider:
    """Enters or changes the provider of the scope's organisation.

    Raises:
        Invalid: when a group's role does not fit, or the secret is missing.
        Conflict: when another organisation has that domain.
    """
    home, found = get_own_organisation(session), find_own_provider(session)
    roles = read_roles(entry.roles, ROLES_OF_KIND[home.kind])
    domain = entry.domain.strip().lower().lstrip("@")
    _check_domain(session, domain, found)
    if found is None:
        if not entry.client_secret:
            raise Invalid("This is needed.", field="client_secret")
        found = IdentityProvider(organisation_id=home.id, sealed_secret="", created_at=at)
        session.add(found)
    elif found.issuer != entry.issuer.strip():
        # A subject is a name at its issuer alone.
        _forget_people(session, found)
    found.issuer, found.client_id = entry.issuer.strip(), entry.client_id.strip()
    found.domain, found.group_claim = domain, entry.group_claim.strip() or "groups"
    found.roles = {group: role.value for group, role in roles.items()}
    if entry.client_secret:
        found.sealed_secret = vault.seal(entry.client_secret)
    session.flush()
    _record(session, "save", found, at)
    return found


def remove_provider(session: Session, *, at: datetime) -> None:
    """Forgets the provider of the scope's organisation; its people need passwords again.

    Raises:
        NotFound: when there is none.
    """
    found = find_own_provider(session)
    if found is None:
        raise NotFound("Your organisation has no provider.")
    _record(session, "remove", found, at)
    _forget_people(session, found)
    session.delete(found)
    session.flush()


def read_roles(text: str, allowed: Sequence[Role]) -> dict[str, Role]:
    """Which group is which role, from lines such as "service-team = technician".

    Raises:
        Invalid: when a line is no such pair or names a role that does not fit.
    """
    found: dict[str, Role] = {}
    for line in filter(None, (each.strip() for each in text.splitlines())):
        group, _, name = line.rpartition("=")
        role = next((each for each in allowed if each.value == name.strip()), None)
        if not group.strip() or role is None:
            raise Invalid(
                "%(line)s is no group and role; roles are: %(allowed)s.",
                field="roles",
                line=repr(line),
                allowed=", ".join(allowed),
            )
        found[group.strip()] = role
    return found


def admit(session: Session, provider: IdentityProvider, claims: Claims, *, at: datetime) -> Person:
    """The person whom the provider signed in, with the roles of their groups.

    Raises:
        Forbidden: when no group of theirs is a role, their address is not verified, or they
            belong to another organisation as well.
    """
    roles = _roles_of(provider, claims)
    if not roles:
        raise Forbidden("None of your groups has a role here. Ask your administrator.")
    person = _find_known(session, provider, str(claims["sub"]))
    if person is None:
        person = _link(session, provider, claims, at)
    if not person.is_active or _belongs_elsewhere(session, provider, person):
        raise Forbidden("Your provider cannot sign you in here. Use your password.")
    _set_roles(session, provider, person, roles)
    return person


def _roles_of(provider: IdentityProvider, claims: Claims) -> set[Role]:
    groups = claims.get(provider.group_claim)
    named = groups if isinstance(groups, list) else [groups]
    return {
        Role(provider.roles[group])
        for group in named
        if isinstance(group, str) and group in provider.roles
    }


def _find_known(session: Session, provider: IdentityProvider, subject: str) -> Person | None:
    query = (
        select(Person)
        .join(ExternalIdentity, ExternalIdentity.person_id == Person.id)
        .where(ExternalIdentity.provider_id == provider.id, ExternalIdentity.subject == subject)
    )
    return session.scalar(query)


def _link(session: Session, provider: IdentityProvider, claims: Claims, at: datetime) -> Person:
    email = str(claims.get("email", "")).strip().lower()
    if claims.get("email_verified") is not True or not email.endswith(f"@{provider.domain}"):
        raise Forbidden("Your provider did not verify an e-mail address of your organisation.")
    organisation = session.get_one(Organisation, provider.organisation_id)
    person = find_person(session, email)
    if person is None:
        check_member(email, organisation, next(iter(_roles_of(provider, claims))))
        name = " ".join(str(claims.get("name") or email).split())[:200]
        person = Person(email=email, name=name, created_at=at)
        session.add(person)
        session.flush()
    elif not _belongs_here(session, provider, person):
        raise Forbidden("Your provider cannot sign you in here. Use your password.")
    session.add(
        ExternalIdentity(
            provider_id=provider.id,
            subject=str(claims["sub"])[:255],
            person_id=person.id,
            created_at=at,
        )
    )
    session.flush()
    _record(session, "link", provider, at, person=person.id)
    return person


def _belongs_here(session: Session, provider: IdentityProvider, person: Person) -> bool:
    query = select(Membership.id).where(
        Membership.person_id == person.id,
        Membership.organisation_id == provider.organisation_id,
    )
    return session.scalar(query.limit(1)) is not None


def _belongs_elsewhere(session: Session, provider: IdentityProvider, person: Person) -> bool:
    query = select(Membership.id).where(
        Membership.person_id == person.id,
        Membership.organisation_id != provider.organisation_id,
    )
    return session.scalar(query.limit(1)) is not None


def _set_roles(
    session: Session, provider: IdentityProvider, person: Person, roles: set[Role]
) -> None:
    here = (
        Membership.person_id == person.id,
        Membership.organisation_id == provider.organisation_id,
    )
    held = set(session.scalars(select(Membership.role).where(*here)))
    if held - roles:
        session.execute(delete(Membership).where(*here, Membership.role.in_(held - roles)))
    for role in sorted(roles - held):
        session.add(
            Membership(person_id=person.id, organisation_id=provider.organisation_id, role=role)
        )
    session.flush()


def _check_domain(session: Session, domain: str, own: IdentityProvider | None) -> None:
    if not domain or "." not in domain or not domain.isprintable() or " " in domain:
        raise Invalid("Write the part of your addresses after the @.", field="domain")
    # Past the filter: whether somebody else has it, and nothing else about them.
    table = IdentityProvider.__table__
    taken = session.execute(select(table.c.id).where(table.c.domain == domain)).scalar()
    if taken is not None and (own is None or taken != own.id):
        raise Conflict("Another organisation signs in with this domain.")


def _forget_people(session: Session, provider: IdentityProvider) -> None:
    session.execute(delete(ExternalIdentity).where(ExternalIdentity.provider_id == provider.id))


def _record(
    session: Session, act: str, provider: IdentityProvider, at: datetime, **details: object
) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:identity_provider:{act}",
        subject_kind="identity_provider",
        subject_id=provider.id,
        details={"issuer": provider.issuer, **details},
    )
