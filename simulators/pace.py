"""The clock of a child process, which shows what its parent's clock shows, and its arguments."""

import argparse
from datetime import datetime, timedelta

from foundation.clock import Clock, ScaledClock, SystemClock, from_ms, to_ms


def add_pace(parser: argparse.ArgumentParser) -> None:
    """The arguments that `make_clock` reads."""
    add = parser.add_argument
    add("--speed", type=float, default=1.0, help="how much faster than the machine's clock")
    add("--clock-ms", type=int, help="what the scaled clock showed at --at-ms")
    add("--at-ms", type=int, help="the machine's clock at that instant")


def check_pace(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Ends the program with a message when the arguments contradict each other."""
    if (given.clock_ms is None) != (given.at_ms is None):
        parser.error("--clock-ms and --at-ms belong together")
    if given.speed != 1.0 and given.clock_ms is None:
        parser.error("--speed needs --clock-ms and --at-ms")


def make_clock(given: argparse.Namespace) -> Clock:
    """The parent's clock: it showed `clock_ms` when the machine's own showed `at_ms`."""
    if given.clock_ms is None:
        return SystemClock()
    behind = SystemClock().now() - from_ms(given.at_ms)
    now = from_ms(given.clock_ms) + timedelta(seconds=behind.total_seconds() * given.speed)
    return ScaledClock(now, given.speed)


def list_pace(shown: datetime, speed: float) -> list[str]:
    """The arguments for a child whose parent's clock shows that now."""
    return [
        f"--speed={speed}",
        f"--clock-ms={to_ms(shown)}",
        f"--at-ms={to_ms(SystemClock().now())}",
    ]
