"""Orders and the books of their amounts; an order belongs to its dealer and customer alone."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, Text, and_
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, act_condition, may
from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Role, Scope
from foundation.money import Money
from services.offers.models import Offer
from services.orders.rules import OrderState


class Order(Scoped, Base):
    """What a customer ordered by accepting one version of an offer."""

    __tablename__ = "order"
    __table_args__ = (
        Index("ix_order_list", "dealer_id", "state", "id"),
        CheckConstraint("amount_minor > 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), unique=True)
    offer_version: Mapped[int]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    dealer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(3))
    amount_minor: Mapped[int] = mapped_column(BigId)
    state: Mapped[OrderState]
    ordered_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return _of_party(cls, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        if self in session.new:
            return self._is_accepted_by(scope, session)
        is_own = self.dealer_id == scope.organisation_id and self not in session.deleted
        return is_own and may(scope, Act.CHECK_OFFERS)

    def _is_accepted_by(self, scope: Scope, session: Session) -> bool:
        offer = session.get(Offer, self.offer_id)
        if offer is None or not may(scope, Act.ANSWER_OFFERS):
            return False
        parties = (self.dealer_id, self.customer_id, self.offer_version)
        is_same = parties == (offer.dealer_id, offer.customer_id, offer.accepted_version)
        return is_same and self.customer_id == scope.organisation_id


class OrderPosting(Scoped, Base):
    """An amount entering or leaving the account of a state; never changed afterwards."""

    __tablename__ = "order_posting"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    dealer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    account: Mapped[OrderState]
    currency: Mapped[str] = mapped_column(String(3))
    minor: Mapped[int] = mapped_column(BigId)
    at: Mapped[datetime]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return _of_party(cls, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        order = session.get(Order, self.order_id)
        if order is None or self not in session.new:
            return False
        parties = (self.dealer_id, self.customer_id)
        is_same = parties == (order.dealer_id, order.customer_id)
        return is_same and scope.organisation_id in parties and may(scope, Act.SEE_OFFERS)


def _of_party(cls: type[Order] | type[OrderPosting], scope: Scope) -> ColumnElement[bool]:
    own = cls.dealer_id if scope.role == Role.DEALER_MANAGER else cls.customer_id
    return and_(own == scope.organisation_id, act_condition(scope, Act.SEE_OFFERS))
