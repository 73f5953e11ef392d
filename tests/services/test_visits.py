"""Planned visits: when they may be set, who is told, and how they end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from foundation.audit import AuditRow
from foundation.errors import Forbidden, NotFound
from services.notifications.models import Notification
from services.notifications.rules import NoticeKind
from services.tickets.models import Ticket
from services.tickets.queries import list_by_visit, list_visits
from services.tickets.refusals import EntryRefused, MoveRefused, say
from services.tickets.rules import (
    ENDS_VISIT,
    VISIT_STATES,
    EntryKind,
    Move,
    TicketState,
    Visit,
    refuse_visit,
)

AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HOURS = st.integers(-10_000, 10_000)


def window(begins, ends):
    return Visit(AT + timedelta(hours=begins), AT + timedelta(hours=ends))


@given(st.sampled_from(TicketState), HOURS, HOURS)
def test_a_visit_is_within_a_day_to_come_on_a_ticket_somebody_accepted(state, begins, length):
    reason = refuse_visit(state, None, window(begins, begins + length), AT)
    is_near = begins <= 366 * 24
    fits = state in VISIT_STATES and 0 < length <= 24 and begins + length > 0 and is_near
    assert (reason is None) is fits
    assert reason is None or say(reason)


@pytest.mark.parametrize(
    ("visit", "code"),
    [
        (window(3, 3), "visit_backwards"),
        (window(-3, 0), "visit_past"),
        (window(1, 26), "visit_too_long"),
        (window(9000, 9001), "visit_too_far"),
        (None, "no_visit"),
    ],
)
def test_what_does_not_fit_is_said(visit, code):
    reason = refuse_visit(TicketState.WAITING, None, visit, AT)
    assert reason is not None
    assert reason.code == code


@pytest.fixture
def accepted(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.assign(ticket_id, "technician")
    return ticket_id


def test_a_visit_is_planned_moved_and_taken_back_and_the_story_says_so(scene, accepted):
    scene.plan(accepted, 20)
    scene.plan(accepted, 26, person="technician")
    assert scene.detail(accepted, "customer").row.visit.from_at == scene.now + timedelta(hours=26)
    scene.plan(accepted, None)
    detail = scene.detail(accepted, "customer")
    told = [each.reasons[0].code for each in detail.entries if each.kind == EntryKind.VISIT]
    assert told == ["visit_planned", "visit_moved", "visit_withdrawn"]
    assert detail.row.visit is None


def test_the_same_visit_again_tells_nobody(scene, accepted):
    scene.plan(accepted, 20)
    before = len(scene.detail(accepted).entries)
    scene.plan(accepted, 20)
    assert len(scene.detail(accepted).entries) == before


def test_customer_and_technician_are_told_and_it_is_audited(scene, accepted):
    scene.deliver()
    scene.plan(accepted, 20)
    scene.deliver()
    with scene.session() as session:
        query = select(Notification.person_id).where(Notification.kind == NoticeKind.VISIT)
        told = set(session.scalars(query))
        acts = session.scalars(select(AuditRow.action)).all()
    assert told == {scene.network.people[each] for each in ("customer", "technician")}
    assert "portal:ticket:visit" in acts


@pytest.mark.parametrize(
    ("person", "error"),
    [("customer", Forbidden), ("maker", Forbidden), ("other_manager", NotFound)],
)
def test_only_the_dealer_plans(scene, accepted, person, error):
    with pytest.raises(error):
        scene.plan(accepted, 20, person=person)


def test_a_new_or_solved_ticket_takes_no_visit(scene):
    ticket_id = scene.ticket_from_alarm()
    with pytest.raises(MoveRefused):
        scene.plan(ticket_id, 20)
    scene.start(ticket_id)
    with pytest.raises(EntryRefused):
        scene.plan(ticket_id, None)
    scene.move(ticket_id, Move.SOLVE)
    with pytest.raises(MoveRefused):
        scene.plan(ticket_id, 20)


@pytest.mark.parametrize("move", sorted(ENDS_VISIT - {Move.CANCEL, Move.CLOSE}))
def test_who_was_there_has_made_the_visit(scene, accepted, move):
    scene.plan(accepted, 20)
    scene.move(accepted, Move.START)
    assert scene.tickets()[0].visit is not None
    scene.move(accepted, move, note="The part is ordered.")
    assert scene.tickets()[0].visit is None


def test_a_close_out_ends_the_visit(scene, accepted):
    scene.plan(accepted, 20)
    scene.move(accepted, Move.START)
    scene.close(accepted)
    assert scene.tickets()[0].visit is None


def test_a_cancelled_ticket_has_no_visit(scene):
    ticket_id = scene.report().ticket_id
    scene.move(ticket_id, Move.ACKNOWLEDGE)
    scene.plan(ticket_id, 20)
    scene.move(ticket_id, Move.CANCEL, person="manager", note="It was next door.")
    assert scene.tickets()[0].visit is None


def test_the_database_keeps_half_visits_and_visits_of_closed_tickets_out(scene, accepted):
    scene.plan(accepted, 20)
    for changed in ({"visit_to": None}, {"state": TicketState.SOLVED}):
        with pytest.raises(IntegrityError), scene.network.transaction() as session:
            session.execute(update(Ticket).values(changed))


def test_the_next_visit_stands_first_and_tickets_without_one_follow(scene, accepted):
    late = scene.ticket_from_alarm(asset_id=scene.network.other_asset)
    with scene.session() as session:
        assert [each.id for each in list_by_visit(session)] == [late, accepted]
    scene.plan(accepted, 3)
    with scene.session() as session:
        assert [each.id for each in list_by_visit(session)] == [accepted, late]
        assert [each.id for each in list_visits(session)] == [accepted]
