"""Which dealer works under which, from when to when; sub_dealers.py changes it."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, or_, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, may
from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Scope


class SubDealer(Scoped, Base):
    """A dealer works under another one for a period."""

    __tablename__ = "sub_dealer"
    __table_args__ = (
        Index(
            "uq_sub_dealer_open",
            "dealer_id",
            unique=True,
            sqlite_where=text("to_at IS NULL"),
            postgresql_where=text("to_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    dealer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    parent_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        own = scope.organisation_id
        return or_(cls.dealer_id == own, cls.parent_id == own)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        is_own = self.dealer_id == scope.organisation_id and self not in session.deleted
        return is_own and may(scope, Act.PLACE_DEALER)
