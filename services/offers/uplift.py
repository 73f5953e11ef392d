"""What offering changed: machines that were to be offered something beside those held out.

Every machine counts in the group that it was drawn for, whatever its dealer or customer did then:
who is held out had nobody to veto, so offers that were vetoed or never sent belong to the others.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance
from typing import Any

from scipy.special import stdtrit
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from services.offers.models import Offer
from services.offers.rules import OfferState

# Below this many nothing is said of a group.
LEAST_N = 10
_Z = 1.959964
_UPPER = 0.975


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
        return fmean(self.changes) if self.n >= LEAST_N else None


@dataclass(frozen=True, slots=True)
class Uplift:
    """The effect of a rule: how many ordered, how machines changed with and without offers."""

    ordered: Rate
    offered: Change
    held_out: Change

    @property
    def difference(self) -> float | None:
        """The change of those to be offered beyond that of those held out; None: unknown."""
        if self.offered.value is None or self.held_out.value is None:
            return None
        return self.offered.value - self.held_out.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the difference; None: unknown.

        Welch, "The generalization of 'Student's' problem when several different population
        variances are involved", Biometrika 34 (1947) 28-35: the groups differ in size and spread.
        """
        if self.difference is None:
            return None
        parts = [variance(each.changes) / each.n for each in (self.offered, self.held_out)]
        squares = sum(
            part**2 / (each.n - 1)
            for part, each in zip(parts, (self.offered, self.held_out), strict=True)
        )
        if not squares:
            return self.difference, self.difference
        half = float(stdtrit(sum(parts) ** 2 / squares, _UPPER)) * sqrt(sum(parts))
        return self.difference - half, self.difference + half


def measure_uplift(session: Session, rule_id: int) -> Uplift:
    """The effect of a rule, over everything it found; who ordered, over what was answered."""
    query = select(Offer.asset_id, Offer.state, Offer.sent_at, Offer.watched, Offer.watched_later)
    rows = session.execute(query.where(Offer.rule_id == rule_id).order_by(Offer.id)).all()
    ends = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)
    answered = [row.state for row in rows if row.sent_at is not None and row.state in ends]
    held = [row for row in rows if row.state == OfferState.HELD_OUT]
    offered = [row for row in rows if row.state != OfferState.HELD_OUT]
    accepted = answered.count(OfferState.ACCEPTED)
    return Uplift(Rate(accepted, len(answered)), _change(offered), _change(held))


def _change(rows: Iterable[Row[*tuple[Any, ...]]]) -> Change:
    """A machine counts once, however often the rule spoke of it: its mean."""
    of_machine = defaultdict(list)
    for row in rows:
        if row.watched_later is not None and row.watched != 0:
            of_machine[row.asset_id].append(row.watched_later / row.watched - 1)
    return Change(tuple(fmean(changes) for changes in of_machine.values()))
