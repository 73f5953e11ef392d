"""From an accepted offer to an order, and what its dealer does with it; each step is booked."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation.database import get_scope
from foundation.errors import NotFound
from services.offers.loading import get_version
from services.offers.models import Offer
from services.offers.moves import move_offer
from services.offers.refusals import OfferRefused
from services.offers.rules import OfferMove, Wish
from services.offers.story import OfferAct, tell_offer
from services.orders.models import Order, OrderPosting
from services.orders.rules import (
    ORDER_MOVES,
    OrderMove,
    OrderState,
    Posting,
    decide_order_move,
    post_move,
    post_opening,
)


def accept_offer(session: Session, *, offer_id: int, version: int, at: datetime) -> Order:
    """The customer accepts the version they saw; it becomes an order at its price.

    Raises:
        NotFound: when the scope does not see the offer.
        OfferRefused: when it cannot be accepted now, or says something else by now.
    """
    wish = Wish(OfferMove.ACCEPT, version)
    offer = move_offer(session, offer_id=offer_id, wish=wish, at=at)
    accepted = get_version(session, offer, version)
    order = Order(
        offer_id=offer.id,
        offer_version=version,
        asset_id=offer.asset_id,
        dealer_id=offer.dealer_id,
        customer_id=offer.customer_id,
        title=accepted.title,
        currency=accepted.currency,
        amount_minor=accepted.price_minor,
        state=OrderState.ORDERED,
        ordered_at=at,
        changed_at=at,
    )
    session.add(order)
    session.flush()
    _book(session, order, post_opening(order.amount_minor), at)
    return order


def move_order(
    session: Session,
    *,
    order_id: int,
    move: OrderMove,
    at: datetime,
    note: str = "",
    run_hours: float | None = None,
) -> Order:
    """The dealer confirms, completes or cancels the order; `run_hours` are the asset's then.

    Raises:
        NotFound: when the scope does not see the order.
        OfferRefused: when the rules do not allow the move now.
    """
    order = get_order_to_change(session, order_id)
    refused = decide_order_move(order.state, move, get_scope(session).role, note)
    if refused is not None:
        raise OfferRefused(refused)
    before, order.state = order.state, ORDER_MOVES[move].to_state
    order.changed_at = at
    order.note = note.replace("\x00", "").strip() or order.note
    offer = session.get_one(Offer, order.offer_id)
    if move == OrderMove.COMPLETE:
        order.done_at = offer.done_at = at
        offer.done_hours = run_hours
    session.flush()
    _book(session, order, post_move(before, order.state, order.amount_minor), at)
    told = OfferAct(f"order_{move}", is_for_customer=True, text=order.note)
    tell_offer(session, offer, told, at=at)
    return order


def get_order_to_change(session: Session, order_id: int) -> Order:
    """The order, locked against others until the transaction ends.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    query = select(Order).where(Order.id == order_id).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("There is no such order.")
    return found


def _book(session: Session, order: Order, postings: tuple[Posting, ...], at: datetime) -> None:
    session.add_all(
        OrderPosting(
            order_id=order.id,
            dealer_id=order.dealer_id,
            customer_id=order.customer_id,
            account=each.account,
            currency=order.currency,
            minor=each.minor,
            at=at,
        )
        for each in postings
    )
    session.flush()


def list_discrepancies(session: Session) -> list[str]:
    """Where orders and books disagree; empty when the books are consistent.

    By dealer, currency and state the amounts of the orders and the postings must add up to the
    same; so the sum over all accounts is that of all orders.
    """
    ordered = select(
        Order.dealer_id, Order.currency, Order.state, func.sum(Order.amount_minor)
    ).group_by(Order.dealer_id, Order.currency, Order.state)
    posted = select(
        OrderPosting.dealer_id,
        OrderPosting.currency,
        OrderPosting.account,
        func.sum(OrderPosting.minor),
    ).group_by(OrderPosting.dealer_id, OrderPosting.currency, OrderPosting.account)
    amounts, books = (
        {tuple(row[:3]): int(row[3] or 0) for row in session.execute(query)}
        for query in (ordered, posted)
    )
    pairs = ((key, amounts.get(key, 0), books.get(key, 0)) for key in {*amounts, *books})
    return [
        f"dealer {key[0]}, {key[1]}, {key[2]}: orders {amount}, books {booked}"
        for key, amount, booked in sorted(pairs)
        if amount != booked
    ]
