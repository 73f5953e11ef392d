"""Reads of offers for pages, as frozen values; price and margin are None for who must not know."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.sites import Site
from foundation.errors import Invalid, NotFound
from foundation.identity.models import Organisation, Person
from foundation.money import Money
from foundation.paging import PAGE_SIZE, Page, decode_cursor, encode_cursor
from services.offers.kinds.contract import Proposal, ValueKind
from services.offers.models import Offer, OfferEvent, OfferRule, OfferTerms, OfferVersion
from services.offers.rules import OPEN_STATES, OfferState, offer_number
from services.offers.stored import from_stored


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer as its reader may know it."""

    id: int
    number: str
    title: str
    description: str
    state: OfferState
    value_kind: ValueKind
    version: int
    reason: str | None
    asset_id: int
    asset_name: str
    serial: str
    model_key: str
    equipment_model: str
    site: str
    time_zone: str
    dealer: str
    customer: str
    currency: str
    price: Money | None
    cost: Money | None
    lowest: Money | None
    highest: Money | None
    proposal: Proposal
    found_at: datetime
    sent_at: datetime | None
    valid_until: datetime
    ended_at: datetime | None

    @property
    def margin(self) -> Money | None:
        """What stays with the dealer; known to them alone."""
        if self.price is None or self.cost is None:
            return None
        return self.price - self.cost


def _select_rows() -> Select[*tuple[Any, ...]]:
    dealer, customer = aliased(Organisation), aliased(Organisation)
    stands = and_(OfferVersion.offer_id == Offer.id, OfferVersion.number == Offer.version)
    return (
        select(
            Offer,
            Asset,
            EquipmentModel,
            Site,
            dealer.name,
            customer.name,
            OfferVersion,
            OfferTerms,
            OfferRule.title,
        )
        .join(Asset, Asset.id == Offer.asset_id)
        .join(EquipmentModel, EquipmentModel.id == Asset.equipment_model_id)
        .join(Site, Site.id == Asset.site_id)
        .join(dealer, dealer.id == Offer.dealer_id)
        .join(customer, customer.id == Offer.customer_id)
        .outerjoin(OfferVersion, stands)
        .outerjoin(OfferTerms, OfferTerms.offer_id == Offer.id)
        .outerjoin(OfferRule, OfferRule.id == Offer.rule_id)
    )


def _row(found: Any) -> OfferRow:
    offer, asset, model, site, dealer, customer, version, terms, rule_title = found
    return OfferRow(
        id=offer.id,
        number=offer_number(offer.id),
        title=version.title if version else rule_title or offer_number(offer.id),
        description=version.description if version else "",
        state=offer.state,
        value_kind=offer.value_kind,
        version=offer.version,
        reason=offer.reason,
        asset_id=asset.id,
        asset_name=asset.name,
        serial=asset.serial,
        model_key=model.key,
        equipment_model=model.title,
        site=site.name,
        time_zone=site.time_zone,
        dealer=dealer,
        customer=customer,
        currency=offer.currency,
        price=Money(version.price_minor, version.currency) if version else None,
        cost=Money(terms.cost_minor, terms.currency) if terms else None,
        lowest=Money(terms.lowest_minor, terms.currency) if terms else None,
        highest=Money(terms.highest_minor, terms.currency) if terms else None,
        proposal=from_stored(offer.found),
        found_at=offer.found_at,
        sent_at=offer.sent_at,
        valid_until=offer.valid_until,
        ended_at=offer.ended_at,
    )


def list_offers(
    session: Session,
    states: Collection[OfferState],
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[OfferRow]:
    """Offers in some states, newest first, with how many there are.

    Raises:
        Invalid: when the cursor is damaged.
    """
    query = _select_rows().where(Offer.state.in_(states)).order_by(Offer.id.desc())
    if cursor:
        (last,) = decode_cursor(cursor, 1, int)
        if not isinstance(last, int):
            raise Invalid("This page address is damaged; start from the first page.")
        query = query.where(Offer.id < last)
    found = session.execute(query.limit(limit + 1)).all()
    rows = [_row(each) for each in found[:limit]]
    key = encode_cursor((rows[-1].id,)) if len(found) > limit else None
    return Page(rows, key, count_offers(session, states))


def count_offers(session: Session, states: Collection[OfferState]) -> int:
    """How many offers the scope sees in these states."""
    return session.scalar(select(func.count(Offer.id)).where(Offer.state.in_(states))) or 0


def get_offer(session: Session, offer_id: int) -> OfferRow:
    """One offer.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = session.execute(_select_rows().where(Offer.id == offer_id)).first()
    if found is None:
        raise NotFound("There is no such offer.")
    return _row(found)


def list_offers_of(session: Session, asset_id: int, *, limit: int = 10) -> list[OfferRow]:
    """The offers of one machine that the scope sees: the open ones first, then the newest."""
    is_over = Offer.ended_at.is_not(None)
    query = _select_rows().where(Offer.asset_id == asset_id, Offer.state != OfferState.HELD_OUT)
    found = session.execute(query.order_by(is_over, Offer.id.desc()).limit(limit))
    return [_row(each) for each in found]


def count_open_offers(session: Session) -> int:
    """How many offers wait for somebody: for homes and menus."""
    return count_offers(session, OPEN_STATES)


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of an offer's story."""

    act: str
    version: int
    reason: str | None
    text: str | None
    person: str | None
    organisation: str | None
    at: datetime


def list_story(session: Session, offer_id: int) -> list[StoryLine]:
    """What happened to the offer, oldest first, as far as the scope may read it."""
    query = (
        select(OfferEvent, Person.name, Organisation.name)
        .outerjoin(Person, Person.id == OfferEvent.person_id)
        .outerjoin(Organisation, Organisation.id == OfferEvent.organisation_id)
        .where(OfferEvent.offer_id == offer_id)
        .order_by(OfferEvent.id)
    )
    return [
        StoryLine(each.act, each.version, each.reason, each.text, person, organisation, each.at)
        for each, person, organisation in session.execute(query)
    ]


def list_versions(session: Session, offer_id: int) -> list[OfferVersion]:
    """All versions of the offer that the scope sees, oldest first."""
    query = select(OfferVersion).where(OfferVersion.offer_id == offer_id)
    return list(session.scalars(query.order_by(OfferVersion.number)))


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule with what became of its offers."""

    rule: OfferRule
    made: int
    sent: int
    accepted: int
    declined: int
    held_out: int


def list_rules(session: Session) -> list[RuleRow]:
    """The manufacturer's rules by key, with the number of their offers."""
    return [RuleRow(rule, *counts) for rule, *counts in session.execute(_select_rules())]


def get_rule_row(session: Session, rule_id: int) -> RuleRow:
    """One rule with the number of its offers.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = session.execute(_select_rules().where(OfferRule.id == rule_id)).first()
    if found is None:
        raise NotFound("There is no such rule.")
    rule, *counts = found
    return RuleRow(rule, *counts)


def _select_rules() -> Select[*tuple[Any, ...]]:
    def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(Offer.id).filter(condition)

    return (
        select(
            OfferRule,
            counted(Offer.state != OfferState.HELD_OUT),
            counted(Offer.sent_at.is_not(None)),
            counted(Offer.state == OfferState.ACCEPTED),
            counted(Offer.state == OfferState.DECLINED),
            counted(Offer.state == OfferState.HELD_OUT),
        )
        .outerjoin(Offer, Offer.rule_id == OfferRule.id)
        .group_by(OfferRule.id)
        .order_by(OfferRule.key)
    )
