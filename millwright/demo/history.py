"""Takes a platform through the time before the demo: machines, its own rules, and its people.

Readings go through ingest, scoring and triage as at any later time, under a clock that is moved
from step to step; people act on the portal, which is served to them on loopback meanwhile.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from foundation.clock import ManualClock, from_ms
from millwright.loops import Loop
from millwright.serve import PortalServer, reserve_port
from millwright.wiring import Platform
from simulators.ahead import Stretch, simulate_ahead
from simulators.fleet import DAY_MS, Fleet
from simulators.ledger import Ledger
from simulators.people.cast import Cast, Trouble
from simulators.people.habits import draw
from simulators.people.person import Chore
from simulators.people.town import Town
from telemetry.mqtt import Message

STEP_MS = 4 * 60 * 60 * 1000
# Readings wait up to a step for their turn, which must not make them late.
HISTORY_SPEED = 2 * STEP_MS / 60_000
_READINGS_IN_MESSAGE = 24
# Triage looks some minutes after a step, so that tickets are not all opened at the full hour.
_TRIAGE_WITHIN_MS = 25 * 60 * 1000
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Played:
    """How far the history came, and what its people met that should not be."""

    reached_ms: int
    troubles: tuple[Trouble, ...]
    requests: int


@dataclass(frozen=True, slots=True)
class Rest:
    """The people of an organisation leave a chore to the visitor from then on."""

    organisation: str
    chore: Chore
    since_ms: int


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """From when to when, and whose people rest at its end."""

    seed: int
    begin_ms: int
    until_ms: int
    rests: tuple[Rest, ...] = ()


def play_history(
    platform: Platform,
    clock: ManualClock,
    fleet: Fleet,
    cast: Cast,
    plan: HistoryPlan,
    *,
    keep: Callable[[int], None],
) -> Played:
    """Plays from begin to end, the fleet simulated ahead in a process of its own.

    `keep` hears once a day how far it came, so that a later start can go on there.
    """
    assert fleet.ledger is not None, "what people mend is written into the ledger"
    with serve_to_people(platform) as url, _town(url, cast, fleet.ledger, plan.seed) as town:
        for rest in plan.rests:
            town.let_rest(rest.organisation, rest.chore, from_ms(rest.since_ms))
        town.begin(from_ms(plan.begin_ms))
        reached_ms = plan.begin_ms
        for end_ms, stretch in _watched(fleet, plan.begin_ms, plan.until_ms):
            _take_in(platform, clock, stretch, end_ms)
            _decide(platform, clock, end_ms, min(end_ms + STEP_MS, plan.until_ms), plan.seed)
            town.run_until(from_ms(min(end_ms + STEP_MS, plan.until_ms)), _setter(clock))
            if end_ms // DAY_MS > reached_ms // DAY_MS:
                keep(end_ms)
            reached_ms = end_ms
        clock.set(max(clock.now(), from_ms(reached_ms)))
        return Played(reached_ms, tuple(town.troubles), town.requests)


def _take_in(platform: Platform, clock: ManualClock, stretch: Stretch, end_ms: int) -> None:
    clock.set(max(clock.now(), from_ms(end_ms)))
    messages = [Message(0, 0, each.topic, each.payload, each.due_ms) for each in stretch]
    platform.ingest.take_in(messages)
    platform.scoring.step()


def _decide(platform: Platform, clock: ManualClock, end_ms: int, next_ms: int, seed: int) -> None:
    looks_ms = end_ms + int(draw(seed, "triage", end_ms // STEP_MS) * _TRIAGE_WITHIN_MS)
    clock.set(from_ms(min(looks_ms, next_ms)))
    platform.worker.step()


def _setter(clock: ManualClock) -> Callable[[datetime], datetime]:
    def set_clock(due: datetime) -> datetime:
        # What was due while triage looked comes after it.
        clock.set(max(clock.now(), due))
        return clock.now()

    return set_clock


def _watched(fleet: Fleet, begin_ms: int, until_ms: int) -> Iterator[tuple[int, Stretch]]:
    """The stretches with their ends, while a bar shows how far we are."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    stretches = simulate_ahead(
        fleet,
        begin_ms,
        until_ms,
        stretch_ms=STEP_MS,
        readings_per_message=_READINGS_IN_MESSAGE,
    )
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("Making history", total=max(until_ms - begin_ms, 1))
        for number, stretch in enumerate(stretches, start=1):
            end_ms = min(begin_ms + number * STEP_MS, until_ms)
            yield end_ms, stretch
            progress.update(task, completed=end_ms - begin_ms)


@contextmanager
def serve_to_people(platform: Platform) -> Iterator[str]:
    """The portal on a free port of this machine's own, as long as history lasts."""
    with ExitStack() as stack:
        listener = reserve_port("127.0.0.1", 0)
        stack.callback(listener.close)
        stop, failed = threading.Event(), threading.Event()
        server = PortalServer(platform, listener, stop)
        loop = Loop("history portal", server.run, stop, failed)
        stack.callback(loop.end, _STOP_S)
        stack.callback(server.end)
        stack.callback(stop.set)
        loop.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _town(url: str, cast: Cast, ledger: Ledger, seed: int) -> Iterator[Town]:
    town = Town(url, cast, ledger, seed)
    try:
        yield town
    finally:
        town.close()
