"""Pure rules of an offer's life: its states, who may make which move, what a move must say.

Whether an offer may be made at all is decided in policy_rules.py; what is offered in kinds/.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from foundation.identity.scope import Role
from foundation.money import Money
from foundation.reasons import Reason


class OfferState(StrEnum):
    """Where an offer stands; one that is held out is never shown to anybody it would be for."""

    HELD_OUT = "held_out"
    PROPOSED = "proposed"
    VETOED = "vetoed"
    SENT = "sent"
    SEEN = "seen"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class OfferMove(StrEnum):
    """Something that happens to an offer."""

    EDIT = "edit"
    VETO = "veto"
    SEND = "send"
    SEE = "see"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


class VetoReason(StrEnum):
    """Why a dealer does not want to send it."""

    NOT_FITTING = "not_fitting"
    EVIDENCE_WRONG = "evidence_wrong"
    CUSTOMER_RELATION = "customer_relation"
    NO_CAPACITY = "no_capacity"
    OTHER = "other"


class DeclineReason(StrEnum):
    """Why a customer does not want it."""

    TOO_EXPENSIVE = "too_expensive"
    NOT_NEEDED = "not_needed"
    NOT_NOW = "not_now"
    NOT_CONVINCED = "not_convinced"
    ELSEWHERE = "elsewhere"
    OTHER = "other"


class WithdrawReason(StrEnum):
    """Why an offer does not stand any more; the last two are the platform's own."""

    MISTAKE = "mistake"
    CIRCUMSTANCES = "circumstances"
    CONSENT_ENDED = "consent_ended"
    PARTIES_CHANGED = "parties_changed"


OPEN_STATES = (OfferState.PROPOSED, OfferState.SENT, OfferState.SEEN)
FINAL_STATES = frozenset(OfferState) - frozenset(OPEN_STATES)
AT_CUSTOMER = (OfferState.SENT, OfferState.SEEN)
MAX_TITLE, MAX_TEXT = 200, 4000
_DEALER = frozenset({Role.DEALER_MANAGER})
_CUSTOMER = frozenset({Role.CUSTOMER})


@dataclass(frozen=True, slots=True)
class MoveRule:
    """Where a move leads from each state; `roles` may make it, the platform if `by_platform`."""

    leads: Mapping[OfferState, OfferState]
    roles: frozenset[Role] = frozenset()
    by_platform: bool = False
    reasons: type[StrEnum] | None = None


def _from(states: tuple[OfferState, ...], to_state: OfferState) -> dict[OfferState, OfferState]:
    return dict.fromkeys(states, to_state)


MOVES: Mapping[OfferMove, MoveRule] = {
    # Whoever saw the offer before an edit has not seen what it says now.
    OfferMove.EDIT: MoveRule(
        _from((OfferState.PROPOSED,), OfferState.PROPOSED) | _from(AT_CUSTOMER, OfferState.SENT),
        _DEALER,
    ),
    OfferMove.VETO: MoveRule(
        _from((OfferState.PROPOSED,), OfferState.VETOED), _DEALER, reasons=VetoReason
    ),
    OfferMove.SEND: MoveRule(_from((OfferState.PROPOSED,), OfferState.SENT), _DEALER),
    OfferMove.SEE: MoveRule(_from((OfferState.SENT,), OfferState.SEEN), _CUSTOMER),
    OfferMove.ACCEPT: MoveRule(_from(AT_CUSTOMER, OfferState.ACCEPTED), _CUSTOMER),
    OfferMove.DECLINE: MoveRule(
        _from(AT_CUSTOMER, OfferState.DECLINED), _CUSTOMER, reasons=DeclineReason
    ),
    OfferMove.WITHDRAW: MoveRule(
        _from(AT_CUSTOMER, OfferState.WITHDRAWN)
        | _from((OfferState.PROPOSED,), OfferState.WITHDRAWN),
        _DEALER,
        by_platform=True,
        reasons=WithdrawReason,
    ),
    OfferMove.EXPIRE: MoveRule(_from(OPEN_STATES, OfferState.EXPIRED), by_platform=True),
}
# These answer what stands on a page: the page must show the version that stands now.
OF_VERSION = frozenset(
    {OfferMove.EDIT, OfferMove.SEND, OfferMove.SEE, OfferMove.ACCEPT, OfferMove.DECLINE}
)


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """What the rules must know of an offer."""

    state: OfferState
    version: int
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """A move somebody wants to make: the version they saw, and why, where a reason is needed."""

    move: OfferMove
    version: int | None = None
    reason: str | None = None


def decide_move(
    offer: OfferFacts, wish: Wish, role: Role | None, at: datetime
) -> tuple[OfferState, Reason | None]:
    """Where the move leads, and why it may not be made (None: it may); role None: the platform."""
    rule = MOVES[wish.move]
    refused = (
        _refuse_role(rule, wish, role)
        or _refuse_state(rule, wish, offer, at)
        or _refuse_version(wish, offer)
        or _refuse_reason(rule, wish)
    )
    return rule.leads.get(offer.state, offer.state), refused


_FIRST_NUMBER = 5000


def offer_number(offer_id: int) -> str:
    """The number that people say, such as O-5042."""
    return f"O-{_FIRST_NUMBER + offer_id}"


def list_moves(offer: OfferFacts, role: Role | None, at: datetime) -> tuple[OfferMove, ...]:
    """The moves that this role may make now."""
    return tuple(
        move
        for move, rule in MOVES.items()
        if not _refuse_role(rule, Wish(move), role)
        and not _refuse_state(rule, Wish(move), offer, at)
    )


def _refuse_role(rule: MoveRule, wish: Wish, role: Role | None) -> Reason | None:
    if role in rule.roles or (role is None and rule.by_platform):
        return None
    return Reason("offer_role_may_not", {"move": wish.move})


def _refuse_state(rule: MoveRule, wish: Wish, offer: OfferFacts, at: datetime) -> Reason | None:
    if offer.state not in rule.leads:
        return Reason("offer_wrong_state", {"state": offer.state})
    is_over = at >= offer.valid_until
    if is_over and wish.move in (OfferMove.SEND, OfferMove.ACCEPT):
        return Reason("offer_over")
    if not is_over and wish.move == OfferMove.EXPIRE:
        return Reason("offer_still_valid")
    return None


def _refuse_version(wish: Wish, offer: OfferFacts) -> Reason | None:
    if wish.move in OF_VERSION and wish.version != offer.version:
        return Reason("offer_changed", {"version": offer.version})
    return None


def _refuse_reason(rule: MoveRule, wish: Wish) -> Reason | None:
    if rule.reasons is not None and wish.reason not in list(rule.reasons):
        return Reason("offer_reason_missing")
    return None


def is_sent_by(move: OfferMove, state: OfferState) -> bool:
    """Whether the move brings the customer something new to read."""
    return move == OfferMove.SEND or (move == OfferMove.EDIT and state in AT_CUSTOMER)


def is_path(before: OfferState, after: OfferState, role: Role) -> bool:
    """Whether some move that the role may make leads from one state to the other."""
    return any(rule.leads.get(before) == after and role in rule.roles for rule in MOVES.values())


@dataclass(frozen=True, slots=True)
class Terms:
    """What the dealer alone knows: the cost, and between which prices they may choose."""

    cost: Money
    lowest: Money
    highest: Money


def check_wording(
    title: str, description: str, price: Money, terms: Terms
) -> tuple[tuple[str, Reason], ...]:
    """What is wrong with an offer's words and price, by field; empty when it may stand."""
    faults: list[tuple[str, Reason]] = []
    if not title.strip():
        faults.append(("title", Reason("offer_title_missing")))
    for field, text, most in (("title", title, MAX_TITLE), ("description", description, MAX_TEXT)):
        if len(text) > most:
            faults.append((field, Reason("offer_text_long", {"max": most})))
    if price.currency != terms.lowest.currency:
        faults.append(
            ("price", Reason("offer_wrong_currency", {"currency": terms.lowest.currency}))
        )
    elif not terms.lowest.minor <= price.minor <= terms.highest.minor:
        faults.append(("price", _outside(terms)))
    return tuple(faults)


def _outside(terms: Terms) -> Reason:
    return Reason(
        "offer_price_outside",
        {
            "low": str(terms.lowest.amount),
            "high": str(terms.highest.amount),
            "currency": terms.lowest.currency,
        },
    )
