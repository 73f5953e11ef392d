"""Pure rules of an order: its states and moves, and the books that its amount moves through."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from foundation.identity.scope import Role
from foundation.reasons import Reason


class OrderState(StrEnum):
    """Where an order stands."""

    ORDERED = "ordered"
    CONFIRMED = "confirmed"
    DONE = "done"
    CANCELLED = "cancelled"


class OrderMove(StrEnum):
    """What a dealer does with an order."""

    CONFIRM = "confirm"
    COMPLETE = "complete"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class OrderMoveRule:
    """From which states a move leads where."""

    from_states: frozenset[OrderState]
    to_state: OrderState
    needs_note: bool = False


ORDER_MOVES: Mapping[OrderMove, OrderMoveRule] = {
    OrderMove.CONFIRM: OrderMoveRule(frozenset({OrderState.ORDERED}), OrderState.CONFIRMED),
    OrderMove.COMPLETE: OrderMoveRule(frozenset({OrderState.CONFIRMED}), OrderState.DONE),
    OrderMove.CANCEL: OrderMoveRule(
        frozenset({OrderState.ORDERED, OrderState.CONFIRMED}),
        OrderState.CANCELLED,
        needs_note=True,
    ),
}
FINAL_STATES = frozenset({OrderState.DONE, OrderState.CANCELLED})
MAX_NOTE = 4000


def decide_order_move(
    state: OrderState, move: OrderMove, role: Role | None, note: str = ""
) -> Reason | None:
    """Why the dealer may not make the move now; None when it may."""
    rule = ORDER_MOVES[move]
    if role != Role.DEALER_MANAGER:
        return Reason("order_role_may_not")
    if state not in rule.from_states:
        return Reason("order_wrong_state", {"state": state})
    if rule.needs_note and not note.strip():
        return Reason("order_note_missing")
    return Reason("order_note_long", {"max": MAX_NOTE}) if len(note) > MAX_NOTE else None


def list_order_moves(state: OrderState, role: Role | None) -> tuple[OrderMove, ...]:
    """The moves that the role may make now."""
    if role != Role.DEALER_MANAGER:
        return ()
    return tuple(move for move, rule in ORDER_MOVES.items() if state in rule.from_states)


def is_order_path(before: OrderState, after: OrderState) -> bool:
    """Whether some move leads from one state to the other."""
    return any(
        before in rule.from_states and rule.to_state == after for rule in ORDER_MOVES.values()
    )


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount that enters the account of a state, or leaves it when negative."""

    account: OrderState
    minor: int


def post_opening(minor: int) -> tuple[Posting, ...]:
    """What is booked when an order is made."""
    return (Posting(OrderState.ORDERED, minor),)


def post_move(before: OrderState, after: OrderState, minor: int) -> tuple[Posting, ...]:
    """What is booked when an order moves: out of one account, into the other."""
    return Posting(before, -minor), Posting(after, minor)


def balances(postings: Iterable[Posting]) -> dict[OrderState, int]:
    """What stands in each account."""
    found = dict.fromkeys(OrderState, 0)
    for each in postings:
        found[each.account] += each.minor
    return found
