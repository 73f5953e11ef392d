"""Grants of data, their receipts, and the log of what was read under them.

An owner grants another organisation data of its machines: of some metrics or all, for a purpose
and a period. Both sides read the grant, each act on it, and which machine was read when.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, Text, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, may
from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Scope


class Purpose(StrEnum):
    """What data may be used for."""

    SERVICE = "service"
    PRODUCT_IMPROVEMENT = "product_improvement"
    WARRANTY = "warranty"
    THIRD_PARTY = "third_party"
    EMERGENCY = "emergency"


class GrantState(StrEnum):
    """Where a grant is; only a given one lets its grantee see anything."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    ENDED = "ended"


class GrantAct(StrEnum):
    """What was done about a grant."""

    AGREED = "agreed"
    REQUEST = "request"
    GIVE = "give"
    LIMIT = "limit"
    REFUSE = "refuse"
    REVOKE = "revoke"
    BREAK_GLASS = "break_glass"
    EXPIRE = "expire"


class DataGrant(Scoped, Base):
    """What an owner lets a grantee see; without `asset_id` of all its machines.

    No metrics means all of them. `covers_story` adds alarms, tickets and offers. The period is
    that of the data; at `expires_at` the right itself ends.
    """

    __tablename__ = "data_grant"
    __table_args__ = (Index("ix_data_grant_parties", "owner_id", "grantee_id", "state"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    grantee_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"), index=True)
    state: Mapped[GrantState]
    purposes: Mapped[list[str]]
    metrics: Mapped[list[str]]
    covers_story: Mapped[bool] = mapped_column(default=False)
    # Recorded when the owner's first machine of that manufacturer was entered.
    is_default: Mapped[bool] = mapped_column(default=False)
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        own = scope.organisation_id
        return or_(cls.owner_id == own, cls.grantee_id == own)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        if self in session.deleted:
            return False
        if self.owner_id == scope.organisation_id:
            return may(scope, Act.GRANT_DATA)
        if self.grantee_id != scope.organisation_id or self not in session.new:
            return False
        if self.state == GrantState.REQUESTED:
            return may(scope, Act.ASK_DATA)
        if self.purposes == [Purpose.EMERGENCY]:
            return may(scope, Act.BREAK_GLASS) and self.expires_at is not None
        is_first = self.is_default and not has_grants(session, self.owner_id, self.grantee_id)
        return may(scope, Act.ADMINISTER_ASSETS) and is_first


def has_grants(session: Session, owner_id: int, grantee_id: int) -> bool:
    """Whether there ever was a grant between them."""
    table = DataGrant.__table__
    query = select(table.c.id).where(
        table.c.owner_id == owner_id, table.c.grantee_id == grantee_id
    )
    return session.execute(query.limit(1)).first() is not None


class GrantReceipt(Scoped, Base):
    """An act on a grant, with its reason; both sides read it, nobody changes it."""

    __tablename__ = "grant_receipt"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("data_grant.id"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    grantee_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    act: Mapped[GrantAct]
    at: Mapped[datetime]
    # Who did it; None for what the platform did.
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(Text)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        own = scope.organisation_id
        return or_(cls.owner_id == own, cls.grantee_id == own)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        is_party = scope.organisation_id in (self.owner_id, self.grantee_id)
        return self in session.new and is_party and self.organisation_id == scope.organisation_id


class DataRead(Scoped, Base):
    """A person of another organisation read an owner's machine on a day, for a purpose."""

    __tablename__ = "data_read"
    __table_args__ = (
        UniqueConstraint("reader_id", "person_id", "asset_id", "purpose", "day"),
        Index("ix_data_read_owner", "owner_id", "first_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    reader_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"))
    purpose: Mapped[str] = mapped_column(Text)
    # The day in UTC, by its midnight; the first read of it.
    day: Mapped[datetime]
    first_at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        own = scope.organisation_id
        return or_(cls.owner_id == own, cls.reader_id == own)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        own = (scope.organisation_id, scope.person_id)
        return self in session.new and own == (self.reader_id, self.person_id)
