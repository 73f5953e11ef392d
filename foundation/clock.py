"""The one source of time: every process asks a `Clock`, so that a replay can scale them all.

Instants are aware datetimes in UTC. The system's own clock is read nowhere else.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits in its own seconds."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Returns after `seconds` of this clock."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Waits at most `seconds` of this clock; True when the event was set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(seconds, 0.0))


class ScaledClock:
    """Runs `speed` times as fast as the machine's clock, from `start` on.

    Monotonic time drives it, so a step of the machine's clock does not move it.
    """

    def __init__(self, start: datetime, speed: float, *, is_running: bool = True) -> None:
        self.speed = speed
        self._start = start
        self._zero = time.monotonic() if is_running else None

    def run(self) -> None:
        """Lets a clock go that was made standing."""
        if self._zero is None:
            self._zero = time.monotonic()

    def now(self) -> datetime:
        if self._zero is None:
            return self._start
        elapsed_s = (time.monotonic() - self._zero) * self.speed
        return self._start + timedelta(seconds=elapsed_s)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0) / self.speed)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(seconds, 0.0) / self.speed)


class ManualClock:
    """Stands still until it is moved; sleeping on it moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        self._now = instant

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        self.advance(max(seconds, 0.0))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.sleep(seconds)
        return event.is_set()


def stopwatch_s() -> float:
    """Seconds of the machine's monotonic counter, for measuring how long work took."""
    return time.perf_counter()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(instant: datetime) -> int:
    """Milliseconds since 1970, rounded down; exact, without floating point."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The instant `ms` milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=int(ms))
