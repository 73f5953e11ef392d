"""Reads of orders for pages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from foundation.identity.models import Organisation
from foundation.money import Money
from services.orders.models import Order
from services.orders.rules import OrderState

SHOWN = 50


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as its dealer and customer see it."""

    id: int
    offer_id: int
    title: str
    state: OrderState
    amount: Money
    dealer: str
    customer: str
    ordered_at: datetime
    changed_at: datetime
    note: str | None


def _select_rows() -> Select[Order, str, str]:
    dealer, customer = aliased(Organisation), aliased(Organisation)
    return (
        select(Order, dealer.name, customer.name)
        .join(dealer, dealer.id == Order.dealer_id)
        .join(customer, customer.id == Order.customer_id)
    )


def _row(order: Order, dealer: str, customer: str) -> OrderRow:
    return OrderRow(
        id=order.id,
        offer_id=order.offer_id,
        title=order.title,
        state=order.state,
        amount=order.amount,
        dealer=dealer,
        customer=customer,
        ordered_at=order.ordered_at,
        changed_at=order.changed_at,
        note=order.note,
    )


def list_orders(session: Session, states: Collection[OrderState]) -> list[OrderRow]:
    """The newest orders in some states."""
    query = _select_rows().where(Order.state.in_(states)).order_by(Order.id.desc()).limit(SHOWN)
    return [_row(*found) for found in session.execute(query)]


def find_order_of(session: Session, offer_id: int) -> OrderRow | None:
    """The order that an offer became."""
    found = session.execute(_select_rows().where(Order.offer_id == offer_id)).first()
    return _row(*found) if found else None


def count_orders(session: Session, states: Collection[OrderState]) -> int:
    """How many orders the scope sees in these states."""
    return session.scalar(select(func.count(Order.id)).where(Order.state.in_(states))) or 0


def sum_orders(session: Session, states: Collection[OrderState]) -> list[Money]:
    """What the orders in some states come to, an amount a currency."""
    query = select(Order.currency, func.sum(Order.amount_minor)).where(Order.state.in_(states))
    found = session.execute(query.group_by(Order.currency).order_by(Order.currency))
    return [Money(int(minor), currency) for currency, minor in found if minor]
