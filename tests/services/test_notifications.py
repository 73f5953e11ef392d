"""Who is told of what, once, and who sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from devices.ownership import PartyKind
from foundation.errors import Forbidden
from foundation.identity.models import Person
from foundation.jobs import Job
from services.notifications.delivery import handle_ticket_notice
from services.notifications.models import Notification
from services.notifications.queries import count_unread, list_notifications, mark_read
from services.notifications.rules import GROUPS, EntryFacts, Group, NoticeKind, decide_notice
from services.tickets.models import TicketEntry
from services.tickets.rules import Audience, EntryKind, Move
from telemetry.alarms.models import Severity

ENTRIES = st.builds(
    EntryFacts,
    kind=st.sampled_from(EntryKind),
    audience=st.sampled_from(Audience),
    move=st.none() | st.sampled_from([str(move) for move in Move]),
    reason_codes=st.lists(st.sampled_from(["assigned", "unassigned", "priority_raised"])),
)


@given(ENTRIES, st.booleans())
def test_an_internal_entry_reaches_nobody_outside_the_dealer(entry, has_dealer):
    notice = decide_notice(entry, has_dealer=has_dealer)
    if notice is not None and entry.audience == Audience.DEALER:
        assert Group.CUSTOMER not in notice.groups
        assert has_dealer == (Group.MANUFACTURER not in notice.groups) or (
            Group.MANAGERS not in notice.groups
        )


@given(ENTRIES)
def test_with_a_dealer_the_manufacturer_is_left_in_peace(entry):
    notice = decide_notice(entry, has_dealer=True)
    assert notice is None or notice.groups <= GROUPS[notice.kind]
    assert notice is None or Group.MANUFACTURER not in notice.groups


def test_every_kind_of_notice_has_its_groups():
    assert set(GROUPS) == set(NoticeKind)


def told(scene):
    """Kinds of notifications by person, in order."""
    with scene.session() as session:
        query = (
            select(Person.email, Notification.kind)
            .join(Notification, Notification.person_id == Person.id)
            .order_by(Notification.id)
        )
        found = {}
        for email, kind in session.execute(query):
            found.setdefault(email.partition("@")[0], []).append(str(kind))
        return found


def test_a_ticket_is_told_of_from_its_opening_to_its_end(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.assign(ticket_id, "technician")
    scene.move(ticket_id, Move.START)
    scene.close(ticket_id)
    assert scene.deliver() == 5
    assert told(scene) == {
        "manager": ["opened", "closed"],
        "customer": ["opened", "assigned", "closed"],
        "technician": ["assigned"],
    }


def test_nobody_is_told_of_what_they_did(scene):
    ticket_id = scene.report().ticket_id
    scene.comment(ticket_id, "Seen.", "manager")
    scene.deliver()
    assert told(scene) == {"manager": ["opened"], "customer": ["commented"]}


def test_an_internal_note_is_told_to_the_dealer_alone(scene):
    ticket_id = scene.report("technician").ticket_id
    scene.comment(ticket_id, "Third time.", audience=Audience.DEALER)
    scene.deliver()
    assert told(scene) == {"manager": ["opened", "commented"], "customer": ["opened"]}


def test_a_raised_priority_is_told_and_a_mere_joining_is_not(scene):
    scene.ticket_from_alarm()
    scene.alarm("normal_period", Severity.WARNING)
    scene.alarm("limit:pressure:low:critical", Severity.CRITICAL)
    scene.triage()
    scene.deliver()
    assert told(scene)["manager"] == ["opened", "raised"]


def test_without_a_dealer_the_manufacturer_hears_of_it(scene):
    scene.dismiss_dealer()
    scene.report()
    scene.deliver()
    assert told(scene) == {"maker": ["opened"]}


def test_delivery_twice_tells_once(scene):
    scene.ticket_from_alarm()
    for _ in range(2):
        with scene.network.transaction() as session:
            entry_id = session.scalars(select(TicketEntry.id)).one()
            handle_ticket_notice(session, {"entry_id": entry_id})
    scene.deliver()
    assert told(scene) == {"manager": ["opened"], "customer": ["opened"]}
    with scene.session() as session:
        assert [job.done_at for job in session.scalars(select(Job))] == [scene.now]


def test_people_who_left_are_not_told(scene):
    with scene.network.transaction() as session:
        session.get_one(Person, scene.network.people["manager"]).is_active = False
    scene.ticket_from_alarm()
    scene.deliver()
    assert told(scene) == {"customer": ["opened"]}


def test_former_parties_hear_no_more_and_lose_what_they_had(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.assign(ticket_id, "technician")
    scene.deliver()
    scene.network.clock.advance(60)
    scene.set_party(PartyKind.SERVICING, "other_dealer")
    scene.report()
    scene.deliver()
    assert told(scene)["other_manager"] == ["reported"]
    assert told(scene)["technician"] == ["assigned"]
    with scene.session("technician") as session:
        assert count_unread(session) == 0
        assert list_notifications(session).rows == []


def test_each_sees_and_reads_only_their_own(scene):
    ticket_id = scene.ticket_from_alarm()
    scene.deliver()
    with scene.network.transaction("customer") as session:
        (row,) = list_notifications(session).rows
        assert (row.kind, row.number, row.asset_name) == ("opened", "T-1001", "Pump P-0001")
        assert row.title.code == "title_limit"
        assert count_unread(session) == 1
        mark_read(session, at=scene.now, ticket_id=ticket_id + 1)
        assert count_unread(session) == 1
        mark_read(session, at=scene.now, ticket_id=ticket_id)
        assert count_unread(session) == 0
    with scene.session("manager") as session:
        assert count_unread(session) == 1
        assert len(session.scalars(select(Notification)).all()) == 1


def test_notifications_are_paged_newest_first(scene):
    ticket_id = scene.report("technician").ticket_id
    for number in range(4):
        scene.comment(ticket_id, f"Message {number}")
    scene.deliver()
    with scene.session("customer") as session:
        first = list_notifications(session, limit=3)
        second = list_notifications(session, limit=3, cursor=first.next_cursor)
    ids = [row.id for row in (*first.rows, *second.rows)]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second.next_cursor) == (5, None)


@pytest.mark.parametrize("person", ["customer", "manager"])
def test_a_person_neither_makes_nor_deletes_notifications(scene, person):
    scene.ticket_from_alarm()
    scene.deliver()
    with scene.session(person) as session:
        (mine,) = session.scalars(select(Notification))
        session.delete(mine)
        with pytest.raises(Forbidden):
            session.flush()
        session.rollback()
        made = Notification(
            person_id=scene.network.people[person],
            ticket_id=1,
            entry_id=1,
            kind=NoticeKind.OPENED,
            created_at=scene.now,
        )
        session.add(made)
        with pytest.raises(Forbidden):
            session.flush()
