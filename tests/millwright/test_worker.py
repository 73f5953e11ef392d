"""The worker's turn: triage, due jobs, repeats, sweeping; and the whole flow from a reading on."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from foundation.audit_seals import verify
from foundation.changes import ChangeRow, announce
from foundation.jobs import Job
from millwright.worker import CHANGES_KEPT, SWEEP_EVERY, Worker, repeat
from services.notifications.models import Notification
from services.tickets.rules import TicketState
from tests.services.scene import Scene


@pytest.fixture
def scene(any_plant):
    return Scene(any_plant.network)


def series(*values, begin=0):
    return {begin + 10 * place: value for place, value in enumerate(values)}


def settle(plant, turns=10):
    """Works until nothing is left to do."""
    for _ in range(turns):
        if plant.worker.step() == 0:
            return
    pytest.fail("the worker never came to rest")


def count(plant, table, *conditions):
    with plant.network.database.session(plant.network.scope()) as session:
        query = select(func.count()).select_from(table).where(*conditions)
        return session.scalar(query)


def test_with_nothing_to_do_it_does_nothing(any_plant):
    settle(any_plant)
    assert any_plant.worker.step() == 0


def test_from_a_reading_to_a_ticket_closed_and_opened_anew(any_plant, scene):
    """Readings cross a limit, triage opens a ticket, the technician closes it as right; the
    condition still holds, so there is an alarm and a ticket anew."""
    plant = any_plant
    plant.run(series(70, 85, 85, 91))
    settle(plant)
    (ticket,) = scene.tickets()
    detail = scene.detail(ticket.id)
    assert (ticket.asset_id, ticket.state) == (plant.network.asset, TicketState.NEW)
    assert ticket.likely_cause["label"] == "Bearing runs dry"
    assert [alarm.condition for alarm in detail.alarms] == ["limit:temperature:high:serious"]
    scene.start(ticket.id)
    scene.close(ticket.id, verdict="right")
    plant.run(series(85, 85, 85, begin=40))
    settle(plant)
    first, second = scene.tickets()
    assert (first.state, second.state) == (TicketState.CLOSED, TicketState.NEW)
    assert [alarm.is_open for alarm in plant.alarms()] == [False, True]


def test_after_a_false_alarm_there_is_no_ticket_while_it_lasts(any_plant, scene):
    plant = any_plant
    plant.run(series(85, 85, 85))
    settle(plant)
    (ticket,) = scene.tickets()
    scene.start(ticket.id)
    scene.close(ticket.id, verdict="false", failure_mode="NFF", failure_cause="no_fault_found")
    plant.run(series(*[85] * 20, begin=30))
    settle(plant)
    assert len(scene.tickets()) == 1


def test_a_repeat_is_counted_on_the_open_ticket(any_plant, scene):
    plant = any_plant
    plant.run(series(85, 85, 85))
    settle(plant)
    plant.run(series(70, 85, 85, 85, begin=30))
    settle(plant)
    (ticket,) = scene.tickets()
    assert ticket.occurrence_count == 2


def test_a_new_ticket_is_told_to_those_who_must_act(any_plant):
    plant = any_plant
    plant.run(series(85, 85, 85))
    settle(plant)
    told = Notification.person_id == plant.network.people["manager"]
    assert count(plant, Notification, told) == 1
    assert count(plant, Job, Job.done_at.is_(None)) == 0


def test_old_changes_are_forgotten_now_and_then(any_plant):
    plant = any_plant
    settle(plant)
    with plant.network.transaction() as session:
        announce(session, kind="ticket", subject_id=1, asset_id=None, at=plant.clock.now())
    before = count(plant, ChangeRow)
    plant.clock.set(plant.at(SWEEP_EVERY.total_seconds()))
    settle(plant)
    assert count(plant, ChangeRow) == before
    plant.clock.advance((CHANGES_KEPT + timedelta(seconds=1)).total_seconds())
    settle(plant)
    assert count(plant, ChangeRow) == 0


def test_two_workers_open_one_ticket(any_plant, scene):
    plant = any_plant
    plant.run(series(85, 85, 85))
    plant.report(series(85, 85, 85), device="pump-2")
    plant.scoring.step()
    gate = threading.Barrier(2)

    def work():
        worker = Worker(plant.network.database, plant.clock)
        gate.wait(10)
        for _ in range(5):
            worker.step()

    runners = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for each in runners:
        each.start()
    for each in runners:
        each.join(60)
    assert sorted(ticket.asset_id for ticket in scene.tickets()) == [
        plant.network.asset,
        plant.network.other_asset,
    ]


class Idle:
    def __init__(self, done):
        self._done = done

    def step(self):
        return self._done


@pytest.mark.parametrize(("done", "rests"), [(0, True), (1, False)])
def test_a_turn_rests_only_when_there_was_nothing_to_do(done, rests):
    began = time.monotonic()
    repeat(Idle(done), threading.Event(), pause_s=0.1)
    assert (time.monotonic() - began >= 0.1) == rests


def test_a_rest_ends_when_it_is_told_to_stop():
    stop = threading.Event()
    stop.set()
    began = time.monotonic()
    repeat(Idle(0), stop, pause_s=60)
    assert time.monotonic() - began < 5


def test_the_audit_is_sealed_by_the_way(any_plant, scene):
    settle(any_plant)
    ticket = scene.report("customer")
    any_plant.clock.advance(SWEEP_EVERY.total_seconds())
    settle(any_plant)
    with any_plant.network.database.session(any_plant.network.scope()) as session:
        found = verify(session)
    assert ticket is not None
    assert found.sealed > 0
    assert (found.unsealed, found.faults) == (0, ())
