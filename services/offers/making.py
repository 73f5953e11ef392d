"""Making an offer of a proposal, and the platform's own moves: expiry, withdrawal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from devices.ownership import AssetParty, PartyKind
from foundation.money import Money
from services.offers.kinds.contract import Proposal
from services.offers.models import Offer, OfferConsent, OfferRule, OfferTerms, OfferVersion
from services.offers.moves import make_move
from services.offers.rules import OfferMove, OfferState, Terms, Wish, WithdrawReason
from services.offers.stored import to_stored
from services.offers.story import FOUND, OfferAct, audit_offer, tell_offer


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose offer it is."""

    asset_id: int
    dealer_id: int
    customer_id: int


def make_offer(
    session: Session,
    *,
    rule: OfferRule,
    parties: Parties,
    proposal: Proposal,
    at: datetime,
    is_held_out: bool,
) -> Offer | None:
    """A new offer for the dealer to check, or one that is held out; None when one is open."""
    offer = _draft(rule, parties, proposal, at, is_held_out=is_held_out)
    try:
        with session.begin_nested():
            session.add(offer)
            session.flush()
    except IntegrityError:
        return None
    if is_held_out:
        audit_offer(session, offer, "hold_out", at=at)
        return offer
    session.add_all([_first_version(rule, offer, at), _terms(rule, offer)])
    tell_offer(session, offer, OfferAct(FOUND, is_for_customer=False), at=at)
    return offer


def _draft(
    rule: OfferRule, parties: Parties, proposal: Proposal, at: datetime, *, is_held_out: bool
) -> Offer:
    return Offer(
        rule_id=rule.id,
        rule_version=rule.version,
        asset_id=parties.asset_id,
        manufacturer_id=rule.manufacturer_id,
        dealer_id=parties.dealer_id,
        customer_id=parties.customer_id,
        state=OfferState.HELD_OUT if is_held_out else OfferState.PROPOSED,
        value_kind=rule.value_kind,
        kind=rule.kind,
        currency=rule.currency,
        found=to_stored(proposal),
        benefit=proposal.benefit.value,
        watched=proposal.watched.estimate.value,
        found_at=at,
        changed_at=at,
        valid_until=at + timedelta(days=rule.valid_days),
        ended_at=at if is_held_out else None,
    )


def _first_version(rule: OfferRule, offer: Offer, at: datetime) -> OfferVersion:
    return OfferVersion(
        offer_id=offer.id,
        dealer_id=offer.dealer_id,
        customer_id=offer.customer_id,
        number=1,
        title=rule.title,
        description=rule.description,
        currency=rule.currency,
        price_minor=rule.price_minor,
        made_at=at,
    )


def _terms(rule: OfferRule, offer: Offer) -> OfferTerms:
    terms = terms_of(rule)
    return OfferTerms(
        offer_id=offer.id,
        dealer_id=offer.dealer_id,
        currency=rule.currency,
        cost_minor=terms.cost.minor,
        lowest_minor=terms.lowest.minor,
        highest_minor=terms.highest.minor,
    )


def terms_of(rule: OfferRule) -> Terms:
    """What the rule leaves to the dealer: at least one minor unit stays to pay."""
    price = Money(rule.price_minor, rule.currency)
    share = Decimal(rule.price_range_percent) / 100
    lowest = price.times(1 - share)
    return Terms(
        cost=Money(rule.cost_minor, rule.currency),
        lowest=Money(max(lowest.minor, 1), rule.currency),
        highest=price.times(1 + share),
    )


def sweep_offers(session: Session, *, at: datetime) -> int:
    """Ends offers that stand no more: out of time, without consent, of former parties."""
    ended = 0
    for reason, query in (
        (WithdrawReason.CONSENT_ENDED, _without_consent()),
        (WithdrawReason.PARTIES_CHANGED, _of_former_parties()),
    ):
        for offer in _take(session, query):
            make_move(session, offer, Wish(OfferMove.WITHDRAW, reason=reason), at=at)
            ended += 1
    for offer in _take(session, _open().where(Offer.valid_until <= at)):
        make_move(session, offer, Wish(OfferMove.EXPIRE), at=at)
        ended += 1
    return ended


def _open() -> Select[Offer]:
    return select(Offer).where(Offer.ended_at.is_(None)).order_by(Offer.id)


def _take(session: Session, query: Select[Offer]) -> list[Offer]:
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def _without_consent() -> Select[Offer]:
    holds = exists().where(
        OfferConsent.organisation_id == Offer.customer_id, OfferConsent.ended_at.is_(None)
    )
    return _open().where(~holds)


def _of_former_parties() -> Select[Offer]:
    owns, serves = (
        exists().where(
            AssetParty.asset_id == Offer.asset_id,
            AssetParty.to_at.is_(None),
            and_(AssetParty.kind == kind, AssetParty.organisation_id == party),
        )
        for kind, party in (
            (PartyKind.OWNER, Offer.customer_id),
            (PartyKind.SERVICING, Offer.dealer_id),
        )
    )
    return _open().where(or_(~owns, ~serves))
