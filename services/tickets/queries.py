"""Lists and counts of tickets for pages, as frozen values; one ticket as a whole is in detail.py.

The session's scope decides which tickets there are; filters only narrow that down.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, tuple_
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.repair_costs import RepairCost
from devices.sites import Site
from foundation.errors import Invalid, NotFound
from foundation.identity.models import Organisation, Person
from foundation.paging import PAGE_SIZE, Page, decode_cursor, encode_cursor
from foundation.reasons import Reason
from services.tickets.evidence import CauseHint
from services.tickets.models import Ticket
from services.tickets.rules import OPEN_STATES, Origin, TicketState, Visit, ticket_number


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets; an empty field leaves all. `states` None means all open ones."""

    states: Collection[TicketState] | None = None
    assignee_id: int | None = None
    is_unassigned: bool = False
    asset_id: int | None = None
    origin: Origin | None = None


EVERY_STATE = tuple(TicketState)


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket in a list, with its machine; `customer` is whose site the machine stands on."""

    id: int
    number: str
    title: Reason
    state: TicketState
    priority: int
    origin: Origin
    asset_id: int
    asset_name: str
    serial: str
    equipment_model: str
    model_key: str
    site: str
    time_zone: str
    customer: str
    assignee_id: int | None
    assignee: str | None
    opened_at: datetime
    changed_at: datetime
    response_due_at: datetime
    due_at: datetime
    acknowledged_at: datetime | None
    solved_at: datetime | None
    closed_at: datetime | None
    occurrence_count: int
    visit: Visit | None
    cost: RepairCost


def _select_rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Ticket,
            Asset.name,
            Asset.serial,
            EquipmentModel.make,
            EquipmentModel.model,
            EquipmentModel.variant,
            EquipmentModel.key,
            Site.name,
            Site.time_zone,
            Organisation.name,
            Person.name,
        )
        .join(Asset, Asset.id == Ticket.asset_id)
        .join(EquipmentModel, EquipmentModel.id == Asset.equipment_model_id)
        .join(Site, Site.id == Asset.site_id)
        .join(Organisation, Organisation.id == Site.organisation_id)
        .outerjoin(Person, Person.id == Ticket.assignee_id)
    )


def cost_of(likely_cause: dict[str, Any] | None) -> RepairCost:
    """What the repair of a ticket's likely cause costs; empty where nobody said."""
    hint = CauseHint.read(likely_cause)
    return hint.cost if hint else RepairCost()


def _row(found: Any) -> TicketRow:
    ticket, asset, serial, make, model, variant, key, site, zone, customer, assignee = found
    return TicketRow(
        id=ticket.id,
        number=ticket_number(ticket.id),
        title=Reason.from_json(ticket.title),
        state=ticket.state,
        priority=ticket.priority,
        origin=ticket.origin,
        asset_id=ticket.asset_id,
        asset_name=asset,
        serial=serial,
        equipment_model=" ".join(part for part in (make, model, variant) if part),
        model_key=key,
        site=site,
        time_zone=zone,
        customer=customer,
        assignee_id=ticket.assignee_id,
        assignee=assignee,
        opened_at=ticket.opened_at,
        changed_at=ticket.changed_at,
        response_due_at=ticket.response_due_at,
        due_at=ticket.due_at,
        acknowledged_at=ticket.acknowledged_at,
        solved_at=ticket.solved_at,
        closed_at=ticket.closed_at,
        occurrence_count=ticket.occurrence_count,
        visit=ticket.visit,
        cost=cost_of(ticket.likely_cause),
    )


def _conditions(chosen: TicketFilter) -> list[ColumnElement[bool]]:
    states = OPEN_STATES if chosen.states is None else tuple(chosen.states)
    conditions: list[ColumnElement[bool]] = [Ticket.state.in_(states)]
    if chosen.is_unassigned:
        conditions.append(Ticket.assignee_id.is_(None))
    if chosen.assignee_id is not None:
        conditions.append(Ticket.assignee_id == chosen.assignee_id)
    if chosen.asset_id is not None:
        conditions.append(Ticket.asset_id == chosen.asset_id)
    if chosen.origin is not None:
        conditions.append(Ticket.origin == chosen.origin)
    return conditions


def list_queue(
    session: Session,
    chosen: TicketFilter = TicketFilter(),
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[TicketRow]:
    """Tickets by urgency: priority, then due time; the page knows the number of all.

    Raises:
        Invalid: when the cursor is damaged.
    """
    query = _select_rows().where(*_conditions(chosen))
    query = query.order_by(Ticket.priority, Ticket.due_at, Ticket.id)
    if cursor:
        place = tuple_(Ticket.priority, Ticket.due_at, Ticket.id)
        query = query.where(place > _read_place(cursor))
    rows, is_more = _fetch(session, query, limit)
    last = rows[-1] if is_more else None
    key = encode_cursor((last.priority, last.due_at.isoformat(), last.id)) if last else None
    return Page(rows, key, count_tickets(session, chosen))


def _read_place(cursor: str) -> tuple[int, datetime, int]:
    priority, due, ticket_id = decode_cursor(cursor, 3, int, str, int)
    try:
        return int(priority or 0), _instant(due), int(ticket_id or 0)
    except (ValueError, OverflowError) as error:
        raise Invalid("This page address is damaged; start from the first page.") from error


def _instant(text: object) -> datetime:
    instant = datetime.fromisoformat(str(text))
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def list_history(
    session: Session,
    chosen: TicketFilter = TicketFilter(states=EVERY_STATE),
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[TicketRow]:
    """Tickets newest first, whatever their state: of an asset, or a customer's requests.

    Raises:
        Invalid: when the cursor is damaged.
    """
    query = _select_rows().where(*_conditions(chosen)).order_by(Ticket.id.desc())
    if cursor:
        (last,) = decode_cursor(cursor, 1, int)
        if not isinstance(last, int):
            raise Invalid("This page address is damaged; start from the first page.")
        query = query.where(Ticket.id < last)
    rows, is_more = _fetch(session, query, limit)
    key = encode_cursor((rows[-1].id,)) if is_more else None
    return Page(rows, key, count_tickets(session, chosen))


def _fetch(
    session: Session, query: Select[*tuple[Any, ...]], limit: int
) -> tuple[list[TicketRow], bool]:
    found = session.execute(query.limit(limit + 1)).all()
    return [_row(each) for each in found[:limit]], len(found) > limit


def count_tickets(session: Session, chosen: TicketFilter = TicketFilter()) -> int:
    """How many tickets the filter leaves."""
    query = select(func.count(Ticket.id)).where(*_conditions(chosen))
    return session.scalar(query) or 0


def count_states(session: Session) -> dict[TicketState, int]:
    """How many tickets are in each state; every state is there."""
    query = select(Ticket.state, func.count(Ticket.id)).group_by(Ticket.state)
    counted = dict(session.execute(query).all())
    return {state: counted.get(state, 0) for state in TicketState}


@dataclass(frozen=True, slots=True)
class Attention:
    """Open tickets that ask for something, for a home page."""

    open: int
    unassigned: int
    mine: int
    unanswered_late: int
    overdue: int


def count_attention(session: Session, *, person_id: int | None, at: datetime) -> Attention:
    """What is open, whose it is, and what is late at `at`."""
    is_new = Ticket.state == TicketState.NEW
    is_solved = Ticket.state == TicketState.SOLVED
    query = select(
        func.count(Ticket.id),
        func.count(Ticket.id).filter(Ticket.assignee_id.is_(None)),
        func.count(Ticket.id).filter(Ticket.assignee_id == person_id),
        func.count(Ticket.id).filter(is_new, Ticket.response_due_at < at),
        func.count(Ticket.id).filter(~is_solved, Ticket.due_at < at),
    ).where(Ticket.closed_at.is_(None))
    return Attention(*session.execute(query).one())


def list_by_due(
    session: Session, chosen: TicketFilter = TicketFilter(), *, limit: int = PAGE_SIZE
) -> list[TicketRow]:
    """Tickets by what is due next: the first answer of a new one, else its solution."""
    query = _select_rows().where(*_conditions(chosen)).order_by(*_by_due()).limit(limit)
    return [_row(each) for each in session.execute(query)]


def _by_due() -> tuple[Any, ...]:
    due = case(
        (Ticket.state == TicketState.NEW, Ticket.response_due_at),
        (Ticket.state == TicketState.SOLVED, None),
        else_=Ticket.due_at,
    )
    return due.is_(None), due, Ticket.priority, Ticket.id


def list_by_visit(
    session: Session, chosen: TicketFilter = TicketFilter(), *, limit: int = PAGE_SIZE
) -> list[TicketRow]:
    """Tickets by when somebody is to come; those without a visit follow, by what is due next."""
    by_visit = (Ticket.visit_from.is_(None), Ticket.visit_from)
    query = _select_rows().where(*_conditions(chosen)).order_by(*by_visit, *_by_due())
    return [_row(each) for each in session.execute(query.limit(limit))]


def list_visits(session: Session) -> list[TicketRow]:
    """Tickets with a planned visit that somebody is to make, the next visit first."""
    query = _select_rows().where(Ticket.visit_from.is_not(None), Ticket.assignee_id.is_not(None))
    return [_row(each) for each in session.execute(query.order_by(Ticket.visit_from, Ticket.id))]


def find_cause(session: Session, ticket_id: int) -> CauseHint | None:
    """What probably lies behind a ticket, where its equipment model names something."""
    query = select(Ticket.likely_cause).where(Ticket.id == ticket_id)
    return CauseHint.read(session.scalar(query))


def find_open_on_asset(session: Session, asset_id: int) -> TicketRow | None:
    """The asset's open ticket; there is at most one."""
    query = _select_rows().where(Ticket.asset_id == asset_id, Ticket.closed_at.is_(None))
    found = session.execute(query).first()
    return _row(found) if found else None


def get_row(session: Session, ticket_id: int) -> TicketRow:
    """One ticket as in a list.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    return get_ticket_and_row(session, ticket_id)[1]


def get_ticket_and_row(session: Session, ticket_id: int) -> tuple[Ticket, TicketRow]:
    """One ticket, and the same as in a list.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = session.execute(_select_rows().where(Ticket.id == ticket_id)).first()
    if found is None:
        raise NotFound("There is no such ticket.")
    return found[0], _row(found)
