"""What offering changed: who was sent a rule's offers beside who was held out, each with n."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.offers.models import Offer
from services.offers.rules import OfferState

# Below this many nothing is said of a group.
LEAST_N = 10
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many, with Wilson's 95 % interval; `value` None says unknown."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n >= LEAST_N else None

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval; everything from 0 to 1 when nothing was counted."""
        if not self.n:
            return 0.0, 1.0
        share, square = self.hits / self.n, _Z * _Z
        middle = (share + square / (2 * self.n)) / (1 + square / self.n)
        spread = sqrt(share * (1 - share) / self.n + square / (4 * self.n**2))
        half = _Z * spread / (1 + square / self.n)
        # Rounding must not push the ends past the share itself.
        return max(min(middle - half, share), 0.0), min(max(middle + half, share), 1.0)


@dataclass(frozen=True, slots=True)
class Change:
    """How what the rule watches changed from the offer to a window later, as a share of before."""

    changes: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.changes)

    @property
    def value(self) -> float | None:
        return sum(self.changes) / self.n if self.n >= LEAST_N else None


@dataclass(frozen=True, slots=True)
class Uplift:
    """The effect of a rule: how many ordered, how machines changed with and without offers."""

    ordered: Rate
    offered: Change
    held_out: Change

    @property
    def difference(self) -> float | None:
        """The change of those offered beyond that of those held out; None: unknown."""
        if self.offered.value is None or self.held_out.value is None:
            return None
        return self.offered.value - self.held_out.value


def measure_uplift(session: Session, rule_id: int) -> Uplift:
    """The effect of a rule, over all its offers that were answered, ran out or were held out."""
    query = select(Offer.state, Offer.sent_at, Offer.watched, Offer.watched_later)
    rows = session.execute(query.where(Offer.rule_id == rule_id)).all()
    ends = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)
    answered = [state for state, sent_at, _, _ in rows if sent_at is not None and state in ends]
    sent = [(w, later) for _, sent_at, w, later in rows if sent_at is not None]
    held = [(w, later) for state, _, w, later in rows if state == OfferState.HELD_OUT]
    accepted = answered.count(OfferState.ACCEPTED)
    return Uplift(Rate(accepted, len(answered)), _change(sent), _change(held))


def _change(pairs: Sequence[tuple[float, float | None]]) -> Change:
    return Change(
        tuple(later / before - 1 for before, later in pairs if later is not None and before != 0)
    )
