"""What people do with tickets, from the report to the close-out and back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from devices.assets import get_asset
from foundation.audit import AuditRow
from foundation.errors import Forbidden, NotFound
from foundation.reasons import Reason
from services.tickets.models import Ticket
from services.tickets.opening import AlreadyOpen, Ground, open_ticket
from services.tickets.refusals import EntryRefused, MoveRefused
from services.tickets.rules import Audience, EntryKind, Move, Origin, TicketState
from telemetry.verdicts import VerdictKind

LOW = "limit:pressure:low:critical"


def test_a_report_opens_a_ticket_and_the_next_one_joins_it(scene):
    first = scene.report()
    second = scene.report("technician", "Heard it too.")
    assert (first.is_new, second) == (True, type(second)(first.ticket_id, is_new=False))
    (ticket,) = scene.tickets()
    assert (ticket.origin, ticket.priority) == (Origin.CUSTOMER, 3)
    entries = scene.detail(ticket.id, "customer").entries
    assert [(entry.kind, entry.text) for entry in entries] == [
        (EntryKind.OPENED, "It hums."),
        (EntryKind.REPORT, "Heard it too."),
    ]
    assert [entry.author for entry in entries] == ["Customer", "Technician"]


def test_one_click_is_enough_to_report(scene):
    assert scene.report(text="").is_new


def test_a_stopped_machine_is_urgent_and_raises_what_is_open(scene):
    ticket_id = scene.report().ticket_id
    scene.report(is_stopped=True)
    assert scene.tickets()[0].priority == 2
    scene.make_critical()
    scene.report(is_stopped=True)
    assert scene.tickets()[0].priority == 1
    assert scene.detail(ticket_id).entries[-1].reasons[-1].code == "priority_raised"


def test_a_report_joins_the_ticket_of_the_machine(scene):
    ticket_id = scene.ticket_from_alarm()
    assert scene.report() == type(scene.report())(ticket_id, is_new=False)


def test_a_report_on_a_solved_ticket_reopens_it(scene):
    ticket_id = scene.report().ticket_id
    scene.start(ticket_id)
    scene.move(ticket_id, Move.SOLVE)
    scene.report(text="Still hums.")
    assert scene.tickets()[0].state == TicketState.IN_PROGRESS


def test_the_whole_way_through_the_states(scene):
    ticket_id = scene.report().ticket_id
    steps = [
        (Move.ACKNOWLEDGE, TicketState.ACKNOWLEDGED),
        (Move.START, TicketState.IN_PROGRESS),
        (Move.WAIT, TicketState.WAITING),
        (Move.START, TicketState.IN_PROGRESS),
        (Move.SOLVE, TicketState.SOLVED),
    ]
    for move, state in steps:
        scene.move(ticket_id, move, note="Bearing ordered.")
        assert scene.tickets()[0].state == state
    scene.close(ticket_id)
    ticket = scene.tickets()[0]
    assert (ticket.state, ticket.closed_at, ticket.solved_at) == (
        TicketState.CLOSED,
        scene.now,
        scene.now,
    )
    with scene.session() as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.subject_kind == "ticket"))
        told = acts.all()
    assert told[0] == "portal:ticket:opened"
    assert told[1:] == [f"portal:ticket:{move}" for move, _ in steps] + ["portal:ticket:close"]


def test_who_starts_work_on_a_ticket_of_nobody_takes_it(scene):
    ticket_id = scene.report().ticket_id
    scene.start(ticket_id)
    assert scene.tickets()[0].assignee_id == scene.network.people["technician"]


@pytest.mark.parametrize("move", [Move.START, Move.WAIT, Move.SOLVE, Move.REOPEN])
def test_a_new_ticket_skips_no_step(scene, move):
    ticket_id = scene.report().ticket_id
    with pytest.raises(MoveRefused) as refused:
        scene.move(ticket_id, move, note="because")
    assert refused.value.reason == Reason("wrong_state", {"move": move, "state": "new"})
    assert scene.tickets()[0].state == TicketState.NEW


def test_waiting_needs_a_note_and_closing_a_close_out(scene):
    ticket_id = scene.report().ticket_id
    scene.start(ticket_id)
    with pytest.raises(EntryRefused, match="Say in a note why"):
        scene.move(ticket_id, Move.WAIT, note=" ")
    with pytest.raises(EntryRefused, match="close-out"):
        scene.move(ticket_id, Move.CLOSE)


def test_the_manager_cancels_what_no_alarm_stands_behind(scene):
    ticket_id = scene.report().ticket_id
    with pytest.raises(MoveRefused, match="role"):
        scene.move(ticket_id, Move.CANCEL, "technician", note="Reported twice.")
    scene.move(ticket_id, Move.CANCEL, "manager", note="Reported twice.")
    assert scene.tickets()[0].closed_at == scene.now
    assert scene.report().is_new


def test_a_ticket_with_alarms_is_closed_with_verdicts_not_cancelled(scene):
    ticket_id = scene.ticket_from_alarm()
    with pytest.raises(MoveRefused, match="verdict"):
        scene.move(ticket_id, Move.CANCEL, "manager", note="No time.")


def test_assigning_acknowledges_and_tells_whose_it_is(scene):
    ticket_id = scene.report().ticket_id
    scene.assign(ticket_id, "technician")
    row = scene.detail(ticket_id).row
    assert (row.state, row.assignee) == (TicketState.ACKNOWLEDGED, "Technician")
    assert row.acknowledged_at == scene.now
    scene.assign(ticket_id, None)
    assert scene.detail(ticket_id).row.assignee is None


def test_a_technician_takes_a_ticket_but_gives_it_to_nobody_else(scene):
    ticket_id = scene.report().ticket_id
    scene.assign(ticket_id, "technician", person="technician")
    with pytest.raises(EntryRefused, match="manager"):
        scene.assign(ticket_id, "manager", person="technician")


@pytest.mark.parametrize("stranger", ["other_technician", "customer", "maker"])
def test_only_people_of_the_dealer_are_assigned(scene, stranger):
    ticket_id = scene.report().ticket_id
    with pytest.raises(EntryRefused, match="dealer"):
        scene.assign(ticket_id, stranger)


def test_a_closed_ticket_is_assigned_to_nobody(scene):
    ticket_id = scene.report().ticket_id
    scene.start(ticket_id)
    scene.close(ticket_id)
    with pytest.raises(MoveRefused, match="closed"):
        scene.assign(ticket_id, "technician")


@pytest.mark.parametrize(("text", "message"), [(" \x00 ", "Write"), ("x" * 4001, "longer")])
def test_a_comment_has_words_but_not_too_many(scene, text, message):
    ticket_id = scene.report().ticket_id
    with pytest.raises(EntryRefused, match=message):
        scene.comment(ticket_id, text)


def test_a_close_out_judges_and_closes_every_alarm(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.ticket_from_alarm(condition=LOW)
    scene.start(ticket_id)
    right, false = (alarm.id for alarm in scene.alarms())
    verdicts = {right: "right", false: "false"}
    scene.close(ticket_id, verdicts=verdicts, note="Greased the bearing.")
    assert [(alarm.closed_at, alarm.is_rearm_due) for alarm in scene.alarms()] == [
        (scene.now, True),
        (scene.now, False),
    ]
    detail = scene.detail(ticket_id, "customer")
    assert [alarm.verdict for alarm in detail.alarms] == [VerdictKind.RIGHT, VerdictKind.FALSE]
    assert (detail.failure_mode, detail.close_note) == ("OHE", "Greased the bearing.")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"failure_mode": None}, "failure_mode_missing"),
        ({"failure_cause": "fate"}, "failure_cause_missing"),
        ({"verdicts": {}}, "verdict_missing"),
        ({"verdict": "perhaps"}, "verdict_unknown"),
        ({"failure_mode": "NFF"}, "no_fault_needs_both_codes"),
        ({"failure_mode": "NFF", "failure_cause": "no_fault_found"}, "right_alarm_needs_fault"),
    ],
)
def test_a_close_out_that_is_not_whole_changes_nothing(scene, said, code):
    ticket_id = scene.ticket_from_alarm()
    scene.start(ticket_id)
    with pytest.raises(EntryRefused) as refused:
        scene.close(ticket_id, **said)
    assert [reason.code for reason in refused.value.reasons] == [code]
    assert scene.tickets()[0].state == TicketState.IN_PROGRESS
    assert scene.alarms()[0].closed_at is None


def test_an_alarm_that_came_meanwhile_needs_its_verdict_too(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.start(ticket_id)
    seen = scene.alarms()[0].id
    scene.ticket_from_alarm(condition=LOW)
    with pytest.raises(EntryRefused) as refused:
        scene.close(ticket_id, verdicts={seen: "right"})
    assert refused.value.reasons == (Reason("verdict_missing", {"alarm": seen + 1}),)


def test_the_customer_reopens_and_the_codes_are_asked_for_again(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.start(ticket_id)
    scene.close(ticket_id)
    scene.network.clock.advance(timedelta(days=2).total_seconds())
    scene.move(ticket_id, Move.REOPEN, "customer", note="It is hot again.")
    ticket = scene.tickets()[0]
    assert (ticket.state, ticket.closed_at) == (TicketState.IN_PROGRESS, None)
    assert (ticket.failure_mode, ticket.solved_at) == (None, None)
    assert ticket.due_at > scene.now
    scene.close(ticket_id, verdicts={})
    assert scene.detail(ticket_id).alarms[0].verdict == VerdictKind.RIGHT


def test_after_two_weeks_a_closed_ticket_stays_closed(scene):
    ticket_id = scene.report().ticket_id
    scene.start(ticket_id)
    scene.close(ticket_id)
    scene.network.clock.advance(timedelta(days=14, seconds=1).total_seconds())
    with pytest.raises(MoveRefused, match="more than 14 days"):
        scene.move(ticket_id, Move.REOPEN, "customer")


def test_a_closed_ticket_does_not_reopen_beside_an_open_one(scene):
    ticket_id = scene.report().ticket_id
    scene.start(ticket_id)
    scene.close(ticket_id)
    scene.report()
    with pytest.raises(MoveRefused, match="T-1002 is open"):
        scene.move(ticket_id, Move.REOPEN, "customer")


def test_a_second_open_ticket_is_refused_by_the_database_itself(scene):
    scene.report()
    with scene.network.transaction() as session:
        asset = get_asset(session, scene.network.asset)
        ground = Ground(3, Reason("title_reported"))
        with pytest.raises(AlreadyOpen):
            open_ticket(session, asset=asset, ground=ground, at=scene.now)
        assert session.scalars(select(Ticket)).one().number == "T-1001"


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": TicketState.CLOSED},
        {"closed_at": datetime(2026, 3, 3, tzinfo=UTC)},
        {"priority": 5},
        {"failure_mode": "OHE", "failure_cause": "design"},
    ],
)
def test_the_database_refuses_rows_that_contradict_themselves(scene, wrong):
    scene.report()
    with scene.network.transaction() as session:
        ticket = session.scalars(select(Ticket)).one()
        for name, value in wrong.items():
            setattr(ticket, name, value)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_every_act_marks_the_ticket_as_changed(scene):
    ticket_id = scene.report().ticket_id
    for act in (
        lambda: scene.comment(ticket_id, "Hello", "customer"),
        lambda: scene.report(text="Again."),
        lambda: scene.move(ticket_id, Move.ACKNOWLEDGE),
    ):
        scene.network.clock.advance(60)
        act()
        assert scene.tickets()[0].changed_at == scene.now


def test_internal_notes_are_the_dealers_alone(scene):
    ticket_id = scene.report().ticket_id
    scene.comment(ticket_id, "Third time this month.", audience=Audience.DEALER)
    for reader, count in {"manager": 2, "technician": 2, "customer": 1, "maker": 1}.items():
        assert len(scene.detail(ticket_id, reader).entries) == count
    with pytest.raises(EntryRefused, match="dealer"):
        scene.comment(ticket_id, "Between us", "customer", audience=Audience.DEALER)


def test_what_is_not_there_is_not_found(scene):
    with pytest.raises(NotFound):
        scene.comment(99, "Hello")
    with pytest.raises(NotFound):
        scene.report(asset_id=99)
    with pytest.raises(Forbidden):
        scene.report("maker")
