"""Reads from the broker's log what it refused, and notes it in the audit: each thing once an hour.

Mosquitto answers a forbidden publish with success and tells nobody but its log. What it logs
beside that is much, so the file is emptied before it grows large; what a device may make us write
is bounded as well.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from devices.security.denials import Denial, record_denial
from foundation.clock import Clock, stopwatch_s
from foundation.database import Database
from foundation.identity.scope import Scope
from millwright.broker_access import Rights, is_covered

MAX_LOG_BYTES = 64 * 1024 * 1024
WINDOW_S = 3600.0
MAX_TOPICS_PER_USER = 20
MAX_NOTED = 2000
_AT_ONCE = 4 * 1024 * 1024
_SCOPE = Scope.system("broker")
_log = structlog.get_logger(__name__)

_DENIED = re.compile(r"Denied (PUBLISH|SUBSCRIBE) from (.*?) \((?:.*, )?'(.*)'")
_SUBSCRIBES = re.compile(r"Received SUBSCRIBE from (.*)$")
_FILTER = re.compile(r"^(?:\S+: )?\t(.*) \(QoS [012]\)$")


class LogTail:
    """Whole lines that were added to a file since the last time; bounds the file."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_LOG_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._rest = b""
        self._position = path.stat().st_size if path.exists() else 0

    def read(self) -> list[str]:
        """The lines; none while there is no such file."""
        try:
            with self._path.open("rb") as file:
                added = self._read_added(file)
        except OSError:
            return []
        *lines, self._rest = (self._rest + added).split(b"\n")
        self._rest = self._rest[-_AT_ONCE:]
        self._bound()
        return [line.decode(errors="replace") for line in lines]

    def _read_added(self, file: object) -> bytes:
        size = file.seek(0, 2)  # type: ignore[attr-defined]
        if size < self._position:
            # Somebody emptied or replaced it.
            self._position, self._rest = 0, b""
        file.seek(self._position)  # type: ignore[attr-defined]
        added: bytes = file.read(_AT_ONCE)  # type: ignore[attr-defined]
        self._position += len(added)
        return added

    def _bound(self) -> None:
        if self._position < self._max_bytes:
            return
        try:
            # The broker appends: it goes on at the new end. What it wrote this instant is lost.
            with self._path.open("r+b") as file:
                file.truncate(0)
        except OSError:
            return
        self._position, self._rest = 0, b""


class LogReader:
    """Makes denials of the lines of either broker."""

    def __init__(self, rights_of: Callable[[str], Rights | None]) -> None:
        self._rights_of = rights_of
        self._subscriber: str | None = None

    def read(self, lines: list[str]) -> Iterator[Denial]:
        for line in lines:
            found = self._read_line(line)
            if found is not None:
                yield found

    def _read_line(self, line: str) -> Denial | None:
        asked = _FILTER.match(line) if self._subscriber is not None else None
        if asked is not None and self._subscriber is not None:
            return self._judge(self._subscriber, asked[1])
        subscribes = _SUBSCRIBES.search(line)
        self._subscriber = subscribes[1] if subscribes else None
        denied = _DENIED.search(line) if "Denied " in line else None
        return Denial(denied[2], denied[1].lower(), denied[3]) if denied else None

    def _judge(self, user: str, topic: str) -> Denial | None:
        """Mosquitto grants every subscription and then delivers only what the rights allow."""
        rights = self._rights_of(user)
        if rights is None or is_covered(topic, rights.read):
            return None
        return Denial(user, "subscribe", topic)


class DenialWatch:
    """Notes what is new at once, and at the end of an hour how often it came again."""

    def __init__(self, tail: LogTail, reader: LogReader, database: Database, clock: Clock) -> None:
        self._tail = tail
        self._reader = reader
        self._database = database
        self._clock = clock
        self._began_s = stopwatch_s()
        self._noted: Counter[Denial] = Counter()
        self._of_user: Counter[str] = Counter()
        self._left_out = 0

    def step(self) -> int:
        """Reads on; how many rows were written."""
        due = self._close_window() if stopwatch_s() - self._began_s >= WINDOW_S else []
        due += [each for each in self._reader.read(self._tail.read()) if self._is_new(each)]
        if due:
            with self._database.transaction(_SCOPE) as session:
                for each in due:
                    record_denial(session, each, at=self._clock.now())
        return len(due)

    def _is_new(self, denial: Denial) -> bool:
        if denial in self._noted:
            self._noted[denial] += 1
            return False
        is_full = self._of_user[denial.user] >= MAX_TOPICS_PER_USER
        if is_full or len(self._noted) >= MAX_NOTED:
            self._left_out += 1
            return False
        self._noted[denial] = 0
        self._of_user[denial.user] += 1
        return True

    def _close_window(self) -> list[Denial]:
        if self._left_out:
            _log.warning("the broker refused more than was noted", left_out=self._left_out)
        again = [
            Denial(each.user, each.act, each.topic, times)
            for each, times in self._noted.items()
            if times
        ]
        self._noted.clear()
        self._of_user.clear()
        self._left_out, self._began_s = 0, stopwatch_s()
        return again
