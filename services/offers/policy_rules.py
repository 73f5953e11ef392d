"""Pure rules of whether a proposal becomes an offer: consent, quiet, number, control group."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from foundation.reasons import Reason

MAX_CONTROL_PERCENT = 50


@dataclass(frozen=True, slots=True)
class PolicyLimits:
    """What a rule says of its own use, as its manufacturer set it.

    Once its customer was made `max_per_quarter` offers of any rule, this rule adds none.
    """

    max_per_quarter: int
    quiet_days: int
    control_percent: int


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What the policy must know of the asset, its customer, and earlier offers of the rule on it.

    `in_quarter` counts the customer's offers of any rule that were made in this quarter.
    """

    has_consent: bool
    has_dealer: bool
    has_open_alarm: bool = False
    has_open_ticket: bool = False
    has_open_offer: bool = False
    in_quarter: int = 0
    last_ended_at: datetime | None = None


def decide_policy(facts: PolicyFacts, limits: PolicyLimits, at: datetime) -> tuple[Reason, ...]:
    """Everything that speaks against making an offer now; empty when it may be made."""
    quiet_until = _quiet_until(facts, limits)
    grounds = (
        (not facts.has_consent, "offer_no_consent"),
        (not facts.has_dealer, "offer_no_dealer"),
        (facts.has_open_alarm, "offer_alarm_open"),
        (facts.has_open_ticket, "offer_ticket_open"),
        (facts.has_open_offer, "offer_open_already"),
        (facts.in_quarter >= limits.max_per_quarter, "offer_quarter_full"),
        (quiet_until is not None and at < quiet_until, "offer_too_soon"),
    )
    return tuple(Reason(code) for holds, code in grounds if holds)


def _quiet_until(facts: PolicyFacts, limits: PolicyLimits) -> datetime | None:
    if facts.last_ended_at is None:
        return None
    return facts.last_ended_at + timedelta(days=limits.quiet_days)


def decide_sending(facts: PolicyFacts) -> tuple[Reason, ...]:
    """What speaks against sending an offer that was made before."""
    grounds = (
        (not facts.has_consent, "offer_no_consent"),
        (facts.has_open_alarm, "offer_alarm_open"),
        (facts.has_open_ticket, "offer_ticket_open"),
    )
    return tuple(Reason(code) for holds, code in grounds if holds)


def is_held_out(rule_key: str, asset_id: int, percent: int) -> bool:
    """Whether the asset belongs to the rule's control group; always the same answer."""
    digest = hashlib.sha256(f"{rule_key}:{asset_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % 10_000 < percent * 100


def quarter_start(local: datetime) -> datetime:
    """The first instant of the quarter in which a local time lies."""
    month = (local.month - 1) // 3 * 3 + 1
    return local.replace(month=month, day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Rank:
    """Which of several proposals a customer hears of first when there is not room for all."""

    gain: float
    rule_id: int
    asset_id: int


def sort_ranks(ranks: Iterable[Rank]) -> list[Rank]:
    """The best first; equals by rule and asset, so that the order never depends on chance."""
    return sorted(ranks, key=lambda each: (-each.gain, each.rule_id, each.asset_id))
