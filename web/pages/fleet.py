"""The fleet as a reader sees it: the state of each machine, ordered, counted and paged.

Rows are light and in memory for one request; only the fifty that are shown are read in full.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from devices.fleet_index import (
    DEFAULT_INTERVAL_S,
    FleetEntry,
    FleetFilter,
    list_fleet,
    list_intervals,
)
from foundation.clock import to_ms
from foundation.paging import PAGE_SIZE, Key, Page, decode_cursor, encode_cursor
from services.tickets.by_asset import list_urgency
from telemetry.health import MachineState, count_states, list_states
from telemetry.latest import Latest
from web.pages.fleet_view import EVERYTHING, FleetView
from web.request_scope import get_runtime, get_session, now

_RANKS = {state: rank for rank, state in enumerate(MachineState)}
_NO_TICKET = (9, 0)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The machines that a filter leaves, with their states and what lists are ordered by."""

    entries: Sequence[FleetEntry]
    states: Mapping[int, MachineState]
    urgency: Mapping[int, tuple[int, datetime]]
    latest: Latest

    def in_state(self, state: MachineState | None) -> Iterable[FleetEntry]:
        """The machines in one state, or all."""
        if state is None:
            return self.entries
        return (each for each in self.entries if self.states[each.id] == state)

    def count(self) -> dict[MachineState, int]:
        """How many machines are in each state, worst first."""
        return count_states(self.states.values())


def load_fleet(chosen: FleetFilter = EVERYTHING) -> Fleet:
    """The machines that the reader sees and the filter leaves."""
    session, latest = get_session(), get_runtime().latest
    entries = list_fleet(session, chosen)
    urgency = list_urgency(session)
    states = list_states(
        session, latest, _expect(session, entries), now=now(), with_ticket=urgency.keys()
    )
    return Fleet(entries, states, urgency, latest)


def _expect(session: Session, entries: Sequence[FleetEntry]) -> dict[int, float]:
    intervals = list_intervals(session)
    return {each.id: intervals.get(each.model_id, DEFAULT_INTERVAL_S) for each in entries}


def turn_to(fleet: Fleet, view: FleetView, cursor: str | None) -> Page[int]:
    """One page of the view: ids in its order, how many there are, and how to go on.

    Raises:
        Invalid: when the cursor is damaged.
    """
    make_key, kinds = _choose_key(fleet, view.sort)
    chosen = list(fleet.in_state(view.state))
    keys: Iterable[Key] = map(make_key, chosen)
    if cursor:
        last = decode_cursor(cursor, len(kinds), *kinds)
        keys = _after(keys, last, is_reversed=view.is_reversed)
    pick = heapq.nlargest if view.is_reversed else heapq.nsmallest
    found = pick(PAGE_SIZE + 1, keys)
    shown = found[:PAGE_SIZE]
    following = encode_cursor(shown[-1]) if len(found) > PAGE_SIZE else None
    return Page([int(key[-1] or 0) for key in shown], following, len(chosen))


def _after(keys: Iterable[Key], last: Key, *, is_reversed: bool) -> Iterable[Key]:
    if is_reversed:
        return (key for key in keys if key < last)
    return (key for key in keys if key > last)


def _choose_key(fleet: Fleet, sort: str) -> tuple[Callable[[FleetEntry], Key], tuple[type, ...]]:
    """How a machine is placed in an order, ending in its id, and the types of that key."""
    heard = fleet.latest.at_ms(each.id for each in fleet.entries) if sort == "heard" else {}
    keys: dict[str, tuple[Callable[[FleetEntry], Key], tuple[type, ...]]] = {
        "name": (lambda e: (e.name.casefold(), e.id), (str, int)),
        "state": (
            lambda e: (_RANKS[fleet.states[e.id]], e.name.casefold(), e.id),
            (int, str, int),
        ),
        "heard": (lambda e: (heard.get(e.id, 0), e.name.casefold(), e.id), (int, str, int)),
        "ticket": (
            lambda e: (*_place_ticket(fleet.urgency.get(e.id)), e.name.casefold(), e.id),
            (int, int, str, int),
        ),
    }
    return keys[sort]


def _place_ticket(urgency: tuple[int, datetime] | None) -> tuple[int, int]:
    return _NO_TICKET if urgency is None else (urgency[0], to_ms(urgency[1]))


def list_worst(fleet: Fleet, limit: int) -> list[int]:
    """The machines that are not well, worst first."""
    unwell = (each for each in fleet.entries if fleet.states[each.id] != MachineState.WELL)
    keys = ((_RANKS[fleet.states[e.id]], e.name.casefold(), e.id) for e in unwell)
    return [key[-1] for key in heapq.nsmallest(limit, keys)]
