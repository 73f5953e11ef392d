"""An offer on the network's own machine, made, sent and accepted as the platform and people do."""

from foundation.reasons import Reason
from services.offers.consents import set_consent
from services.offers.kinds.contract import (
    Assumption,
    BenefitUnit,
    Estimate,
    Figure,
    Proposal,
    ValueKind,
)
from services.offers.loading import get_version
from services.offers.making import Parties, make_offer
from services.offers.models import Offer, OfferRule
from services.offers.moves import move_offer
from services.offers.rules import OfferMove, OfferState, Wish
from services.orders.ordering import accept_offer

IDLING = Estimate(4.0, 3.7, 4.3, 28)
FOUND = Proposal(
    trigger=Reason("offer_idles", {"hours": 4.0, "energy": 60.0}),
    figures=(Figure("idle_hours_per_day", IDLING, "h/d", 1_770_000_000_000, 1_772_400_000_000),),
    steps=(Reason("offer_step_saved_energy", {"share": 0.9, "price": 0.2}),),
    assumptions=(Assumption("energy_price", 0.2, "money/kW.h"),),
    benefit=Estimate(3_942.0, 3_700.0, 4_200.0, 28),
    benefit_unit=BenefitUnit.MONEY_PER_YEAR,
    method="daily_mean",
)


def add_rule(network) -> int:
    with network.transaction() as session:
        rule = OfferRule(
            manufacturer_id=network.organisations["maker"],
            equipment_model_id=1,
            key="speed_drive",
            kind="idle_energy",
            parameters={"energy_price": 0.2},
            value_kind=ValueKind.LOWER_COST,
            title="Variable speed drive",
            description="Replaces the fixed drive.",
            currency="EUR",
            price_minor=500_000,
            cost_minor=350_000,
            updated_at=network.clock.now(),
        )
        session.add(rule)
        session.flush()
        for customer in ("customer", "other_customer"):
            organisation_id = network.organisations[customer]
            set_consent(session, organisation_id, is_given=True, at=network.clock.now())
        return rule.id


def propose(network, rule_id, proposal=FOUND) -> int:
    organisations = network.organisations
    parties = Parties(network.asset, organisations["dealer"], organisations["customer"])
    with network.transaction() as session:
        offer = make_offer(
            session,
            rule=session.get_one(OfferRule, rule_id),
            parties=parties,
            proposal=proposal,
            at=network.clock.now(),
            is_held_out=False,
        )
        return offer.id


def add_offer(network) -> int:
    """An offer that was accepted: offer 1 and order 1."""
    offer_id = propose(network, add_rule(network))
    at = network.clock.now()
    with network.transaction() as session:
        # As the manager does; the machine's own ticket would keep them from it.
        offer = session.get_one(Offer, offer_id)
        offer.state, offer.sent_at = OfferState.SENT, at
        get_version(session, offer).sent_at = at
    with network.transaction("customer") as session:
        move_offer(session, offer_id=offer_id, wish=Wish(OfferMove.SEE, 1), at=at)
        accept_offer(session, offer_id=offer_id, version=1, at=at)
    return offer_id
