"""Live pages: who is told what, how many may listen, and when a stream ends."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, event

import web.portal.live as routes
from foundation.changes import Change, announce
from foundation.clock import to_ms
from foundation.errors import Unavailable
from foundation.identity.models import Membership
from foundation.identity.scope import Scope
from telemetry.latest import Latest
from web.live import MAILBOX, STREAMS_PER_PERSON, WINDOW_S, ChangeWindow, Event, LiveFeed, Stream
from web.portal.live import get_feed

WAIT_S = 8.0
_reading = []


class Listener:
    """Reads the events of a page's stream in a thread of its own."""

    def __init__(self, visitor, query=""):
        self.answer = visitor.get(f"/live{query}", buffered=False)
        self.heard, self.ended, self._left = [], threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        _reading.append(self)

    def _read(self):
        try:
            for chunk in self.answer.response:
                self.heard += parse(chunk.decode() if isinstance(chunk, bytes) else chunk)
                if self._left.is_set():
                    break
        finally:
            self.answer.close()
            self.ended.set()

    def leave(self):
        """Closes the page; its place is free when that is noticed."""
        self._left.set()
        assert self.ended.wait(WAIT_S)

    def wait_for(self, **wanted):
        """Whether such an event came in time."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if any(wanted.items() <= event.items() for event in list(self.heard)):
                return True
            time.sleep(0.05)
        return False


def parse(text):
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            events.append({"event": fields["event"], **json.loads(fields["data"])})
    return events


@pytest.fixture(autouse=True)
def listeners_end():
    """Nobody reads into the next test: all streams end with their portal."""
    yield
    ended = [each.ended.wait(WAIT_S) for each in _reading]
    _reading.clear()
    assert all(ended)


@pytest.fixture
def quick(monkeypatch):
    """Streams that look every moment whether their person is still signed in."""
    monkeypatch.setattr(routes, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(routes, "RECHECK_S", 0.2)


@pytest.fixture
def feed(network):
    stop = threading.Event()
    made = LiveFeed(network.database, Latest(), limit=STREAMS_PER_PERSON + 1, stop=stop)
    yield made
    stop.set()
    made.wait_ended(5)


def change(site, kind="ticket", subject=7, asset=None):
    network = site.network
    asset_id = network.asset if asset is None else asset
    with network.transaction() as session:
        announce(session, kind=kind, subject_id=subject, asset_id=asset_id, at=network.clock.now())


def test_a_change_reaches_those_who_see_the_machine_and_nobody_else(make_site, quick):
    site = make_site(stream_limit=8)
    people = ("maker", "manager", "technician", "customer", "other_manager", "other_customer")
    listeners = {person: Listener(site.visit(person)) for person in people}
    change(site, subject=7)
    change(site, subject=8, asset=site.network.other_asset)
    for person in ("maker", "manager", "technician", "customer"):
        assert listeners[person].wait_for(event="changed", kind="ticket", id="7"), person
    for person in ("other_manager", "other_customer"):
        assert listeners[person].wait_for(event="changed", id="8"), person
        assert not any(event["id"] == "7" for event in listeners[person].heard), person
    assert not any(event["id"] == "8" for event in listeners["customer"].heard)


def test_what_belongs_to_no_machine_is_told_to_the_manufacturer_only(site, quick):
    maker, manager = Listener(site.visit("maker")), Listener(site.visit("manager"))
    with site.network.transaction() as session:
        announce(
            session, kind="quarantine", subject_id=0, asset_id=None, at=site.network.clock.now()
        )
    change(site, subject=9)
    assert maker.wait_for(kind="quarantine")
    assert manager.wait_for(id="9")
    assert not any(event["kind"] == "quarantine" for event in manager.heard)


def test_a_page_hears_of_the_readings_of_its_own_machine(make_site, quick):
    latest = Latest()
    site = make_site(latest=latest)
    network = site.network
    mine = Listener(site.visit("customer"), f"?asset={network.asset}")
    general = Listener(site.visit("manager"))
    latest.update(network.asset, to_ms(network.clock.now()), {"temperature": 61.0})
    latest.update(network.other_asset, to_ms(network.clock.now()), {"temperature": 62.0})
    assert mine.wait_for(event="reading", asset=str(network.asset))
    assert not any(event["asset"] == str(network.other_asset) for event in mine.heard)
    assert general.heard == []


def test_a_page_hears_of_readings_once_a_second_at_most(network, feed):
    stream, told = feed.join(network.scope("customer"), network.asset), 0
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        feed._latest.update(network.asset, int(time.monotonic() * 1_000), {"temperature": 1.0})
        feed.step()
        told += len(stream.take(0.01))
    assert 1 <= told <= 2


def test_a_stream_ends_when_the_person_signs_out(site, quick):
    visitor = site.visit("manager")
    listener = Listener(visitor)
    assert visitor.post("/sign-out").status_code == 303
    assert listener.ended.wait(WAIT_S)
    assert get_feed(site.app).open_streams == 0


def test_a_stream_ends_when_the_role_is_taken_away(site, quick):
    listener = Listener(site.visit("technician"))
    with site.network.transaction() as session:
        technician = site.network.people["technician"]
        session.execute(delete(Membership).where(Membership.person_id == technician))
    assert listener.ended.wait(WAIT_S)


def test_streams_end_with_the_portal(make_site):
    stop = threading.Event()
    site = make_site(stop=stop)
    listener = Listener(site.visit("manager"))
    begun = time.monotonic()
    stop.set()
    assert listener.ended.wait(WAIT_S)
    assert time.monotonic() - begun < 2


def test_above_the_cap_a_page_is_told_to_ask_now_and_then(make_site, quick):
    site = make_site(stream_limit=2)
    kept = [Listener(site.visit(person)) for person in ("manager", "customer")]
    visitor = site.visit("technician")
    refused = visitor.get("/live", headers={"Accept": "text/event-stream"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert visitor.get("/tickets").status_code == 200
    assert visitor.get("/live/poll").status_code == 200
    kept[0].leave()
    assert Listener(visitor).answer.status_code == 200


def test_one_person_cannot_take_all_places_and_the_newest_page_counts(network, feed):
    scope = network.scope("manager")
    streams = [feed.join(scope, None) for _ in range(STREAMS_PER_PERSON + 2)]
    assert [each.is_closed for each in streams] == [True, True] + [False] * STREAMS_PER_PERSON
    feed.join(network.scope("customer"), None)
    with pytest.raises(Unavailable):
        feed.join(network.scope("technician"), None)


def test_a_page_that_asks_now_and_then_hears_each_change_once(site):
    visitor = site.visit("customer")
    first = visitor.get("/live/poll").json
    change(site, subject=1)
    change(site, subject=2, asset=site.network.other_asset)
    change(site, subject=3)
    get_feed(site.app).step()
    second = visitor.get(f"/live/poll?since={first['cursor']}").json
    third = visitor.get(f"/live/poll?since={second['cursor']}").json
    assert [event["id"] for event in second["events"]] == ["1", "3"]
    assert third["events"] == []


def test_which_machines_a_page_may_hear_of_is_asked_once_for_all(site):
    visitor, asked = site.visit("customer"), []
    cursor = visitor.get("/live/poll").json["cursor"]
    for subject, asset in enumerate([site.network.asset, site.network.other_asset] * 3):
        change(site, subject=subject, asset=asset)
    engine = site.network.database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    told = visitor.get(f"/live/poll?since={cursor}").json["events"]
    assert [each["id"] for each in told] == ["0", "2", "4"]
    assert sum("FROM asset_visibility" in each for each in asked) == 1


@pytest.mark.parametrize("cursor", ["", "x", "-", "abc-12", "99999999-1", "é-²"])
def test_a_cursor_that_is_not_this_process_means_to_load_everything_again(site, cursor):
    answer = site.visit("customer").get(f"/live/poll?since={cursor}")
    assert answer.json["events"] == [{"event": "stale"}]


def test_a_page_misses_nothing_between_its_reading_and_its_stream(site, quick):
    visitor = site.visit("customer")
    page = visitor.read("/")
    change(site, subject=5)
    get_feed(site.app).step()
    address = page.split('data-live="')[1].split('"')[0].replace("&amp;", "&")
    assert Listener(visitor, address.removeprefix("/live")).wait_for(id="5")


def numbered(*numbers):
    return [Change(number, "ticket", number, None) for number in numbers]


def test_numbers_that_are_committed_late_are_still_found():
    window = ChangeWindow(10)
    assert [c.number for c in window.take(numbered(11, 14), 0.0)] == [11, 14]
    assert [c.number for c in window.take(numbered(11, 12, 13, 14), 1.0)] == [12, 13]
    assert window.take(numbered(11, 12, 13, 14), 2.0) == []
    assert window.settled == 10


def test_after_a_while_a_number_is_settled_and_forgotten():
    window = ChangeWindow(10)
    window.take(numbered(11, 14), 0.0)
    window.take(numbered(11, 14, 15), WINDOW_S + 1)
    assert window.settled == 14
    assert window._seen.keys() == {15}


def test_a_slow_reader_loses_the_oldest_events_only():
    stream = Stream(Scope.system("test"))
    for number in range(MAILBOX + 10):
        stream.put(Event("changed", {"id": str(number)}))
    taken = stream.take(0)
    assert [event.detail["id"] for event in taken] == [str(n) for n in range(10, MAILBOX + 10)]


def test_changes_are_taken_while_others_are_announced(site):
    feed, visitor = get_feed(site.app), site.visit("manager")
    start = visitor.get("/live/poll").json["cursor"]
    with ThreadPoolExecutor(3) as pool:
        for number in range(12):
            pool.submit(change, site, subject=number)
    deadline, heard = time.monotonic() + WAIT_S, []
    while len(heard) < 12 and time.monotonic() < deadline:
        feed.step()
        heard = visitor.get(f"/live/poll?since={start}").json["events"]
    assert sorted(int(event["id"]) for event in heard) == list(range(12))
