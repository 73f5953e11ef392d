"""A history played by real rules and people over HTTP: it adds up, and a seed tells it again."""

from datetime import UTC, datetime

import argon2
import pytest
from sqlalchemy import func, select

from devices.assets import Asset
from foundation.clock import to_ms
from foundation.database import open_database
from foundation.identity import passwords
from foundation.identity.scope import Scope
from millwright.data_folder import DataFolder
from millwright.demo.books import list_faults_in_books
from millwright.demo.running import make_history, read_demo_settings
from millwright.demo.state import DemoState
from services.offers.models import Offer, OfferEvent, OfferVersion
from services.orders.models import Order, OrderPosting
from services.tickets.models import Ticket, TicketAlarm, TicketEntry
from services.tickets.rules import EntryKind, TicketState
from simulators.fleet import DAY_MS
from simulators.ledger import Act, Ledger
from telemetry.alarms.models import Alarm
from telemetry.verdicts import Verdict

pytestmark = pytest.mark.timeout(600)
ASSETS, DAYS, SEED = 8, 12, 5
START_MS = to_ms(datetime(2026, 3, 2, tzinfo=UTC))
SYSTEM = Scope.system("test")
SELLING = (Offer, OfferVersion, OfferEvent, Order, OrderPosting)


@pytest.fixture(scope="module")
def cheap_hashes():
    """Argon2 with its least cost: nobody attacks the passwords of these tests."""
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", hasher)
        yield


class Story:
    """What a history left behind."""

    def __init__(self, path):
        folder = DataFolder(path)
        settings = read_demo_settings(folder, {})
        state = DemoState(ASSETS, DAYS, SEED, START_MS, START_MS)
        until_ms = START_MS + DAYS * DAY_MS
        self.made = make_history(folder, settings, state, until_ms=until_ms)
        self.ledger = Ledger.of_folder(path).read()
        self.database = open_database(settings.database_url)
        folder.release()

    def read(self, query):
        with self.database.session(SYSTEM) as session:
            return session.execute(query).all()

    def tell(self):
        """Every ticket, offer and order with what happened to it and when."""
        tickets = select(
            Asset.serial,
            Ticket.id,
            Ticket.state,
            Ticket.origin,
            Ticket.priority,
            Ticket.opened_at,
            Ticket.closed_at,
            Ticket.visit_from,
            Ticket.visit_to,
            Ticket.failure_mode,
            Ticket.failure_cause,
        ).join(Asset, Asset.id == Ticket.asset_id)
        entry = TicketEntry
        entries = select(entry.ticket_id, entry.kind, entry.move, entry.text, entry.written_at)
        told = [tickets.order_by(Ticket.id), entries.order_by(entry.id)]
        told += [select(*table.__table__.c).order_by(table.id) for table in SELLING]
        return [self.read(query) for query in told]


@pytest.fixture(scope="module")
def story(tmp_path_factory, cheap_hashes):
    told = Story(tmp_path_factory.mktemp("history") / "demo")
    yield told
    told.database.close()


def test_people_meet_no_page_that_fails_or_refuses(story):
    assert story.made.troubles == ()


def test_the_books_are_consistent(story):
    with story.database.session(SYSTEM) as session:
        assert list_faults_in_books(session) == []


def test_tickets_live_and_die_with_nobody_at_the_keyboard(story):
    states = [state for (state,) in story.read(select(Ticket.state))]
    assert states.count(TicketState.CLOSED) >= 2
    assert {TicketState.NEW, TicketState.WAITING} <= set(states), "the visitor finds work"
    assert story.read(select(func.count(Verdict.id)))[0][0] >= 1


def test_work_begins_within_the_visit_that_was_told_beforehand(story):
    """Of what was begun on tickets with a planned visit, most begins within its last window."""
    in_time = _list_in_time(story)
    assert in_time
    assert sum(in_time) / len(in_time) > 0.8


def _list_in_time(story):
    windows, found = {}, []
    for (entry,) in story.read(select(TicketEntry).order_by(TicketEntry.id)):
        if entry.kind == EntryKind.VISIT:
            windows[entry.ticket_id] = entry.reasons[0]["parameters"]
        elif entry.move == "start" and entry.ticket_id in windows:
            window = windows.pop(entry.ticket_id)
            found.append(window["from_ms"] <= to_ms(entry.written_at) < window["to_ms"])
    return found


def test_what_technicians_mended_is_in_the_ledger(story):
    """Each repair by hand stands for a fault that was there, at a machine with a ticket."""
    plans = {(row.device, row.kind) for row in story.ledger if row.act is Act.PLAN}
    repairs = [row for row in story.ledger if row.act is Act.REPAIR]
    assert {(row.device, row.kind) for row in repairs} <= plans
    solved = select(func.count(TicketEntry.id)).where(TicketEntry.move == "solve")
    assert story.read(solved)[0][0] >= 1


def test_the_same_seed_tells_the_same_story(story, tmp_path, cheap_hashes):
    again = Story(tmp_path / "again")
    try:
        assert again.tell() == story.tell()
        assert again.ledger == story.ledger
    finally:
        again.database.close()


def test_an_alarm_that_outlives_its_ticket_is_found(story):
    with story.database.transaction(SYSTEM) as session:
        query = select(Alarm).join(TicketAlarm).join(Ticket)
        query = query.where(Ticket.state == TicketState.CLOSED).order_by(Alarm.id)
        alarm = session.scalars(query).first()
        alarm_id, alarm.closed_at = alarm.id, None
        session.flush()
        faults = list_faults_in_books(session)
        session.rollback()
    assert any(f"Alarm {alarm_id} " in each for each in faults)


def test_a_story_that_jumps_is_found(story):
    with story.database.transaction(SYSTEM) as session:
        moved = select(TicketEntry).where(TicketEntry.kind == EntryKind.MOVED)
        entry = session.scalars(moved.order_by(TicketEntry.id)).first()
        entry.from_state = TicketState.WAITING
        session.flush()
        faults = list_faults_in_books(session)
        session.rollback()
    assert any("made the move" in each for each in faults)
