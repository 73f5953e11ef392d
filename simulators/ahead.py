"""A fleet simulated in a process of its own, one stretch ahead of whoever takes its messages.

While a stretch is played the next one is made, so a repair shows from the stretch after that on.
"""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeAlias

from devices.wire.native import encode_telemetry, telemetry_topic
from foundation.errors import Unavailable
from simulators.fleet import Fleet
from simulators.messages import list_messages

_ENDS_S = 5.0
_NEXT = "next"


@dataclass(frozen=True, slots=True)
class Packet:
    """A message as a device sends it, and when."""

    due_ms: int
    topic: str
    payload: bytes


Stretch: TypeAlias = list[Packet]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the other process is to make."""

    fleet: Fleet
    begin_ms: int
    until_ms: int
    stretch_ms: int
    readings_per_message: int


def simulate_ahead(
    fleet: Fleet, begin_ms: int, until_ms: int, *, stretch_ms: int, readings_per_message: int
) -> Iterator[Stretch]:
    """What the fleet sends in each stretch from begin to end, in the order in which it is due.

    Raises:
        Unavailable: when the other process ended before its work was done.
    """
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    plan = _Plan(fleet, begin_ms, until_ms, stretch_ms, readings_per_message)
    process = spawn.Process(target=_work, args=(theirs, plan), name="fleet", daemon=True)
    process.start()
    theirs.close()
    try:
        for _ in range(begin_ms, until_ms, stretch_ms):
            stretch: Stretch = ours.recv()
            ours.send(_NEXT)
            yield stretch
    except (EOFError, OSError) as error:
        raise Unavailable("The simulation of the machines ended too early.") from error
    finally:
        ours.close()
        process.join(_ENDS_S)
        if process.is_alive():
            process.kill()
            process.join()


def _work(pipe: Connection, plan: _Plan) -> None:
    """The other process: makes a stretch, hands it over, and goes on once it was taken."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stretches = plan.fleet.simulate_stretches(
        plan.begin_ms, plan.until_ms, chunk_s=plan.stretch_ms / 1000
    )
    try:
        for chunks in stretches:
            messages = list_messages(
                plan.fleet, chunks, readings_per_message=plan.readings_per_message
            )
            pipe.send(
                [
                    Packet(
                        each.due_ms, telemetry_topic(each.device), encode_telemetry(each.readings)
                    )
                    for each in messages
                ]
            )
            pipe.recv()
    except (EOFError, OSError):
        # Nobody takes what we make any more.
        return
