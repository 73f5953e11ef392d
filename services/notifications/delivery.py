"""Delivery of notices: the outbox row of an entry becomes one notification for each recipient.

Delivery may run twice; who was told already is not told again.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.ownership import PartyKind, find_party
from foundation.identity.models import Membership, Person
from foundation.identity.people import list_members
from foundation.identity.scope import Role
from foundation.jobs import Handler
from services.notifications.models import Notification
from services.notifications.rules import (
    EntryFacts,
    Group,
    Notice,
    decide_notice,
    decide_offer_notice,
)
from services.offers.models import OfferEvent
from services.offers.story import OFFER_NOTICE
from services.tickets.models import Ticket, TicketEntry
from services.tickets.story import NOTICE


def handle_ticket_notice(session: Session, payload: dict[str, Any]) -> None:
    """Writes the notifications of an entry; `payload` is `{"entry_id": int}`."""
    entry = session.get_one(TicketEntry, payload["entry_id"])
    ticket = session.get_one(Ticket, entry.ticket_id)
    dealer_id = _find_party_id(session, ticket.asset_id, PartyKind.SERVICING)
    notice = decide_notice(_facts(entry), has_dealer=dealer_id is not None)
    if notice is None:
        return
    told = _list_told(session, entry.id)
    for person_id in _list_recipients(session, notice, ticket, dealer_id):
        if person_id in told or person_id == entry.person_id:
            continue
        session.add(
            Notification(
                person_id=person_id,
                ticket_id=ticket.id,
                entry_id=entry.id,
                kind=notice.kind,
                created_at=entry.written_at,
            )
        )
    session.flush()


def _facts(entry: TicketEntry) -> EntryFacts:
    codes = [str(reason["code"]) for reason in entry.reasons]
    return EntryFacts(entry.kind, entry.audience, entry.move, codes)


def _find_party_id(session: Session, asset_id: int, kind: PartyKind) -> int | None:
    # Who serves or owns it now, not at the ticket's opening: former parties hear no more of it.
    party = find_party(session, asset_id, kind)
    return party.organisation_id if party else None


def _list_told(session: Session, entry_id: int) -> set[int]:
    query = select(Notification.person_id).where(Notification.entry_id == entry_id)
    return set(session.scalars(query))


def _list_recipients(
    session: Session, notice: Notice, ticket: Ticket, dealer_id: int | None
) -> list[int]:
    """Ids of the active people in the notice's groups, each once, lowest first."""
    found: set[int] = set()
    if Group.MANAGERS in notice.groups:
        found |= _people_of(session, dealer_id, Role.DEALER_MANAGER)
    if Group.ASSIGNEE in notice.groups:
        found |= _assignee_of(session, ticket, dealer_id)
    if Group.CUSTOMER in notice.groups:
        owner_id = _find_party_id(session, ticket.asset_id, PartyKind.OWNER)
        found |= _people_of(session, owner_id, Role.CUSTOMER)
    if Group.MANUFACTURER in notice.groups:
        maker_id = _find_manufacturer_id(session, ticket.asset_id)
        found |= _people_of(session, maker_id, Role.MANUFACTURER)
    return sorted(found)


def _people_of(session: Session, organisation_id: int | None, role: Role) -> set[int]:
    if organisation_id is None:
        return set()
    return {person.id for person in list_members(session, organisation_id, role)}


def _assignee_of(session: Session, ticket: Ticket, dealer_id: int | None) -> set[int]:
    query = (
        select(Person.id)
        .join(Membership)
        .where(
            Person.id == ticket.assignee_id,
            Person.is_active,
            Membership.organisation_id == dealer_id,
        )
    )
    return set(session.scalars(query))


def _find_manufacturer_id(session: Session, asset_id: int) -> int | None:
    query = (
        select(EquipmentModel.manufacturer_id)
        .join(Asset, Asset.equipment_model_id == EquipmentModel.id)
        .where(Asset.id == asset_id)
    )
    return session.scalar(query)


def handle_offer_notice(session: Session, payload: dict[str, Any]) -> None:
    """Writes the notifications of an offer's event; `payload` is `{"event_id": int}`."""
    event = session.get_one(OfferEvent, payload["event_id"])
    notice = decide_offer_notice(event.act, is_for_customer=event.is_for_customer)
    if notice is None:
        return
    query = select(Notification.person_id).where(Notification.offer_event_id == event.id)
    told = {event.person_id, *session.scalars(query)}
    for person_id in sorted(_offer_recipients(session, notice, event) - told):
        session.add(
            Notification(
                person_id=person_id,
                offer_id=event.offer_id,
                offer_event_id=event.id,
                kind=notice.kind,
                created_at=event.at,
            )
        )
    session.flush()


def _offer_recipients(session: Session, notice: Notice, event: OfferEvent) -> set[int]:
    found: set[int] = set()
    if Group.MANAGERS in notice.groups:
        found |= _people_of(session, event.dealer_id, Role.DEALER_MANAGER)
    if Group.CUSTOMER in notice.groups:
        found |= _people_of(session, event.customer_id, Role.CUSTOMER)
    return found


HANDLERS: Mapping[str, Handler] = {
    NOTICE: handle_ticket_notice,
    OFFER_NOTICE: handle_offer_notice,
}
"""What the worker runs, by job kind."""
