"""What tickets say together: which failures rise, which models and dealers carry how many.

Every figure comes with its n; a period is compared with the one of the same length before it.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from foundation.identity.models import Organisation, Person
from services.tickets.codes import FailureMode
from services.tickets.models import Ticket
from services.tickets.rules import TicketState

PERIOD = timedelta(days=30)
# Below this many closed tickets a median says nothing.
LEAST_FOR_MEDIAN = 3


@dataclass(frozen=True, slots=True)
class FailureTrend:
    """A failure mode: closed tickets that named it in this period and in the one before."""

    mode: FailureMode
    count: int
    before: int

    @property
    def change(self) -> int:
        return self.count - self.before


@dataclass(frozen=True, slots=True)
class ModelBurden:
    """An equipment model: its machines, and the tickets opened on them in the period."""

    key: str
    title: str
    machines: int
    tickets: int

    @property
    def per_machine(self) -> float:
        return self.tickets / self.machines


@dataclass(frozen=True, slots=True)
class DealerWork:
    """A dealer's desk: what is open and late, and how long closing took, of `closed` tickets."""

    dealer_id: int | None
    dealer: str | None
    open: int
    overdue: int
    closed: int
    median_to_close: timedelta | None


@dataclass(frozen=True, slots=True)
class TechnicianDay:
    """What a technician has in hand, and when the next of it is due."""

    person_id: int
    name: str
    open: int
    overdue: int
    next_due_at: datetime


def list_failure_trends(
    session: Session, *, at: datetime, asset_ids: frozenset[int] | None = None
) -> list[FailureTrend]:
    """Failure modes of tickets closed in the last two periods, the fastest rising first.

    `asset_ids` narrows to the tickets of some machines.
    """
    is_late = Ticket.closed_at >= at - PERIOD
    query = (
        select(
            Ticket.failure_mode,
            func.count(Ticket.id).filter(is_late),
            func.count(Ticket.id).filter(~is_late),
        )
        .where(
            Ticket.failure_mode.is_not(None),
            Ticket.failure_mode != FailureMode.NFF,
            Ticket.closed_at >= at - 2 * PERIOD,
            Ticket.closed_at <= at,
        )
        .group_by(Ticket.failure_mode)
    )
    if asset_ids is not None:
        query = query.where(Ticket.asset_id.in_(asset_ids))
    rows = session.execute(query)
    found = [FailureTrend(mode, count, before) for mode, count, before in rows if mode]
    return sorted(found, key=lambda each: (-each.change, -each.count, each.mode))


def list_model_burdens(session: Session, *, at: datetime) -> list[ModelBurden]:
    """Equipment models by tickets a machine in the last period, the heaviest first."""
    opened = (
        select(Asset.equipment_model_id, func.count(Ticket.id).label("tickets"))
        .join(Asset, Asset.id == Ticket.asset_id)
        .where(Ticket.opened_at >= at - PERIOD)
        .group_by(Asset.equipment_model_id)
    )
    tickets = dict(session.execute(opened).all())
    machines = select(Asset.equipment_model_id, func.count(Asset.id)).group_by(
        Asset.equipment_model_id
    )
    counted = dict(session.execute(machines).all())
    models = session.scalars(select(EquipmentModel).where(EquipmentModel.id.in_(counted)))
    found = [
        ModelBurden(each.key, each.title, counted[each.id], tickets.get(each.id, 0))
        for each in models
    ]
    return sorted(found, key=lambda each: (-each.per_machine, each.title))


def list_dealer_work(session: Session, *, at: datetime) -> list[DealerWork]:
    """Dealers with open tickets or with some closed in the last period, the fullest desk first."""
    waiting = _count_open(session, at)
    spans = _list_spans(session, at)
    names = dict(session.execute(select(Organisation.id, Organisation.name)).all())
    found = [
        _work(key, names.get(key) if key else None, waiting.get(key, (0, 0)), spans.get(key, []))
        for key in waiting.keys() | spans.keys()
    ]
    return sorted(found, key=lambda each: (-each.open, each.dealer or ""))


def _work(
    dealer_id: int | None, name: str | None, waiting: tuple[int, int], spans: list[timedelta]
) -> DealerWork:
    middle = median(each.total_seconds() for each in spans) if spans else 0.0
    shown = timedelta(seconds=middle) if len(spans) >= LEAST_FOR_MEDIAN else None
    return DealerWork(dealer_id, name, *waiting, len(spans), shown)


def _count_open(session: Session, at: datetime) -> dict[int | None, tuple[int, int]]:
    is_late = (Ticket.due_at < at) & (Ticket.state != TicketState.SOLVED)
    query = (
        select(Ticket.dealer_id, func.count(Ticket.id), func.count(Ticket.id).filter(is_late))
        .where(Ticket.closed_at.is_(None))
        .group_by(Ticket.dealer_id)
    )
    return {dealer: (opened, late) for dealer, opened, late in session.execute(query)}


def _list_spans(session: Session, at: datetime) -> dict[int | None, list[timedelta]]:
    query = select(Ticket.dealer_id, Ticket.opened_at, Ticket.closed_at).where(
        Ticket.state == TicketState.CLOSED, Ticket.closed_at >= at - PERIOD
    )
    spans: dict[int | None, list[timedelta]] = defaultdict(list)
    for dealer_id, opened_at, closed_at in session.execute(query):
        if closed_at is not None:
            spans[dealer_id].append(closed_at - opened_at)
    return spans


def list_technician_days(session: Session, *, at: datetime) -> list[TechnicianDay]:
    """Whoever has open tickets in hand, what is due first before the rest."""
    is_late = Ticket.due_at < at
    next_due = func.min(Ticket.due_at)
    query = (
        select(
            Person.id,
            Person.name,
            func.count(Ticket.id),
            func.count(Ticket.id).filter(is_late),
            next_due,
        )
        .join(Ticket, Ticket.assignee_id == Person.id)
        .where(Ticket.closed_at.is_(None), Ticket.state != TicketState.SOLVED)
        .group_by(Person.id, Person.name)
        .order_by(next_due, Person.name)
    )
    return [TechnicianDay(*row) for row in session.execute(query)]
