"""Whatever runs at once, an asset has one open ticket, and nothing that was said is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from sqlalchemy import select

from foundation.database import open_database
from foundation.errors import MillwrightError
from services.tickets.models import Ticket, TicketAlarm, TicketEntry
from services.tickets.moves import move_ticket
from services.tickets.opening import Reported, report_problem
from services.tickets.refusals import MoveRefused
from services.tickets.rules import EntryKind, Move
from services.triage.triage import run_triage
from tests.services.scene import Scene

ROUNDS = 4


def at_once(*acts):
    """Runs the acts in threads that start together; returns results or refusals."""
    barrier = threading.Barrier(len(acts))

    def run(act):
        barrier.wait(timeout=10)
        try:
            return act()
        except MillwrightError as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_triage_twice_and_two_reports_make_one_open_ticket(scene):
    for number in range(ROUNDS):
        for alarm in range(3):
            scene.alarm(f"limit:temperature:high:{number}-{alarm}")
        with structlog.testing.capture_logs() as logs:
            results = at_once(
                scene.triage, scene.triage, scene.report, lambda: scene.report("technician")
            )
        # Two workers share the alarms; neither stumbles over what the other took.
        assert not [each for each in (*results, *logs) if not isinstance(each, int | Reported)]
        scene.triage()
        open_tickets = [each for each in scene.tickets() if each.closed_at is None]
        assert len(open_tickets) == 1
        ticket_id = open_tickets[0].id
        assert len(scene.detail(ticket_id).alarms) == 3
        scene.start(ticket_id)
        scene.close(ticket_id)
    with scene.session() as session:
        kinds = list(session.scalars(select(TicketEntry.kind)))
        assert len(session.scalars(select(TicketAlarm)).all()) == 3 * ROUNDS
        assert len([k for k in kinds if k == EntryKind.MOVED]) == 3 * ROUNDS
        # Each round: three alarms and two reports, whoever came first.
        others = (EntryKind.OPENED, EntryKind.ALARM, EntryKind.REPORT)
        assert len([k for k in kinds if k in others]) == 5 * ROUNDS


def test_a_report_waits_for_the_ticket_being_opened_and_joins_it(scene):
    opened, done = threading.Event(), threading.Event()

    def second():
        opened.wait(timeout=10)
        try:
            return scene.report("technician", "Me too.")
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        with scene.network.transaction("customer") as session:
            first = report_problem(session, asset_id=scene.network.asset, at=scene.now)
            opened.set()
            # It cannot come to an end while the first is neither there nor gone.
            assert not done.wait(timeout=0.5)
        joined = waiting.result(timeout=10)
    assert (first.is_new, joined.is_new) == (True, False)
    assert joined.ticket_id == first.ticket_id
    assert [entry.text for entry in scene.detail(first.ticket_id).entries] == [None, "Me too."]


def test_triage_joins_the_ticket_that_a_report_opens_meanwhile(scene):
    scene.alarm()
    opened = threading.Event()

    def second():
        opened.wait(timeout=10)
        return scene.triage()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        with scene.network.transaction("customer") as session:
            report_problem(session, asset_id=scene.network.asset, at=scene.now)
            opened.set()
        assert waiting.result(timeout=10) == 1
    (ticket,) = scene.tickets()
    assert len(scene.detail(ticket.id).alarms) == 1


@pytest.mark.parametrize("_", range(ROUNDS))
def test_of_two_moves_at_once_one_is_made_and_the_other_refused(scene, _):
    ticket_id = scene.report().ticket_id
    results = at_once(
        lambda: scene.move(ticket_id, Move.ACKNOWLEDGE, "technician"),
        lambda: scene.move(ticket_id, Move.ACKNOWLEDGE, "manager"),
    )
    assert [type(each) for each in results if each is not None] == [MoveRefused]


@pytest.mark.parametrize("_", range(ROUNDS))
def test_a_close_out_and_a_wait_at_once_do_not_mix(scene, _):
    ticket_id = scene.ticket_from_alarm()
    scene.start(ticket_id)
    results = at_once(
        lambda: scene.close(ticket_id),
        lambda: scene.move(ticket_id, Move.WAIT, "manager", note="Parts."),
    )
    assert [type(each) for each in results if each is not None] == [MoveRefused]
    is_closed = scene.tickets()[0].closed_at is not None
    assert is_closed == (results[0] is None)
    assert (scene.alarms()[0].closed_at is not None) == is_closed


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_move_is_decided_on_what_others_did_since_the_ticket_was_read(scene):
    ticket_id = scene.report().ticket_id
    with scene.network.transaction("manager") as session:
        ticket = session.get_one(Ticket, ticket_id)
        scene.move(ticket_id, Move.ACKNOWLEDGE)
        with pytest.raises(MoveRefused):
            move_ticket(session, ticket_id=ticket_id, move=Move.ACKNOWLEDGE, at=scene.now)
        assert ticket.acknowledged_at == scene.now


def test_two_processes_on_one_file_make_one_ticket(scene, tmp_path):
    if scene.network.database.dialect == "sqlite":
        other = open_database(f"sqlite:///{tmp_path / 'millwright.db'}")
    else:
        other = open_database(scene.network.database.engine.url.render_as_string())
    scene.alarm()

    def triage_elsewhere():
        with other.transaction(scene.network.scope(None)) as session:
            return run_triage(session, at=scene.now)

    results = at_once(scene.triage, triage_elsewhere, Scene(scene.network).report)
    assert not [each for each in results if isinstance(each, Exception)]
    scene.triage()
    with other.session(scene.network.scope(None)) as session:
        assert len(session.scalars(select(Ticket)).all()) == 1
    other.close()
