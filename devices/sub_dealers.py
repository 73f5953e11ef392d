"""Dealers under dealers: the one above sees what the one below services, never the other way.

The dealer below says so itself, since it is its customers' machines that are shown.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.dealerships import SubDealer
from devices.visibility import renew_of_dealer
from foundation import audit
from foundation.database import get_scope
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.identity.scope import OrganisationKind

DEEPEST = 8


@dataclass(frozen=True, slots=True)
class DealerPlace:
    """The dealer above, since when, and the dealers below."""

    parent: str | None
    since: datetime | None
    below: tuple[str, ...]


def work_under(session: Session, *, parent: Organisation, at: datetime) -> None:
    """The scope's dealer works under that one from now on.

    Raises:
        Invalid: when the other is no dealer, or works under this one.
        Conflict: when the dealer works under one already.
    """
    own = _own_id(session)
    if parent.kind != OrganisationKind.DEALER or parent.id == own:
        raise Invalid("%(name)s is no other dealer.", field="organisation", name=parent.name)
    if own in _list_above(session, parent.id):
        raise Invalid("%(name)s works under you.", field="organisation", name=parent.name)
    if _find_present(session, own) is not None:
        raise Conflict("You work under a dealer already; end that first.")
    session.add(SubDealer(dealer_id=own, parent_id=parent.id, from_at=at))
    session.flush()
    _take_effect(session, own, parent.id, "begin", at)


def end_work_under(session: Session, *, at: datetime) -> None:
    """The scope's dealer stands alone from now on.

    Raises:
        NotFound: when it works under nobody.
    """
    own = _own_id(session)
    present = _find_present(session, own)
    if present is None:
        raise NotFound("You work under no other dealer.")
    present.to_at = at
    session.flush()
    _take_effect(session, own, present.parent_id, "end", at)


def get_place(session: Session) -> DealerPlace:
    """Where the scope's dealer stands among dealers."""
    own = get_scope(session).organisation_id
    above = (
        select(Organisation.name, SubDealer.from_at)
        .join(SubDealer, SubDealer.parent_id == Organisation.id)
        .where(SubDealer.dealer_id == own, SubDealer.to_at.is_(None))
    )
    below = (
        select(Organisation.name)
        .join(SubDealer, SubDealer.dealer_id == Organisation.id)
        .where(SubDealer.parent_id == own, SubDealer.to_at.is_(None))
        .order_by(Organisation.name)
    )
    found = session.execute(above).first()
    names = tuple(session.scalars(below))
    return (
        DealerPlace(found.name, found.from_at, names) if found else DealerPlace(None, None, names)
    )


def _own_id(session: Session) -> int:
    own = get_scope(session).organisation_id
    if own is None:
        raise Forbidden("The platform itself belongs to no organisation.")
    return own


def _find_present(session: Session, dealer_id: int) -> SubDealer | None:
    query = select(SubDealer).where(SubDealer.dealer_id == dealer_id, SubDealer.to_at.is_(None))
    return session.scalar(query)


def _list_above(session: Session, dealer_id: int) -> list[int]:
    # Past the guard: a circle may close beyond what this dealer sees of the others.
    table, found = SubDealer.__table__, [dealer_id]
    for _ in range(DEEPEST):
        query = select(table.c.parent_id).where(
            table.c.dealer_id == found[-1], table.c.to_at.is_(None)
        )
        parent_id = session.execute(query).scalar()
        if parent_id is None:
            return found
        found.append(parent_id)
    raise Invalid("Dealers stand under each other too deeply.", field="organisation")


def _take_effect(session: Session, dealer_id: int, parent_id: int, act: str, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"devices:sub_dealer:{act}",
        subject_kind="organisation",
        subject_id=dealer_id,
        details={"parent": parent_id},
    )
    renew_of_dealer(session, dealer_id)
