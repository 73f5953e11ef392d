"""A customer's consent to offers from their machines' readings: given, ended, asked for."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.access import Act, require
from foundation import audit
from foundation.database import get_scope
from foundation.errors import Forbidden
from services.offers.models import OfferConsent

PURPOSE = "offers"


def find_consent(session: Session, organisation_id: int) -> OfferConsent | None:
    """The consent that holds now, where the scope may know of it."""
    query = select(OfferConsent).where(
        OfferConsent.organisation_id == organisation_id, OfferConsent.ended_at.is_(None)
    )
    return session.scalar(query)


def has_decided(session: Session, organisation_id: int) -> bool:
    """Whether the customer ever switched offers on."""
    query = select(OfferConsent.id).where(OfferConsent.organisation_id == organisation_id)
    return session.scalar(query.limit(1)) is not None


def set_own_consent(session: Session, *, is_given: bool, at: datetime) -> None:
    """The scope's customer switches offers on or off.

    Raises:
        Forbidden: when the role may not.
    """
    scope = get_scope(session)
    require(scope, Act.ANSWER_OFFERS)
    if scope.organisation_id is None:
        raise Forbidden("The platform itself is no customer.")
    set_consent(session, scope.organisation_id, is_given=is_given, at=at)


def set_consent(session: Session, organisation_id: int, *, is_given: bool, at: datetime) -> None:
    """Gives or ends a customer's consent; what holds already stays as it is."""
    present = find_consent(session, organisation_id)
    if (present is not None) == is_given:
        return
    person_id = get_scope(session).person_id
    if present is None:
        session.add(
            OfferConsent(organisation_id=organisation_id, given_at=at, given_by_id=person_id)
        )
    else:
        present.ended_at, present.ended_by_id = at, person_id
    session.flush()
    _record(session, organisation_id, is_given=is_given, at=at)


def _record(session: Session, organisation_id: int, *, is_given: bool, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:consent:{'give' if is_given else 'end'}",
        subject_kind="organisation",
        subject_id=organisation_id,
        details={"purpose": PURPOSE},
    )
