"""What the policy must know of assets and customers, asked of the tables in a few queries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from devices.assets import Asset
from devices.ownership import AssetParty, PartyKind
from devices.sites import Site
from services.offers.models import Offer, OfferConsent
from services.offers.policy_rules import PolicyFacts
from services.tickets.models import Ticket
from telemetry.alarms.models import Alarm


@dataclass(frozen=True, slots=True)
class Subject:
    """An asset whose owner lets its readings be used for offers; they count from `owned_at`."""

    asset_id: int
    time_zone: str
    customer_id: int
    dealer_id: int | None
    owned_at: datetime


def list_subjects(session: Session, equipment_model_id: int) -> list[Subject]:
    """The model's assets of customers with consent; readings of others are not even read."""
    owner, dealer = aliased(AssetParty), aliased(AssetParty)
    query = (
        select(
            Asset.id, Site.time_zone, owner.organisation_id, dealer.organisation_id, owner.from_at
        )
        .join(Site, Site.id == Asset.site_id)
        .join(owner, _party(owner, PartyKind.OWNER))
        .join(
            OfferConsent,
            (OfferConsent.organisation_id == owner.organisation_id)
            & OfferConsent.ended_at.is_(None),
        )
        .outerjoin(dealer, _party(dealer, PartyKind.SERVICING))
        .where(Asset.equipment_model_id == equipment_model_id)
        .order_by(Asset.id)
    )
    return [Subject(*row) for row in session.execute(query)]


def _party(party: type[AssetParty], kind: PartyKind) -> ColumnElement[bool]:
    return (party.asset_id == Asset.id) & (party.kind == kind) & party.to_at.is_(None)


def find_standing(session: Session, asset_id: int, customer_id: int) -> PolicyFacts:
    """What speaks for or against an offer on the asset at this moment, apart from its history."""
    consent = select(OfferConsent.id).where(
        OfferConsent.organisation_id == customer_id, OfferConsent.ended_at.is_(None)
    )
    return PolicyFacts(
        has_consent=session.scalar(consent) is not None,
        has_dealer=True,
        has_open_alarm=bool(list_with_alarm(session, [asset_id])),
        has_open_ticket=bool(list_with_ticket(session, [asset_id])),
    )


def is_in_repair(session: Session, asset_id: int) -> bool:
    """Whether an alarm or a ticket is open on the asset."""
    return bool(list_with_alarm(session, [asset_id]) or list_with_ticket(session, [asset_id]))


def list_with_alarm(session: Session, asset_ids: Collection[int]) -> frozenset[int]:
    """Those of the assets that have an open alarm."""
    query = select(Alarm.asset_id).where(Alarm.asset_id.in_(asset_ids), Alarm.closed_at.is_(None))
    return frozenset(session.scalars(query))


def list_with_ticket(session: Session, asset_ids: Collection[int]) -> frozenset[int]:
    """Those of the assets that have an open ticket."""
    query = select(Ticket.asset_id).where(
        Ticket.asset_id.in_(asset_ids), Ticket.closed_at.is_(None)
    )
    return frozenset(session.scalars(query))


def count_since(session: Session, since: datetime) -> dict[int, int]:
    """How many offers each customer was made since then; what was held out counts as well.

    Otherwise a control group would leave its customers more room than the others have.
    """
    query = (
        select(Offer.customer_id, func.count(Offer.id))
        .where(Offer.found_at >= since)
        .group_by(Offer.customer_id)
    )
    return dict(session.execute(query).all())


def list_last_ended(session: Session, rule_id: int) -> dict[int, datetime]:
    """When the rule's last offer on each asset ended."""
    query = (
        select(Offer.asset_id, func.max(Offer.ended_at))
        .where(Offer.rule_id == rule_id)
        .group_by(Offer.asset_id)
    )
    return {asset_id: at for asset_id, at in session.execute(query) if at is not None}


def list_open(session: Session, rule_id: int) -> frozenset[int]:
    """The assets on which the rule has an open offer."""
    query = select(Offer.asset_id).where(Offer.rule_id == rule_id, Offer.ended_at.is_(None))
    return frozenset(session.scalars(query))


def list_serviced_hours(session: Session, rule_id: int) -> dict[int, float]:
    """The running hours at which each asset last got what the rule offers."""
    query = (
        select(Offer.asset_id, func.max(Offer.done_hours))
        .where(Offer.rule_id == rule_id)
        .group_by(Offer.asset_id)
    )
    return {asset_id: hours for asset_id, hours in session.execute(query) if hours is not None}


def list_consenting(session: Session) -> frozenset[int]:
    """The customers whose consent holds now."""
    query = select(OfferConsent.organisation_id).where(OfferConsent.ended_at.is_(None))
    return frozenset(session.scalars(query))
