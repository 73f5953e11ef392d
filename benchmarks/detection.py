"""How well the detectors find each fault of each simulated machine; prints a table.

Each fault befalls a healthy machine after six weeks, at its usual pace, for each seed and at three
places; machines of the same seeds without a fault run for half a year. The detectors are the
platform's with the shipped definitions, without ingest, store and scoring loop around them.

    python -m benchmarks.detection [--seeds 3] [--kind forklift]
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulators.faults import USUAL_DAYS, USUAL_GROWTH, Fault, FaultKind
from simulators.machines.registry import FAULTS_OF, KINDS
from tests.contracts.machine_watch import DAY_MS, PLACES, START_MS, Raised, watch_machine

HEALTHY_DAYS = 42
WATCHED_AFTER_DAYS = 7
QUIET_DAYS = 180
MONTH_DAYS = 30.4
ONSET_MS = START_MS + HEALTHY_DAYS * DAY_MS


@dataclass(frozen=True, slots=True)
class Run:
    """One fault of one machine: days to full, what was raised before its onset and after."""

    days: float
    before: tuple[Raised, ...]
    after: tuple[Raised, ...]

    @property
    def lead_days(self) -> float:
        """From the first alarm to the full fault; below 0 when it came later."""
        return self.days - (self.after[0].at_ms - ONSET_MS) / DAY_MS


def run_fault(kind: str, fault: FaultKind, seeds: Sequence[int]) -> Iterator[Run]:
    """The fault at every place with every seed."""
    days = USUAL_DAYS[fault]
    spoilt = Fault(fault, ONSET_MS, ONSET_MS + int(days * DAY_MS), USUAL_GROWTH[fault])
    for place in PLACES:
        for seed in seeds:
            length = HEALTHY_DAYS + days + WATCHED_AFTER_DAYS
            raised = watch_machine(kind, seed, place, length, (spoilt,))
            before = tuple(each for each in raised if each.at_ms < ONSET_MS)
            yield Run(days, before, tuple(each for each in raised if each.at_ms >= ONSET_MS))


def describe_fault(fault: FaultKind, runs: Sequence[Run]) -> str:
    """One row: recall, precision, lead and what told of it first."""
    found = [run for run in runs if run.after]
    right, wrong = (
        sum(len({raised.condition for raised in getattr(run, part)}) for run in runs)
        for part in ("after", "before")
    )
    precision = right / (right + wrong) if right + wrong else float("nan")
    first = Counter(_word(run.after[0]) for run in found).most_common(1)
    leads = np.array([run.lead_days for run in found] or [np.nan])
    return (
        f"{fault.value:26}{len(found):4}/{len(runs):<4}{precision:10.2f}"
        f"{np.median(leads):9.1f}{leads.min():9.1f}{runs[0].days:9.0f}  "
        f"{first[0][0] if first else 'missed'}"
    )


def _word(raised: Raised) -> str:
    return f"{raised.condition.split(':')[0]} {raised.metric}"


def count_false(kind: str, seeds: Iterable[int]) -> tuple[int, float]:
    """Alarms of healthy machines, and the months of machines they came in."""
    runs = [watch_machine(kind, seed, place, QUIET_DAYS) for place in PLACES for seed in seeds]
    return sum(len(run) for run in runs), len(runs) * QUIET_DAYS / MONTH_DAYS


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one table for each kind of machine."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.detection")
    parser.add_argument("--seeds", type=int, default=3, help="machines at each place")
    parser.add_argument("--kind", choices=KINDS, help="only this kind of machine")
    options = parser.parse_args(arguments)
    seeds = range(101, 101 + options.seeds)
    for kind in [options.kind] if options.kind else KINDS:
        print(f"\n{kind:26}{'found':>9}{'precision':>10}{'lead':>9}{'least':>9}{'of days':>9}")
        for fault in FAULTS_OF[kind]:
            print(describe_fault(fault, list(run_fault(kind, fault, seeds))), flush=True)
        alarms, months = count_false(kind, seeds)
        print(f"healthy: {alarms} alarms in {months:.0f} months, {alarms / months:.3f} a month")


if __name__ == "__main__":
    main()
