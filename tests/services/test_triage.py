"""Alarms become tickets: opened, joined, counted, and never lost or doubled."""

from datetime import timedelta

import pytest
import structlog
from sqlalchemy import select

from devices.ownership import PartyKind
from foundation.audit import AuditRow
from foundation.changes import ChangeRow
from foundation.jobs import Job
from services.tickets.models import Ticket, TicketAlarm, TicketEntry
from services.tickets.rules import EntryKind, Move, Origin, TicketState
from services.triage.triage import count_waiting, is_due
from telemetry.alarms.lifecycle import close_alarm
from telemetry.alarms.models import Alarm, Severity
from tests.services.scene import HOT

LOW = "limit:pressure:low:critical"


def is_triage_due(scene):
    with scene.session() as session:
        return is_due(session)


def codes(reasons):
    return {reason["code"] for reason in reasons}


def test_an_alarm_opens_a_ticket_with_evidence_cause_priority_and_reasons(scene):
    alarm_id = scene.alarm()
    assert scene.triage() == 1
    (ticket,) = scene.tickets()
    assert (ticket.state, ticket.origin, ticket.priority) == (TicketState.NEW, Origin.MACHINE, 3)
    assert ticket.title["code"] == "title_limit"
    assert ticket.likely_cause["label"] == "Bearing runs dry"
    assert codes(ticket.reasons) == {"limit_crossed", "severity", "likely_cause", "routed_to"}
    assert ticket.due_at > ticket.response_due_at > ticket.opened_at == scene.now
    detail = scene.detail(ticket.id, "technician")
    assert [alarm.id for alarm in detail.alarms] == [alarm_id]
    assert detail.alarms[0].evidence.from_ms == 1_700_000_000_000


def test_the_queue_is_empty_afterwards_and_running_again_changes_nothing(scene):
    scene.ticket_from_alarm()
    assert scene.triage() == 0
    assert len(scene.tickets()) == 1
    assert scene.alarms()[0].handled_at == scene.now


def test_ticket_story_audit_feed_and_outbox_are_written_together(scene):
    ticket_id = scene.ticket_from_alarm()
    with scene.session() as session:
        (entry,) = session.scalars(select(TicketEntry)).all()
        jobs = session.scalars(select(Job).where(Job.kind == "ticket_notice")).all()
        changes = session.scalars(select(ChangeRow).where(ChangeRow.kind == "ticket")).all()
        acts = session.scalars(select(AuditRow.action).where(AuditRow.subject_kind == "ticket"))
        assert entry.kind == EntryKind.OPENED
        assert [job.payload for job in jobs] == [{"entry_id": entry.id}]
        assert [change.subject_id for change in changes] == [ticket_id]
        assert acts.all() == ["worker:ticket:opened"]


def test_a_second_alarm_joins_and_a_worse_one_raises_the_priority(scene):
    ticket_id = scene.ticket_from_alarm()
    before = scene.tickets()[0].due_at
    scene.alarm(LOW, Severity.CRITICAL, metric="pressure", direction="low")
    scene.triage()
    (ticket,) = scene.tickets()
    assert (ticket.id, ticket.priority, ticket.occurrence_count) == (ticket_id, 2, 2)
    assert ticket.due_at < before
    entry = scene.detail(ticket_id).entries[-1]
    assert entry.kind == EntryKind.ALARM
    assert {"joins_open_ticket", "priority_raised"} <= {reason.code for reason in entry.reasons}


def test_a_milder_alarm_joins_without_making_the_ticket_less_urgent(scene):
    scene.ticket_from_alarm(condition=LOW, severity=Severity.CRITICAL)
    scene.alarm("normal_period", Severity.WARNING)
    scene.triage()
    assert [ticket.priority for ticket in scene.tickets()] == [2]


def test_many_alarms_at_once_make_one_ticket(scene):
    for number in range(6):
        scene.alarm(f"limit:temperature:high:{number}")
    assert scene.triage() == 6
    (ticket,) = scene.tickets()
    assert len(scene.detail(ticket.id).alarms) == 6
    assert "concurrent_alarms" in codes(ticket.reasons)


def test_a_critical_machine_is_more_urgent(scene):
    scene.make_critical()
    scene.ticket_from_alarm()
    assert scene.tickets()[0].priority == 2


def test_an_alarm_on_another_asset_gets_its_own_ticket(scene):
    scene.ticket_from_alarm()
    scene.ticket_from_alarm(asset_id=scene.network.other_asset)
    assert len(scene.tickets()) == 2


def test_repeats_are_counted_and_add_no_ticket(scene):
    ticket_id = scene.ticket_from_alarm()
    for _ in range(3):
        scene.clear()
        assert not is_triage_due(scene)
        scene.alarm()
        assert is_triage_due(scene)
        scene.triage()
        assert not is_triage_due(scene)
    (ticket,) = scene.tickets()
    assert (ticket.id, ticket.occurrence_count) == (ticket_id, 4)
    assert len(scene.detail(ticket_id).entries) == 1


def test_a_repeat_on_a_solved_ticket_brings_it_back_to_work(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.start(ticket_id)
    scene.clear()
    scene.move(ticket_id, Move.SOLVE)
    scene.alarm()
    scene.triage()
    detail = scene.detail(ticket_id)
    assert detail.row.state == TicketState.IN_PROGRESS
    assert [entry.kind for entry in detail.entries[-2:]] == [EntryKind.RETURNED, EntryKind.MOVED]


def test_a_new_alarm_on_a_solved_ticket_joins_and_reopens_it(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.start(ticket_id)
    scene.move(ticket_id, Move.SOLVE)
    scene.alarm(LOW, Severity.CRITICAL)
    scene.triage()
    assert scene.detail(ticket_id).row.state == TicketState.IN_PROGRESS
    assert len(scene.tickets()) == 1


def test_after_the_close_out_a_new_alarm_opens_a_new_ticket(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.start(ticket_id)
    scene.close(ticket_id)
    scene.ticket_from_alarm()
    assert [ticket.closed_at is None for ticket in scene.tickets()] == [False, True]


def test_without_a_dealer_the_ticket_opens_for_the_next_one_to_find(scene):
    scene.dismiss_dealer()
    ticket_id = scene.ticket_from_alarm()
    assert scene.tickets()[0].dealer_id is None
    assert "no_dealer" in codes(scene.tickets()[0].reasons)
    assert scene.detail(ticket_id, "maker").row.id == ticket_id
    scene.set_party(PartyKind.SERVICING, "other_dealer")
    scene.move(ticket_id, Move.ACKNOWLEDGE, "other_technician")


def test_an_alarm_that_was_closed_before_triage_is_let_go_with_its_reason(scene):
    alarm_id = scene.alarm()
    with scene.network.transaction() as session:
        alarm = session.get_one(Alarm, alarm_id)
        close_alarm(session, alarm, at=scene.now, rearm=False)
        alarm.handled_at = None
    assert scene.triage() == 1
    assert scene.tickets() == []
    with scene.session() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.subject_kind == "alarm")).one()
        assert row.action == "worker:alarm:ignore"
        assert row.details["reasons"][0]["code"] == "alarm_closed_already"


def test_an_alarm_that_cannot_be_decided_stays_and_stops_no_other(scene):
    ticket_id = scene.ticket_from_alarm()
    broken = scene.alarm("normal_period")
    scene.alarm(asset_id=scene.network.other_asset)
    with scene.network.transaction() as session:
        # Somebody wrote the alarm to the ticket by hand: joining it once more is refused.
        row = TicketAlarm(ticket_id=ticket_id, alarm_id=broken, joined_at=scene.now)
        row.asset_id = scene.network.asset
        session.add(row)
        session.get_one(Ticket, ticket_id).occurrence_count = 2
    with structlog.testing.capture_logs() as logs:
        assert scene.triage() == 1
    assert [(log["event"], log["alarm"]) for log in logs] == [("triage_failed", broken)]
    assert len(scene.tickets()) == 2
    with scene.session() as session:
        later = scene.now + timedelta(seconds=1)
        assert count_waiting(session, raised_before=later) == 1
        assert count_waiting(session, raised_before=scene.now) == 0


def test_triage_decides_no_more_than_its_limit_at_once(scene):
    for number in range(3):
        scene.alarm(f"limit:temperature:high:{number}")
    assert scene.triage(limit=2) == 2
    assert scene.triage(limit=2) == 1


@pytest.mark.parametrize("evidence", [{}, {"metrics": "none", "value": "hot"}])
def test_poor_evidence_still_makes_a_ticket(scene, evidence):
    alarm_id = scene.alarm()
    with scene.network.transaction() as session:
        session.get_one(Alarm, alarm_id).evidence = evidence
    assert scene.triage() == 1
    assert scene.tickets()[0].title["parameters"] == {"metric": "temperature", "direction": "high"}
    assert scene.alarms()[0].condition == HOT
