"""The demo's people take up tickets in office hours and find what is wrong with the machine."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from devices.assets import Asset
from foundation.clock import to_ms
from foundation.database import open_database
from foundation.identity.scope import Scope
from millwright.demo_network import install_demo
from millwright.demo_people import DemoPeople
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.models import Ticket
from services.tickets.rules import TicketState
from services.triage.triage import run_triage
from simulators.faults import Fault, FaultKind
from simulators.fleet import make_fleet, write_plan
from simulators.ledger import Act, Ledger
from telemetry.alarms.lifecycle import raise_alarm
from telemetry.alarms.models import Severity
from telemetry.verdicts import Verdict, VerdictKind

# A Monday; Hamburg's dealer is an hour ahead of UTC.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SYSTEM = Scope.system("test")


def at(hours, days=0):
    return MONDAY + timedelta(days=days, hours=hours)


FLEET = make_fleet(seed=1, assets=1, start_ms=to_ms(at(0)))


class Theatre:
    """One compressor at Hamburg whose faults are written for it, and the people around it."""

    def __init__(self, database):
        self.database = database

    def play(self, *faults, ledger=None):
        machine = replace(FLEET.assets[0], faults=faults)
        fleet = replace(FLEET, assets=(machine,), ledger=ledger)
        self.people = DemoPeople(self.database, fleet)

    def open_ticket(self, when):
        with self.database.transaction(SYSTEM) as session:
            raise_alarm(
                session,
                asset_id=session.scalars(select(Asset.id)).one(),
                condition="limit:vibration:high:serious",
                detector="limits",
                severity=Severity.SERIOUS,
                started_at=when,
                raised_at=when,
                evidence={},
            )
            run_triage(session, at=when)

    def pass_time(self, begin, hours):
        """People look around every half hour; state of the ticket after each."""
        states = []
        for half in range(2 * hours + 1):
            now = begin + timedelta(minutes=30 * half)
            self.people.step(now)
            states.append((now, self.ticket().state))
        return states

    def ticket(self):
        with self.database.session(SYSTEM) as session:
            return session.scalars(select(Ticket)).one()

    def verdicts(self):
        with self.database.session(SYSTEM) as session:
            return [row.kind for row in session.scalars(select(Verdict))]


@pytest.fixture(scope="module")
def installed(sqlite_template, tmp_path_factory):
    """The demo's network; hashing its people's passwords takes a while."""
    path = tmp_path_factory.mktemp("demo") / "millwright.db"
    shutil.copy(sqlite_template, path)
    database = open_database(f"sqlite:///{path}")
    with database.transaction(SYSTEM) as session:
        install_demo(session, FLEET, at=at(0))
    database.close()
    return path


@pytest.fixture
def theatre(installed, tmp_path):
    shutil.copy(installed, tmp_path / "millwright.db")
    database = open_database(f"sqlite:///{tmp_path / 'millwright.db'}")
    yield Theatre(database)
    database.close()


def first(states, wanted):
    """When the ticket was first seen in that state."""
    return next(now for now, state in states if state == wanted)


def wear(onset, cleared=None):
    ends = None if cleared is None else to_ms(cleared)
    return Fault(
        FaultKind.BEARING_WEAR, to_ms(onset), to_ms(onset + timedelta(days=1)), cleared_ms=ends
    )


def test_a_ticket_is_read_taken_up_and_closed_with_what_was_found(theatre):
    theatre.play(wear(at(6), cleared=at(12)))
    theatre.open_ticket(at(8))
    states = theatre.pass_time(at(8), hours=8)
    assert states[0][1] == TicketState.NEW
    assert first(states, TicketState.ACKNOWLEDGED) >= at(8.75)
    assert first(states, TicketState.IN_PROGRESS) >= at(13)
    assert first(states, TicketState.CLOSED) >= at(15)
    ticket = theatre.ticket()
    assert ticket.failure_mode == FailureMode.VIB
    assert ticket.failure_cause == FailureCause.MISCELLANEOUS
    assert "bearings" in ticket.close_note
    assert theatre.verdicts() == [VerdictKind.RIGHT]


def test_where_nothing_was_wrong_the_alarm_was_false(theatre):
    theatre.play()
    theatre.open_ticket(at(8))
    theatre.pass_time(at(8), hours=8)
    ticket = theatre.ticket()
    assert (ticket.state, ticket.failure_mode) == (TicketState.CLOSED, FailureMode.NFF)
    assert theatre.verdicts() == [VerdictKind.FALSE]


def test_a_fault_that_came_after_the_alarm_does_not_make_it_right(theatre):
    theatre.play(wear(at(9), cleared=at(10)))
    theatre.open_ticket(at(8))
    theatre.pass_time(at(8), hours=8)
    assert theatre.verdicts() == [VerdictKind.FALSE]


def test_as_long_as_the_fault_is_there_parts_are_waited_for(theatre):
    theatre.play(wear(at(6), cleared=at(9, days=1)))
    theatre.open_ticket(at(8))
    assert theatre.pass_time(at(8), hours=8)[-1][1] == TicketState.WAITING
    assert theatre.pass_time(at(7, days=1), hours=1)[-1][1] == TicketState.WAITING
    theatre.pass_time(at(9, days=1), hours=3)
    assert theatre.ticket().state == TicketState.CLOSED
    assert theatre.verdicts() == [VerdictKind.RIGHT]


def test_once_the_parts_are_there_the_technician_mends_it(theatre, tmp_path):
    ledger = Ledger.of_folder(tmp_path)
    write_plan(ledger, {FLEET.assets[0].device: (wear(at(6)),)}, to_ms(at(6)))
    theatre.play(ledger=ledger)
    theatre.open_ticket(at(8))
    theatre.pass_time(at(8), hours=8)
    assert theatre.pass_time(at(8, days=1), hours=8)[-1][1] == TicketState.WAITING
    theatre.pass_time(at(8, days=2), hours=3)
    assert theatre.ticket().state == TicketState.CLOSED
    assert [row.act for row in ledger.read()] == [Act.PLAN, Act.REPAIR]
    assert theatre.verdicts() == [VerdictKind.RIGHT]


@pytest.mark.parametrize(
    "when", [at(5), at(17), at(9, days=5), at(9, days=6)], ids=["early", "late", "Sat", "Sun"]
)
def test_outside_office_hours_of_the_dealers_own_zone_nobody_comes(theatre, when):
    theatre.play()
    theatre.open_ticket(when - timedelta(hours=1))
    assert theatre.pass_time(when, hours=1)[-1][1] == TicketState.NEW


def test_people_look_around_once_an_hour(theatre):
    theatre.play()
    theatre.people.step(at(8))
    theatre.open_ticket(at(8) - timedelta(hours=2))
    theatre.people.step(at(8.5))
    assert theatre.ticket().state == TicketState.NEW
    theatre.people.step(at(9))
    assert theatre.ticket().state == TicketState.ACKNOWLEDGED
