"""Loading an offer in order to change it: locked, fresh, and only where the scope sees it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.money import Money
from services.offers.models import Offer, OfferTerms, OfferVersion
from services.offers.rules import OfferFacts, Terms


def get_offer_to_change(session: Session, offer_id: int) -> Offer:
    """The offer, locked against others until the transaction ends.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    query = select(Offer).where(Offer.id == offer_id).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("There is no such offer.")
    return found


def get_version(session: Session, offer: Offer, number: int | None = None) -> OfferVersion:
    """One version of the offer, by default the one that stands now.

    Raises:
        NotFound: when the scope does not see it.
    """
    wanted = offer.version if number is None else number
    query = select(OfferVersion).where(
        OfferVersion.offer_id == offer.id, OfferVersion.number == wanted
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such version of the offer.")
    return found


def get_terms(session: Session, offer_id: int) -> Terms:
    """What the dealer alone knows of the offer.

    Raises:
        NotFound: for everybody else.
    """
    found = session.scalar(select(OfferTerms).where(OfferTerms.offer_id == offer_id))
    if found is None:
        raise NotFound("There is no such offer.")
    cost, lowest, highest = (
        Money(minor, found.currency)
        for minor in (found.cost_minor, found.lowest_minor, found.highest_minor)
    )
    return Terms(cost, lowest, highest)


def facts_of(offer: Offer) -> OfferFacts:
    """What the rules must know of it."""
    return OfferFacts(offer.state, offer.version, offer.valid_until)
