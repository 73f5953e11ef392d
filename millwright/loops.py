"""The threads of a running Millwright: each repeats a step until told to stop.

A part that is away for a while (`Unavailable`) is waited for; any other fault ends the thread, and
a dead thread ends the process, so that nothing runs on half.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from foundation.clock import stopwatch_s
from foundation.errors import Unavailable

_log = structlog.get_logger(__name__)
_RETRY_S = 1.0

Step = Callable[[], object]


@dataclass
class Loop:
    """Repeats `step` in a thread of its own."""

    name: str
    step: Step
    stop: threading.Event
    failed: threading.Event
    thread: threading.Thread = field(init=False)
    _turned_s: float = field(init=False, default_factory=stopwatch_s)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        self._turned_s = stopwatch_s()
        self.thread.start()

    def silence_s(self) -> float:
        """Seconds since a turn ended well, or since the start."""
        return stopwatch_s() - self._turned_s

    def join(self, timeout_s: float) -> None:
        self.thread.join(timeout_s)

    def end(self, timeout_s: float) -> None:
        """Tells every loop of the same `stop` to end and waits for this one, if it began."""
        self.stop.set()
        if self.thread.ident is not None:
            self.thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._repeat()
        finally:
            if not self.stop.is_set():
                self.failed.set()

    def _repeat(self) -> None:
        is_away = False
        while not self.stop.is_set():
            try:
                self.step()
            except Unavailable as error:
                if not is_away:
                    _log.warning("waiting for a part that is away", loop=self.name, why=str(error))
                is_away = True
                self.stop.wait(_RETRY_S)
            else:
                self._turned_s = stopwatch_s()
                if is_away:
                    _log.info("the part is back", loop=self.name)
                is_away = False
