"""The people of a running demo as a program: `python -m simulators.people`, until SIGTERM.

Who plays, with their passwords, is read as one line of JSON from the standard input.
"""

import argparse
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path

import msgspec

from foundation.clock import Clock
from foundation.log import set_up_logs
from simulators.ledger import Ledger
from simulators.pace import add_pace, check_pace, make_clock
from simulators.people.cast import Cast
from simulators.people.town import Town

_LOOKS_UP_S = 60.0


def main(arguments: list[str] | None = None) -> None:
    """Entry of the child process."""
    given = _parse(arguments)
    set_up_logs("json")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    cast = msgspec.json.decode(sys.stdin.readline(), type=Cast)
    town = Town(given.url, cast, Ledger(given.ledger), given.seed)
    play(town, make_clock(given), stop)
    town.close()


def play(town: Town, clock: Clock, stop: threading.Event) -> None:
    """Lets the people act at their times by the clock until told to stop."""
    town.begin(clock.now())
    while not stop.is_set():
        town.run_until(clock.now(), lambda due: max(due, clock.now()))
        clock.wait(stop, _wait_s(town, clock.now()))


def _wait_s(town: Town, now: datetime) -> float:
    due = town.diary.next_due
    ahead_s = _LOOKS_UP_S if due is None else (due - now).total_seconds()
    return min(max(ahead_s, 0.05), _LOOKS_UP_S)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.people", description="Plays the people of a demo."
    )
    parser.add_argument("--url", required=True, help="the portal's address")
    parser.add_argument("--ledger", type=Path, required=True, help="the file of the truth")
    parser.add_argument("--seed", type=int, default=1)
    add_pace(parser)
    given = parser.parse_args(arguments)
    check_pace(parser, given)
    return given


if __name__ == "__main__":
    main()
