"""Live pages: one thread reads the feed of changes and hands them to the streams that see them.

Streams hold bounded mailboxes, so a slow reader loses old events and nobody waits for it. The
routes are in portal/live.py; what a page does with an event is in frontend/src/live.js.
"""

import json
import secrets
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from devices.access import Act, list_visible, may
from foundation.changes import Change, last_number, list_changes
from foundation.clock import stopwatch_s
from foundation.database import Database
from foundation.errors import Unavailable
from foundation.identity.scope import Scope
from telemetry.latest import Latest

POLL_S = 0.5
READING_PAUSE_S = 1.0
WINDOW_S = 10.0
VISIBLE_FOR_S = 5.0
VISIBLE_KEPT = 10_000
MAILBOX = 64
HISTORY = 1_000
PAGE = 500
STREAMS_PER_PERSON = 12
# Changes that belong to no machine are told to the roles that may look at such things.
_ACT_OF_KIND = {
    "quarantine": Act.SEE_QUARANTINE,
    "catalogue": Act.ADMINISTER_CATALOGUE,
    "offer_rule": Act.ADMINISTER_OFFERS,
}
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Event:
    """Something a page is told; `id` lets a page that lost its stream go on where it was."""

    name: str
    detail: dict[str, str]
    id: str | None = None

    def as_text(self) -> str:
        """The event in the form of an event stream."""
        number = f"id: {self.id}\n" if self.id else ""
        return f"event: {self.name}\n{number}data: {json.dumps(self.detail)}\n\n"


@dataclass(eq=False)
class Stream:
    """One open page: whom it belongs to, the machine it shows, and its mailbox."""

    scope: Scope
    asset_id: int | None = None
    heard_ms: int | None = None
    told_reading_s: float = float("-inf")
    is_closed: bool = False
    _mail: deque[Event] = field(default_factory=lambda: deque(maxlen=MAILBOX))
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def put(self, event: Event) -> None:
        """Adds an event; when the mailbox is full the oldest one falls out."""
        with self._arrived:
            self._mail.append(event)
            self._arrived.notify()

    def take(self, timeout_s: float) -> list[Event]:
        """All events that arrived, after waiting for one at most `timeout_s`."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._mail or self.is_closed, timeout_s)
            taken = list(self._mail)
            self._mail.clear()
            return taken

    def close(self) -> None:
        with self._arrived:
            self.is_closed = True
            self._arrived.notify()


class ChangeWindow:
    """Finds what is new in the feed although numbers may be committed out of order.

    A number counts as settled, and is no longer looked behind, `WINDOW_S` after it was first seen.
    """

    def __init__(self, settled: int) -> None:
        self.settled = settled
        self._seen: dict[int, float] = {}

    def take(self, changes: list[Change], at_s: float) -> list[Change]:
        """Those of the changes that were not seen before."""
        fresh = [each for each in changes if each.number not in self._seen]
        for each in fresh:
            self._seen[each.number] = at_s
        old = [number for number, seen_s in self._seen.items() if at_s - seen_s > WINDOW_S]
        for number in old:
            del self._seen[number]
            self.settled = max(self.settled, number)
        return [each for each in fresh if each.number > self.settled]


class LiveFeed:
    """All open streams of this process and the thread that feeds them, until `stop` is set."""

    def __init__(
        self, database: Database, latest: Latest, *, limit: int, stop: threading.Event
    ) -> None:
        self._database = database
        self._latest = latest
        self._limit = limit
        self._stop = stop
        self._lock = threading.Lock()
        self._streams: dict[Stream, None] = {}  # in the order in which they were opened
        self._thread: threading.Thread | None = None
        self._window = ChangeWindow(0)
        self._process = secrets.token_hex(4)
        self._sequence = 0
        self._history: deque[tuple[int, Change]] = deque(maxlen=HISTORY)
        self._visible: dict[tuple[int | None, int], tuple[float, bool]] = {}
        self._stepping = threading.Lock()

    @property
    def open_streams(self) -> int:
        """How many pages hold a stream now."""
        return len(self._streams)

    def join(self, scope: Scope, asset_id: int | None, last_id: str = "") -> Stream:
        """Opens a stream, which first gets what came after `last_id`.

        Raises:
            Unavailable: when no place is free, or the feed was stopped.
        """
        stream = Stream(scope, asset_id)
        with self._lock:
            self._end_oldest(scope)
            if len(self._streams) >= self._limit or self._stop.is_set():
                raise Unavailable("No place for a live connection is free.")
            self._start()
            self._streams[stream] = None
        if last_id:
            for event in self.events_after(scope, last_id):
                stream.put(event)
        return stream

    def _end_oldest(self, scope: Scope) -> None:
        # Whoever walks quickly from page to page leaves streams behind: that a page was left shows
        # only some seconds later, when its stream is written to. The newest page is in use.
        mine = [each for each in self._streams if each.scope.person_id == scope.person_id]
        for stream in mine[: max(len(mine) - STREAMS_PER_PERSON + 1, 0)]:
            stream.close()
            del self._streams[stream]

    def leave(self, stream: Stream) -> None:
        """Gives the stream's place back."""
        stream.close()
        with self._lock:
            self._streams.pop(stream, None)

    def events_after(self, scope: Scope, cursor: str) -> list[Event]:
        """What changed after a cursor, for a page that asks now and then.

        A cursor of another process, or one too old, gives the one event `stale`.
        """
        with self._lock:
            self._start()
            known = list(self._history)
        process, _, number = cursor.partition("-")
        oldest = known[0][0] if known else self._sequence + 1
        if process != self._process or not number.isdecimal() or int(number) < oldest - 1:
            return [Event("stale", {})]
        later = [(n, each) for n, each in known if n > int(number)]
        return [self._event(n, each) for n, each in self._choose(scope, later)]

    @property
    def cursor(self) -> str:
        """Where the feed stands."""
        with self._lock:
            self._start()
            return f"{self._process}-{self._sequence}"

    def catch_up(self) -> None:
        """Takes in all that was committed until now, for a page that asks instead of listening.

        Raises:
            Unavailable: when the database does not answer.
        """
        with self._lock:
            self._start()
        self.step()

    def wait_ended(self, timeout_s: float) -> None:
        """Waits until the thread is gone, after `stop` was set."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _start(self) -> None:
        # The first page starts the feed, before it reads anything: so it misses no change.
        if self._thread is not None or self._stop.is_set():
            return
        with self._database.session(Scope.system("live")) as session:
            self._window = ChangeWindow(last_number(session))
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        is_away = False
        while not self._stop.wait(POLL_S):
            try:
                self.step()
            except Unavailable as error:
                if not is_away:
                    _log.warning("live_feed_waits", why=str(error))
                is_away = True
            else:
                is_away = False
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.close()

    def step(self) -> None:
        """Reads the feed once and hands on what is new.

        Raises:
            Unavailable: when the database does not answer.
        """
        # A page that asks now and then need not wait for the thread, so two may be here.
        with self._stepping:
            for change in self._read():
                self._hand_on(change)
            self._tell_readings()

    def _hand_on(self, change: Change) -> None:
        with self._lock:
            self._sequence += 1
            self._history.append((self._sequence, change))
            streams, number = list(self._streams), self._sequence
        for stream in streams:
            if self._choose(stream.scope, [(number, change)]):
                stream.put(self._event(number, change))

    def _read(self) -> Iterator[Change]:
        with self._database.session(Scope.system("live")) as session:
            found: list[Change] = []
            after, more = self._window.settled, True
            while more:
                part = list_changes(session, after=after, limit=PAGE)
                found += part
                more = len(part) == PAGE
                after = part[-1].number if part else after
        yield from self._window.take(found, stopwatch_s())

    def _tell_readings(self) -> None:
        with self._lock:
            watching = [each for each in self._streams if each.asset_id is not None]
        heard = self._latest.at_ms({s.asset_id for s in watching if s.asset_id is not None})
        now_s = stopwatch_s()
        for stream in watching:
            at_ms = heard.get(stream.asset_id or 0)
            is_news = at_ms is not None and at_ms != stream.heard_ms
            if is_news and now_s - stream.told_reading_s >= READING_PAUSE_S:
                stream.heard_ms, stream.told_reading_s = at_ms, now_s
                stream.put(Event("reading", {"asset": str(stream.asset_id)}))

    def _event(self, number: int, change: Change) -> Event:
        detail = {"kind": change.kind, "id": str(change.subject_id)}
        return Event("changed", detail, f"{self._process}-{number}")

    def _choose(self, scope: Scope, changes: list[tuple[int, Change]]) -> list[tuple[int, Change]]:
        """Those of the numbered changes that the scope may be told of."""
        seen = self._list_seen(
            scope, {each.asset_id for _, each in changes if each.asset_id is not None}
        )
        return [
            (number, each)
            for number, each in changes
            if (each.asset_id in seen if each.asset_id is not None else _may_hear(scope, each))
        ]

    def _list_seen(self, scope: Scope, asset_ids: set[int]) -> set[int]:
        """Those of the machines that the scope sees, with at most one query."""
        now_s, home = stopwatch_s(), scope.organisation_id
        known = {
            each: self._visible.get((home, each), (float("-inf"), False)) for each in asset_ids
        }
        missing = {each for each, (at_s, _) in known.items() if now_s - at_s > VISIBLE_FOR_S}
        seen = {each for each in asset_ids - missing if known[each][1]}
        if missing:
            with self._database.session(scope) as session:
                found = list_visible(session, missing)
            if len(self._visible) > VISIBLE_KEPT:
                self._visible.clear()
            self._visible.update({(home, each): (now_s, each in found) for each in missing})
            seen |= found
        return seen


def _may_hear(scope: Scope, change: Change) -> bool:
    """Whether the scope's role is told of a change that belongs to no machine."""
    act = _ACT_OF_KIND.get(change.kind)
    return act is not None and may(scope, act)
