"""Which machines get which faults when, for any period, all from one seed.

The rate is the demonstration's, not the world's: two faults for three machines in a period.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulators.faults import TRAITS, Fault, FaultKind, Growth
from simulators.machines.registry import FAULTS_OF

_DAY_MS = 86_400_000
# What comes before is healthy for all, so that it can serve as the normal period.
HEALTHY_SHARE = 0.3
_FAULTS_PER_MACHINE = (0.6, 0.72)
_AGAIN_SHARE = 0.15
_WEAK_BATCH_ODDS = 2.5
_WEAKNESS_SHARE = 0.45
# Of the usual days from onset to full, and at most so much of the period.
_PACE = (0.5, 1.1)
_LONGEST_SHARE = 0.3
_BLOCKAGE_AFTER_MS = 5 * 60_000
_BLOCKAGE_FULL_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Member:
    """What the plan knows of a machine; `never_rests` where work goes on at any hour."""

    device: str
    kind: str
    weakness: FaultKind | None
    never_rests: bool


@dataclass(frozen=True, slots=True)
class Period:
    """Faults begin in [begin_ms, end_ms); those mended by the owner are so before its end."""

    begin_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.begin_ms


Plan = dict[str, tuple[Fault, ...]]
"""Device → its faults by onset, for those that have any."""


def plan_faults(seed: int, members: Sequence[Member], start_ms: int, end_ms: int) -> Plan:
    """Faults in [start_ms, end_ms) and, at the same rate, in as long again for who watches on.

    - Nothing begins in the first `HEALTHY_SHARE`.
    - Every kind of fault of a kind of machine comes once before one comes twice, but for machines
      of a weak batch, which fall ill more often, and mostly of their weakness.
    - Faults are spread evenly over the time. The owner's own people mend the earlier ones a
      while after they are full, if nobody did before; the later ones stay. Some get another.
    - One machine, at a site that never rests, has its cooler blocked just after the end:
      something to watch happen.
    """
    random = np.random.default_rng(seed)
    length_ms = end_ms - start_ms
    watched = _find_watched(random, members)
    others = [each for each in members if each is not watched]
    first = Period(start_ms + int(HEALTHY_SHARE * length_ms), end_ms)
    plan = _plan_period(random, others, first)
    still_ill = {device for device, faults in plan.items() if faults[-1].cleared_ms is None}
    well = [each for each in others if each.device not in still_ill]
    later = _plan_period(random, well, Period(end_ms + _DAY_MS, end_ms + first.length_ms))
    for device, faults in later.items():
        plan[device] = plan.get(device, ()) + faults
    if watched is not None:
        plan[watched.device] = (_plan_blockage(end_ms),)
    return plan


def _find_watched(random: np.random.Generator, members: Sequence[Member]) -> Member | None:
    fitting = [
        each
        for each in members
        if each.never_rests and FaultKind.OIL_COOLER_CLOGGING in FAULTS_OF[each.kind]
    ]
    return fitting[random.integers(len(fitting))] if fitting else None


def _plan_blockage(end_ms: int) -> Fault:
    onset_ms = end_ms + _BLOCKAGE_AFTER_MS
    return Fault(
        FaultKind.OIL_COOLER_CLOGGING, onset_ms, onset_ms + _BLOCKAGE_FULL_MS, Growth.STEADY
    )


def _plan_period(random: np.random.Generator, members: Sequence[Member], period: Period) -> Plan:
    count = round(len(members) * random.uniform(*_FAULTS_PER_MACHINE))
    again = round(count * _AGAIN_SHARE)
    chosen = _choose(random, members, count - again)
    kinds = _Kinds(random)
    plan: Plan = {}
    for place, member in enumerate(chosen):
        onset_ms = period.begin_ms + int(period.length_ms * _place(random, place, len(chosen)))
        plan[member.device] = (_plan_fault(random, kinds.draw(member), onset_ms, period),)
    # Who fell ill first had the most time to do so again.
    for member in chosen[:again]:
        (once,) = plan[member.device]
        if once.cleared_ms is not None and once.cleared_ms < period.end_ms:
            onset_ms = int(random.uniform(once.cleared_ms, period.end_ms))
            plan[member.device] += (_plan_fault(random, kinds.draw(member), onset_ms, period),)
    return plan


def _choose(random: np.random.Generator, members: Sequence[Member], count: int) -> list[Member]:
    if not members:
        return []
    odds = np.array([_WEAK_BATCH_ODDS if each.weakness else 1.0 for each in members])
    order = random.choice(len(members), size=count, replace=False, p=odds / odds.sum())
    return [members[number] for number in random.permutation(order)]


def _place(random: np.random.Generator, place: int, count: int) -> float:
    """Somewhere in its own part of the period, which keeps clear of the very end."""
    return float((place + random.uniform()) / count) * 0.97


def _plan_fault(
    random: np.random.Generator, kind: FaultKind, onset_ms: int, period: Period
) -> Fault:
    trait = TRAITS[kind]
    usual_ms = trait.days * _DAY_MS * random.uniform(*_PACE)
    full_ms = onset_ms + max(int(min(usual_ms, _LONGEST_SHARE * period.length_ms)), 1)
    mended_ms = full_ms + int(random.uniform(0.06, 0.15) * period.length_ms)
    cleared_ms = mended_ms if mended_ms < period.end_ms else None
    return Fault(kind, onset_ms, full_ms, trait.growth, cleared_ms)


class _Kinds:
    """Deals the kinds of fault of each kind of machine, all of them before one comes again."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._decks: dict[str, Iterator[FaultKind]] = {}

    def draw(self, member: Member) -> FaultKind:
        if member.weakness is not None and self._random.uniform() < _WEAKNESS_SHARE:
            return member.weakness
        deck = self._decks.setdefault(member.kind, self._deal(member.kind))
        return next(deck)

    def _deal(self, kind: str) -> Iterator[FaultKind]:
        while True:
            for place in self._random.permutation(len(FAULTS_OF[kind])):
                yield FAULTS_OF[kind][place]
