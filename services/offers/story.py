"""Telling what happened to an offer: event, audit row, change feed and outbox row, all at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from foundation import audit
from foundation.changes import announce
from foundation.database import get_scope
from foundation.jobs import enqueue
from services.offers.models import Offer, OfferEvent

OFFER_NOTICE = "offer_notice"
"""Outbox kind of an event; its payload is `{"event_id": int}`."""
FOUND = "found"
CHANGE = "offer"


@dataclass(frozen=True, slots=True)
class OfferAct:
    """What an event is to tell: the act, whether the customer hears of it, and why it was done."""

    act: str
    is_for_customer: bool
    reason: str | None = None
    text: str | None = None


def tell_offer(session: Session, offer: Offer, act: OfferAct, *, at: datetime) -> OfferEvent:
    """Adds the event and everything that follows from it."""
    offer.changed_at = at
    session.flush()
    event = _write(session, offer, act, at)
    audit_offer(session, offer, act.act, at=at, reason=act.reason)
    announce(session, kind=CHANGE, subject_id=offer.id, asset_id=offer.asset_id, at=at)
    enqueue(
        session,
        kind=OFFER_NOTICE,
        payload={"event_id": event.id},
        unique_key=f"{OFFER_NOTICE}:{event.id}",
        at=at,
    )
    return event


def _write(session: Session, offer: Offer, act: OfferAct, at: datetime) -> OfferEvent:
    scope = get_scope(session)
    event = OfferEvent(
        offer_id=offer.id,
        dealer_id=offer.dealer_id,
        customer_id=offer.customer_id,
        act=act.act,
        version=offer.version,
        is_for_customer=act.is_for_customer,
        reason=act.reason,
        text=act.text,
        person_id=scope.person_id,
        organisation_id=scope.organisation_id,
        at=at,
    )
    session.add(event)
    session.flush()
    return event


def audit_offer(
    session: Session, offer: Offer, act: str, *, at: datetime, reason: str | None = None
) -> None:
    """Records who did what to the offer."""
    source = "worker" if get_scope(session).is_system else "portal"
    audit.record(
        session,
        at=at,
        action=f"{source}:offer:{act}",
        subject_kind="offer",
        subject_id=offer.id,
        details={"state": offer.state, "version": offer.version, "reason": reason},
    )
