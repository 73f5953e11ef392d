"""Simulated people at work on a portal that is served to them: by HTTP alone, at their hours."""

import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from devices.assets import Asset
from foundation.clock import ManualClock, to_ms
from foundation.identity.scope import Scope
from foundation.settings import read_settings
from millwright.demo.history import serve_to_people
from millwright.demo.network import DEALERS, PRESENTED_CUSTOMER, install_demo, make_cast
from millwright.wiring import open_platform
from services.offers.models import Offer
from services.offers.rules import OfferState
from services.orders.models import Order
from services.orders.rules import OrderState
from services.tickets.codes import FailureMode
from services.tickets.models import Ticket, TicketEntry
from services.tickets.rules import EntryKind, TicketState
from simulators.faults import Fault, FaultKind
from simulators.fleet import make_fleet, write_plan
from simulators.ledger import Act, Ledger
from simulators.people import maker, offers
from simulators.people.dispatcher import Dispatcher
from simulators.people.person import Chore, Person
from simulators.people.town import Town
from telemetry.alarms.lifecycle import clear_alarm, raise_alarm
from telemetry.alarms.models import Severity
from telemetry.store.contract import SampleBatch
from telemetry.verdicts import Verdict, VerdictKind
from tests.services.offers.histories import states

# A Monday; Hamburg's dealer is an hour ahead of UTC.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SYSTEM = Scope.system("test")
BOUGHT = MONDAY - timedelta(days=40)
FLEET = make_fleet(seed=1, assets=1, start_ms=to_ms(BOUGHT))
MACHINE = FLEET.assets[0]
CONDITION = "limit:vibration:high:serious"


def after(hours, days=0):
    return MONDAY + timedelta(days=days, hours=hours)


def settings_of(folder):
    return read_settings(
        {"data_dir": folder, "secret_key": "a key of the tests, long enough " * 2}
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The demo's network around one machine; hashing its people's passwords takes a while."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    with open_platform(settings_of(folder), ManualClock(MONDAY)) as platform:
        with platform.database.transaction(SYSTEM) as session:
            accounts = install_demo(session, FLEET, at=BOUGHT)
        with platform.database.session(SYSTEM) as session:
            cast = make_cast(session, FLEET, accounts)
    return folder, cast


class Theatre:
    """A platform at Hamburg with its portal, and the people around its one machine."""

    def __init__(self, platform, clock, url, cast, ledger):
        self.platform, self.clock = platform, clock
        self.town = Town(url, cast, ledger, seed=3)
        self.town.begin(clock.now())

    def open_ticket(self):
        with self.platform.database.transaction(SYSTEM) as session:
            raise_alarm(
                session,
                asset_id=session.scalars(select(Asset.id)).one(),
                condition=CONDITION,
                detector="limits",
                severity=Severity.SERIOUS,
                started_at=self.clock.now(),
                raised_at=self.clock.now(),
                evidence={},
            )
        self.platform.worker.step()

    def report_idling(self):
        """Readings of every ten minutes since it was bought: loaded by day, then long idle."""
        rows = np.arange((MONDAY - BOUGHT).days * 144)
        hour, day = rows % 144 / 6, rows // 144
        columns = {
            "power": np.full(len(rows), 30.0),
            "running_state": states(hour, day, idle_hours=6.0),
            "run_hours": rows / 6.0 * 0.6,
        }
        with self.platform.database.session(SYSTEM) as session:
            assets = np.full(len(rows), session.scalars(select(Asset.id)).one(), dtype=np.uint32)
        at_ms = to_ms(BOUGHT) + rows.astype(np.int64) * 600_000
        self.platform.store.write([SampleBatch(MACHINE.kind, assets, at_ms, columns)])

    def pass_days(self, first, last):
        """Whole days, with the platform's own work in the early morning."""
        for day in range(first, last):
            self.platform.worker.step()
            self.pass_time(after(6, days=day))

    def clear_alarm(self):
        with self.platform.database.transaction(SYSTEM) as session:
            asset_id = session.scalars(select(Asset.id)).one()
            clear_alarm(session, asset_id=asset_id, condition=CONDITION, at=self.clock.now())

    def pass_time(self, until):
        self.town.run_until(until, self._move)
        self.clock.set(until)
        assert self.town.troubles == []

    def _move(self, due):
        self.clock.set(max(due, self.clock.now()))
        return self.clock.now()

    def find(self, table):
        with self.platform.database.session(SYSTEM) as session:
            return session.scalars(select(table).order_by(table.id)).all()

    def ticket(self):
        """The first one; a customer who is mistaken may have opened another."""
        return self.find(Ticket)[0]


@pytest.fixture
def play(installed, tmp_path):
    """Begins a play on Monday at eight in Hamburg with these faults planned."""
    template, cast = installed
    folder = tmp_path / "data"
    shutil.copytree(template, folder)
    with ExitStack() as stack:

        def begin(*faults, changed=cast):
            clock = ManualClock(after(7))
            ledger = Ledger.of_folder(folder)
            write_plan(ledger, {MACHINE.device: faults}, to_ms(MONDAY))
            platform = stack.enter_context(open_platform(settings_of(folder), clock))
            url = stack.enter_context(serve_to_people(platform))
            theatre = Theatre(platform, clock, url, changed, ledger)
            stack.callback(theatre.town.close)
            return theatre

        yield begin


def wear(onset):
    return Fault(FaultKind.BEARING_WEAR, to_ms(onset), to_ms(onset + timedelta(hours=1)))


def list_states(theatre):
    """The states that the ticket went through, with when."""
    moves = [each for each in theatre.find(TicketEntry) if each.kind == EntryKind.MOVED]
    return {each.to_state: each.written_at for each in moves}


def test_a_fault_is_found_mended_and_closed_with_what_it_was(play):
    theatre = play(wear(after(4)))
    theatre.open_ticket()
    theatre.pass_time(after(7, days=1))
    theatre.clear_alarm()
    theatre.pass_time(after(12, days=10))
    ticket = theatre.ticket()
    assert (ticket.state, ticket.failure_mode) == (TicketState.CLOSED, FailureMode.VIB)
    assert [each.kind for each in theatre.find(Verdict)] == [VerdictKind.RIGHT]
    repairs = [row for row in theatre.town.truth._ledger.read() if row.act is Act.REPAIR]
    assert [row.kind for row in repairs] == [FaultKind.BEARING_WEAR]
    told = list_states(theatre)
    assert told[TicketState.SOLVED] + timedelta(hours=5) <= told[TicketState.CLOSED]


def test_everything_happens_at_somebodys_working_hours(play):
    theatre = play(wear(after(4)))
    theatre.open_ticket()
    theatre.pass_time(after(12, days=10))
    acts = [each for each in theatre.find(TicketEntry) if each.organisation_id is not None]
    assert len(acts) >= 5
    local = [each.written_at + timedelta(hours=1) for each in acts]
    assert {each.weekday() for each in local} <= set(range(5))
    assert all(7 <= each.hour < 18 for each in local)


def test_a_visit_is_told_beforehand_and_work_begins_at_that_time(play):
    theatre = play(wear(after(4)))
    theatre.open_ticket()
    theatre.pass_time(after(12, days=10))
    entries = theatre.find(TicketEntry)
    visits = [each for each in entries if each.kind == EntryKind.VISIT]
    begun = min(each.written_at for each in entries if each.move == "start")
    before = [each for each in visits if each.written_at < begun]
    assert before
    window = before[-1].reasons[0]["parameters"]
    assert window["from_ms"] <= to_ms(begun) < window["to_ms"]


def test_where_nothing_is_wrong_the_alarm_was_false(play):
    theatre = play()
    theatre.open_ticket()
    theatre.clear_alarm()
    theatre.pass_time(after(12, days=7))
    ticket = theatre.ticket()
    assert (ticket.state, ticket.failure_mode) == (TicketState.CLOSED, FailureMode.NFF)
    assert [each.kind for each in theatre.find(Verdict)] == [VerdictKind.FALSE]


def test_a_customer_reports_what_nobody_else_noticed(play):
    theatre = play(wear(after(4)))
    theatre.pass_time(after(17, days=1))
    (opened, *_) = [e for e in theatre.find(TicketEntry) if e.kind == EntryKind.OPENED]
    assert opened.person_id is not None
    assert "grinding" in opened.text


def test_whose_dealer_does_not_play_waits(play, installed):
    _, cast = installed
    theatre = play(wear(after(4)), changed=cast.without({DEALERS["rhein"][0]}, set()))
    theatre.open_ticket()
    theatre.pass_time(after(12, days=5))
    assert theatre.ticket().state == TicketState.NEW


def test_whose_people_rest_leave_their_work_to_others(play):
    theatre = play(wear(after(4)))
    theatre.town.let_rest(DEALERS["rhein"][0], Chore.MACHINES, after(7))
    theatre.open_ticket()
    theatre.pass_time(after(12, days=3))
    assert theatre.ticket().state == TicketState.NEW


def test_people_who_begin_anew_go_on_with_what_was_begun(play, installed):
    theatre = play(wear(after(4)))
    theatre.open_ticket()
    theatre.pass_time(after(7, days=1))
    assert theatre.ticket().state != TicketState.NEW
    before = theatre.town
    url = f"http://{before._people[0].visitor._host}"
    before.close()
    theatre.town = Town(url, installed[1], before.truth._ledger, seed=3)
    theatre.town.begin(theatre.clock.now())
    theatre.clear_alarm()
    theatre.pass_time(after(12, days=14))
    theatre.town.close()
    assert theatre.ticket().state == TicketState.CLOSED


def test_a_page_that_fails_is_noted_with_its_address(play):
    theatre = play()
    person = next(each for each in theatre.town._people if isinstance(each, Dispatcher))
    person.attempt(lambda now: person.read("/tickets/999", now), theatre.clock.now())
    (trouble,) = theatre.town.troubles
    assert (trouble.person, trouble.address, trouble.status) == (
        person.profile.email,
        "/tickets/999",
        404,
    )
    theatre.town.troubles.clear()


def test_what_the_portal_refused_is_noted_from_the_next_page(play):
    theatre = play()
    theatre.open_ticket()
    person: Person = next(each for each in theatre.town._people if isinstance(each, Dispatcher))
    page = person.read("/tickets/1", theatre.clock.now())
    form = page.find_form("/tickets/1/move", move="acknowledge")
    person.visitor.press(page, form)
    person.visitor.press(page, form)
    person.read("/tickets/1", theatre.clock.now())
    (trouble,) = theatre.town.troubles
    assert trouble.status == 200
    theatre.town.troubles.clear()


@pytest.fixture
def early(monkeypatch):
    """Rules are tried at once, and nobody regrets an offer that was sent."""
    monkeypatch.setattr(maker, "_WAITS", timedelta())
    monkeypatch.setattr(maker, "_PAUSE", timedelta(hours=1))
    monkeypatch.setattr(offers, "_REGRETS", 0.0)
    return monkeypatch


def test_offers_are_tried_switched_on_found_sent_and_answered(play, early):
    theatre = play()
    theatre.report_idling()
    theatre.pass_days(1, 20)
    made = theatre.find(Offer)
    assert {each.state for each in made} == {OfferState.ACCEPTED, OfferState.DECLINED}
    assert all(each.found_at < each.sent_at < each.seen_at < each.ended_at for each in made)
    assert all(each.reason for each in made if each.state == OfferState.DECLINED)
    assert [each.state for each in theatre.find(Order)] == [OrderState.DONE]


@pytest.mark.parametrize(
    ("left", "regrets", "state"),
    [
        ((DEALERS["rhein"][0], Chore.OFFERS), 0.0, OfferState.PROPOSED),
        ((PRESENTED_CUSTOMER, Chore.ANSWERS), 0.0, OfferState.SEEN),
        ((PRESENTED_CUSTOMER, Chore.ANSWERS), 1.0, OfferState.WITHDRAWN),
    ],
)
def test_offers_of_whose_people_leave_them(play, early, left, regrets, state):
    early.setattr(offers, "_REGRETS", regrets)
    theatre = play()
    theatre.report_idling()
    theatre.town.let_rest(*left, MONDAY)
    theatre.pass_days(1, 7)
    assert {each.state for each in theatre.find(Offer)} == {state}
