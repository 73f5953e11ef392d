"""What people do with an offer: check it, change its words and price, send it, answer it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from foundation.database import get_scope
from foundation.money import Money
from services.offers.facts import find_standing
from services.offers.loading import facts_of, get_offer_to_change, get_terms, get_version
from services.offers.models import Offer, OfferVersion
from services.offers.policy_rules import decide_sending
from services.offers.refusals import OfferRefused, WordingRefused
from services.offers.rules import (
    AT_CUSTOMER,
    FINAL_STATES,
    OfferMove,
    OfferState,
    Wish,
    check_wording,
    decide_move,
    is_sent_by,
)
from services.offers.story import OfferAct, tell_offer

MAX_NOTE = 4000


def move_offer(
    session: Session, *, offer_id: int, wish: Wish, at: datetime, text: str = ""
) -> Offer:
    """Takes the offer to the state the move leads to.

    Raises:
        NotFound: when the scope does not see the offer.
        OfferRefused: when the rules do not allow the move now, to this role, or of that version.
    """
    offer = get_offer_to_change(session, offer_id)
    if wish.move == OfferMove.SEE and offer.state == OfferState.SEEN:
        return offer
    make_move(session, offer, wish, at=at, text=text)
    return offer


def make_move(session: Session, offer: Offer, wish: Wish, *, at: datetime, text: str = "") -> None:
    """Makes the move on a locked offer, if the rules allow it to the session's scope.

    Raises:
        OfferRefused: with the reasons.
    """
    to_state = check_move(session, offer, wish, at=at)
    was_at_customer = offer.sent_at is not None
    offer.state = to_state
    offer.reason = wish.reason
    _stamp(session, offer, wish.move, at)
    note = text.replace("\x00", "").strip()[:MAX_NOTE] or None
    is_for_customer = was_at_customer or offer.sent_at is not None
    tell_offer(session, offer, OfferAct(wish.move, is_for_customer, wish.reason, note), at=at)


def check_move(session: Session, offer: Offer, wish: Wish, *, at: datetime) -> OfferState:
    """Where the move leads; refuses what the rules do not allow now to the session's scope.

    Raises:
        OfferRefused: with the reasons.
    """
    to_state, refused = decide_move(facts_of(offer), wish, get_scope(session).role, at)
    if refused is not None:
        raise OfferRefused(refused)
    if is_sent_by(wish.move, offer.state):
        against = decide_sending(find_standing(session, offer.asset_id, offer.customer_id))
        if against:
            raise OfferRefused(*against)
    return to_state


def _stamp(session: Session, offer: Offer, move: OfferMove, at: datetime) -> None:
    if move == OfferMove.SEND:
        offer.sent_at = at
        # The customer has as long as the rule gave, counted from when they could read it.
        offer.valid_until = at + (offer.valid_until - offer.found_at)
        get_version(session, offer).sent_at = at
    if move in (OfferMove.SEE, OfferMove.ACCEPT, OfferMove.DECLINE):
        offer.seen_at = offer.seen_at or at
    if move == OfferMove.ACCEPT:
        offer.accepted_version = offer.version
    if offer.state in FINAL_STATES:
        offer.ended_at = at


@dataclass(frozen=True, slots=True)
class Wording:
    """What an offer says and costs, as its dealer wants it; `version` is what they changed."""

    version: int
    title: str
    description: str
    price: Money


def edit_offer(session: Session, *, offer_id: int, wording: Wording, at: datetime) -> Offer:
    """Gives the offer a new version; one that was sent is sent anew, for it was not seen yet.

    That is refused, like sending, while an alarm or ticket is open on the machine.

    Raises:
        NotFound: when the scope does not see the offer.
        OfferRefused: when it cannot be edited now, or changed meanwhile.
        WordingRefused: when title, text or price break a rule.
    """
    offer = get_offer_to_change(session, offer_id)
    wish = Wish(OfferMove.EDIT, wording.version)
    to_state = check_move(session, offer, wish, at=at)
    _check(session, offer, wording)
    is_at_customer = offer.state in AT_CUSTOMER
    offer.version += 1
    offer.state, offer.seen_at = to_state, None
    session.add(_next_version(session, offer, wording, at, is_at_customer=is_at_customer))
    tell_offer(session, offer, OfferAct(OfferMove.EDIT, is_at_customer), at=at)
    return offer


def _check(session: Session, offer: Offer, wording: Wording) -> None:
    terms = get_terms(session, offer.id)
    faults = check_wording(wording.title, wording.description, wording.price, terms)
    if faults:
        field, reason = faults[0]
        raise WordingRefused(reason, field=field)


def _next_version(
    session: Session, offer: Offer, wording: Wording, at: datetime, *, is_at_customer: bool
) -> OfferVersion:
    return OfferVersion(
        offer_id=offer.id,
        dealer_id=offer.dealer_id,
        customer_id=offer.customer_id,
        number=offer.version,
        title=wording.title.strip(),
        description=wording.description.strip(),
        currency=wording.price.currency,
        price_minor=wording.price.minor,
        made_at=at,
        sent_at=at if is_at_customer else None,
        person_id=get_scope(session).person_id,
    )
