"""A person's notifications: how many are unread, the list, and marking them as read.

All of them pass by their ticket or offer, so what the person may no longer see is not counted.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from devices.assets import Asset
from foundation.database import get_scope
from foundation.paging import PAGE_SIZE, Page, decode_cursor, encode_cursor
from foundation.reasons import Reason
from services.notifications.models import Notification
from services.notifications.rules import NoticeKind
from services.offers.models import Offer
from services.offers.rules import offer_number
from services.tickets.models import Ticket
from services.tickets.rules import ticket_number


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A line in the person's list."""

    id: int
    kind: NoticeKind
    ticket_id: int | None
    offer_id: int | None
    number: str
    title: Reason
    asset_name: str
    created_at: datetime
    read_at: datetime | None


def count_unread(session: Session) -> int:
    """How many notifications the scope's person has not read."""
    query = (
        select(func.count(Notification.id))
        .outerjoin(Ticket, Ticket.id == Notification.ticket_id)
        .outerjoin(Offer, Offer.id == Notification.offer_id)
        .where(Notification.person_id == get_scope(session).person_id, _is_seen())
        .where(Notification.read_at.is_(None))
    )
    return session.scalar(query) or 0


def list_notifications(
    session: Session, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[NotificationRow]:
    """The scope's person's notifications, newest first.

    Raises:
        Invalid: when the cursor is damaged.
    """
    query = (
        select(Notification, Ticket.title, Asset.name)
        .outerjoin(Ticket, Ticket.id == Notification.ticket_id)
        .outerjoin(Offer, Offer.id == Notification.offer_id)
        .join(Asset, Asset.id == func.coalesce(Ticket.asset_id, Offer.asset_id))
        .where(Notification.person_id == get_scope(session).person_id, _is_seen())
        .order_by(Notification.id.desc())
    )
    if cursor:
        (last,) = decode_cursor(cursor, 1, int)
        query = query.where(Notification.id < last)
    found = session.execute(query.limit(limit + 1)).all()
    rows = [_row(*each) for each in found[:limit]]
    return Page(rows, encode_cursor((rows[-1].id,)) if len(found) > limit else None)


def _is_seen() -> ColumnElement[bool]:
    return or_(Ticket.id.is_not(None), Offer.id.is_not(None))


def _row(
    notification: Notification, title: dict[str, object] | None, asset_name: str
) -> NotificationRow:
    ticket_id, offer_id = notification.ticket_id, notification.offer_id
    return NotificationRow(
        id=notification.id,
        kind=notification.kind,
        ticket_id=ticket_id,
        offer_id=offer_id,
        number=offer_number(offer_id or 0) if ticket_id is None else ticket_number(ticket_id),
        title=Reason.from_json(title) if title else Reason("title_offer"),
        asset_name=asset_name,
        created_at=notification.created_at,
        read_at=notification.read_at,
    )


def mark_read(
    session: Session, *, at: datetime, ticket_id: int | None = None, offer_id: int | None = None
) -> None:
    """Marks the scope's person's notifications as read: of one ticket or offer, or all of them."""
    change = update(Notification).where(
        Notification.person_id == get_scope(session).person_id, Notification.read_at.is_(None)
    )
    if ticket_id is not None:
        change = change.where(Notification.ticket_id == ticket_id)
    if offer_id is not None:
        change = change.where(Notification.offer_id == offer_id)
    session.execute(change.values(read_at=at))
