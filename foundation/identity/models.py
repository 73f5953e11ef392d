"""Organisations, people, what a person is in an organisation, and signed-in sessions."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import OrganisationKind, Role, Scope


class Organisation(Base):
    """A manufacturer, dealer or customer; its name is known to everybody who works with it."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[OrganisationKind]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    time_zone: Mapped[str] = mapped_column(String(60), default="UTC")
    # Of staff, whom their password alone would not let in; of customers never.
    requires_second_factor: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Person(Base):
    """Someone who can sign in."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
    # None: whatever the browser asks for.
    language: Mapped[str | None] = mapped_column(String(12))
    created_at: Mapped[datetime]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="person")


class Membership(Scoped, Base):
    """What a person is in an organisation."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("person_id", "organisation_id", "role"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[Role]

    person: Mapped[Person] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship()

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return cls.organisation_id == scope.organisation_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        managers = (Role.MANUFACTURER, Role.DEALER_MANAGER)
        return self.organisation_id == scope.organisation_id and scope.role in managers


class LoginMethod(StrEnum):
    """By what somebody showed who they are."""

    PASSWORD = "password"  # noqa: S105  # a name, not a secret
    PASSWORD_AND_CODE = "password_and_code"  # noqa: S105  # a name as well
    PASSKEY = "passkey"
    PROVIDER = "provider"


class LoginSession(Base):
    """A browser that signed in; the browser holds a random token, we hold only its hash.

    One that `awaits_code` lets nobody in yet. `confirmed_at` is when its person last showed who
    they are.
    """

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[Role]
    method: Mapped[LoginMethod] = mapped_column(default=LoginMethod.PASSWORD)
    awaits_code: Mapped[bool] = mapped_column(default=False)
    browser: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class LoginFailure(Base):
    """A refused sign-in, counted to slow down guessing."""

    __tablename__ = "login_failure"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime]
