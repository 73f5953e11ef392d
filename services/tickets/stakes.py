"""What is at stake on open tickets: how much more a repair costs once the part has failed."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.repair_costs import RepairCost
from foundation.money import Money
from services.tickets.models import Ticket
from services.tickets.queries import cost_of
from services.tickets.rules import TicketState


@dataclass(frozen=True, slots=True)
class Stakes:
    """A sum for each currency, of the `known` tickets; of `unknown` ones nobody said."""

    sums: tuple[Money, ...]
    known: int
    unknown: int


def add_stakes(costs: Iterable[RepairCost]) -> Stakes:
    """The sums of what is at stake; amounts of different currencies are never added."""
    sums: dict[str, Money] = {}
    known = unknown = 0
    for each in costs:
        if each.at_stake is None:
            unknown += 1
            continue
        known += 1
        before = sums.get(each.at_stake.currency)
        sums[each.at_stake.currency] = before + each.at_stake if before else each.at_stake
    return Stakes(tuple(sums[currency] for currency in sorted(sums)), known, unknown)


def count_stakes(session: Session) -> Stakes:
    """What is at stake on all open tickets that are not solved yet."""
    query = select(Ticket.likely_cause).where(
        Ticket.closed_at.is_(None), Ticket.state != TicketState.SOLVED
    )
    return add_stakes(cost_of(each) for each in session.scalars(query))
