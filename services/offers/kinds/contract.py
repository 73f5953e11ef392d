"""What every kind of offer is given and gives back: a history in, a proposal or silence out.

A kind is a pure function. It sees nothing but the asset's own readings, the facts handed to it and
the parameters of its rule, so the same history always gives the same answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from foundation.reasons import Reason

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class ValueKind(StrEnum):
    """What an offer is good for."""

    LOWER_RISK = "lower_risk"
    LOWER_COST = "lower_cost"
    MORE_REVENUE = "more_revenue"
    MORE_EFFICIENCY = "more_efficiency"


class BenefitUnit(StrEnum):
    """What a benefit is counted in; money is in the rule's currency."""

    MONEY_PER_YEAR = "money/a"
    HOURS = "h"
    PROBABILITY = "share"


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule says: how far back it looks, and how many days it must have seen of it."""

    window_days: int = 28
    least_days: int = 14


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the asset beside its readings; `serviced_hours` at its last service."""

    serviced_hours: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class History:
    """One asset's own readings in time order, every metric that the kind needs present in each.

    `at_ms` and `local_ms` (n,): epoch ms, and the same moved to the clock of the asset's site.
    `held_s` (n,): how long each reading stands for, at most a few reporting intervals.
    `values`: metric → (n,) in the unit that the kind asked for.
    """

    at_ms: Times
    local_ms: Times
    held_s: Floats
    values: Mapping[str, Floats]
    facts: Facts = field(default_factory=Facts)

    def __len__(self) -> int:
        return len(self.at_ms)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the interval that holds it with 95 % confidence; `n` is what it rests on."""

    value: float
    low: float
    high: float
    n: int

    def times(self, factor: float) -> "Estimate":
        """The figure and its interval in other measure."""
        ends = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, ends[0], ends[1], self.n)


@dataclass(frozen=True, slots=True)
class Figure:
    """Something measured: what (a code), in which unit, over which time, from how many of what."""

    code: str
    estimate: Estimate
    unit: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that was not measured but stated in the rule."""

    code: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Why this asset should be offered something, and what its owner gains.

    `figures` begin with what the rule watches; it is measured again later. `steps` are the
    arithmetic from figures and assumptions to the benefit.
    """

    trigger: Reason
    figures: tuple[Figure, ...]
    steps: tuple[Reason, ...]
    assumptions: tuple[Assumption, ...]
    benefit: Estimate
    benefit_unit: BenefitUnit
    method: str

    @property
    def watched(self) -> Figure:
        """What the rule watches."""
        return self.figures[0]


@dataclass(frozen=True, slots=True)
class Silence:
    """Why nothing is offered; `watched` is what was measured, as far as that was possible."""

    reason: Reason
    watched: Figure | None = None


Answer = Proposal | Silence


@dataclass(frozen=True, slots=True)
class Kind:
    """A pure function with what it takes: its parameters, and metrics with the unit it wants."""

    name: str
    value_kind: ValueKind
    parameters: type[Parameters]
    needs: Callable[[Any], Mapping[str, str]]
    propose: Callable[[History, Any], Answer]
