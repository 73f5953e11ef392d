"""What was detected held against what was done: the rule, and the figures it gives.

The rule. A detection is a ticket that alarms opened or joined, with the time of each. It finds a
fault of the same device when one of its times lies between the fault's onset and `GRACE_MS` after
its end; the first such time of any detection is when the fault was found. A detection that finds
nothing is a false alarm. A fault that nobody found is missed once it was full or is over; before
that it is pending and counts for nothing. What has not begun is left out.

Recall is found ÷ (found + missed), precision the share of detections that found something, lead
the hours from the finding until the fault is full, negative when it was full before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import median

from simulators.faults import Fault

GRACE_MS = 24 * 3_600_000
MONTH_MS = 30 * 86_400_000
_HOUR_MS = 3_600_000
TOTAL = "total"
# Two standard deviations: the interval holds the true share 19 times in 20.
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that was put into a device's machine, of that kind of machine."""

    device: str
    machine: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Detection:
    """A ticket: when alarms opened or joined it."""

    device: str
    machine: str
    times_ms: tuple[int, ...]


class Outcome(StrEnum):
    """What became of a fault by the time of the look."""

    FOUND = "found"
    MISSED = "missed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Judged:
    """A fault with its outcome; `lead_h` only where it was found."""

    done: Done
    outcome: Outcome
    found_ms: int | None = None

    @property
    def lead_h(self) -> float | None:
        if self.found_ms is None:
            return None
        return (self.done.fault.full_ms - self.found_ms) / _HOUR_MS


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies, 19 times in 20 (Wilson, 1927)."""
        if not self.of:
            return None
        share, n = self.count / self.of, self.of
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        return max(middle - half, 0.0), min(middle + half, 1.0)


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """How the faults of one kind, or all, were found."""

    name: str
    recall: Share
    pending: int
    leads_h: tuple[float, ...]

    @property
    def median_lead_h(self) -> float | None:
        return median(self.leads_h) if self.leads_h else None


@dataclass(frozen=True, slots=True)
class MachineFigures:
    """How right the detections on one kind of machine, or all, were."""

    name: str
    precision: Share
    asset_months: float

    @property
    def false_alarms(self) -> int:
        return self.precision.of - self.precision.count

    @property
    def false_alarms_per_asset_month(self) -> float | None:
        return self.false_alarms / self.asset_months if self.asset_months > 0.0 else None


@dataclass(frozen=True, slots=True)
class Score:
    """The figures by kind of fault and by kind of machine, the total last in each."""

    by_fault: list[FaultFigures]
    by_machine: list[MachineFigures]


def judge(done: Iterable[Done], detections: Sequence[Detection], *, until_ms: int) -> list[Judged]:
    """What became of each fault that has begun before `until_ms`."""
    return [
        _judge_one(each, detections, until_ms) for each in done if each.fault.onset_ms < until_ms
    ]


def _judge_one(done: Done, detections: Sequence[Detection], until_ms: int) -> Judged:
    times_ms = [
        at_ms
        for each in detections
        if each.device == done.device
        for at_ms in each.times_ms
        if _is_within(at_ms, done.fault) and at_ms < until_ms
    ]
    if times_ms:
        return Judged(done, Outcome.FOUND, min(times_ms))
    return Judged(done, Outcome.MISSED if _is_due(done.fault, until_ms) else Outcome.PENDING)


def _is_within(at_ms: int, fault: Fault) -> bool:
    is_over = fault.cleared_ms is not None and at_ms > fault.cleared_ms + GRACE_MS
    return at_ms >= fault.onset_ms and not is_over


def _is_due(fault: Fault, until_ms: int) -> bool:
    is_over = fault.cleared_ms is not None and fault.cleared_ms <= until_ms
    return fault.full_ms <= until_ms or is_over


def is_right(detection: Detection, done: Iterable[Done]) -> bool:
    """Whether it found anything that was done to its device."""
    return any(
        _is_within(at_ms, each.fault)
        for each in done
        if each.device == detection.device
        for at_ms in detection.times_ms
    )


def score(
    done: Sequence[Done],
    detections: Sequence[Detection],
    *,
    asset_months: dict[str, float],
    until_ms: int,
) -> Score:
    """The figures at `until_ms`; `asset_months` is kind of machine → how long it was watched."""
    judged = judge(done, detections, until_ms=until_ms)
    kinds = sorted({each.done.fault.kind.value for each in judged})
    right = {each: is_right(each, done) for each in detections}

    def figure(name: str, is_meant: Callable[[str], bool]) -> MachineFigures:
        meant = [each for each in detections if is_meant(each.machine)]
        months = sum(length for kind, length in asset_months.items() if is_meant(kind))
        return MachineFigures(name, Share(sum(right[each] for each in meant), len(meant)), months)

    return Score(
        by_fault=[
            *(_sum_up(kind, [e for e in judged if e.done.fault.kind == kind]) for kind in kinds),
            _sum_up(TOTAL, judged),
        ],
        by_machine=[
            *(figure(kind, kind.__eq__) for kind in sorted(asset_months)),
            figure(TOTAL, lambda _: True),
        ],
    )


def _sum_up(name: str, judged: Sequence[Judged]) -> FaultFigures:
    found = [each for each in judged if each.outcome is Outcome.FOUND]
    missed = sum(each.outcome is Outcome.MISSED for each in judged)
    leads_h = tuple(each.lead_h for each in found if each.lead_h is not None)
    pending = len(judged) - len(found) - missed
    return FaultFigures(name, Share(len(found), len(found) + missed), pending, leads_h)
