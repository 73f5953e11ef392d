"""Nobody reads or writes a ticket that is not theirs, not even past the functions."""

import pytest
from sqlalchemy import delete, select, update

from devices.ownership import PartyKind
from foundation.errors import Forbidden, NotFound
from services.notifications.models import Notification
from services.tickets.models import Ticket, TicketAlarm, TicketEntry
from services.tickets.queries import (
    EVERY_STATE,
    TicketFilter,
    count_attention,
    count_states,
    find_open_on_asset,
    list_history,
    list_queue,
)
from services.tickets.refusals import MoveRefused
from services.tickets.rules import Audience, EntryKind, Move, Origin, TicketState
from telemetry.verdicts import Verdict

STRANGERS = ["other_manager", "other_technician", "other_customer"]
PARTIES = ["manager", "technician", "customer", "maker"]


@pytest.fixture
def ticket_id(scene):
    made = scene.ticket_from_alarm()
    scene.start(made)
    return made


@pytest.mark.parametrize("person", STRANGERS)
def test_strangers_find_nothing(scene, ticket_id, person):
    scene.close(ticket_id)
    with pytest.raises(NotFound):
        scene.detail(ticket_id, person)
    with scene.session(person) as session:
        assert list_queue(session).total == 0
        assert list_history(session, TicketFilter(states=EVERY_STATE)).rows == []
        assert set(count_states(session).values()) == {0}
        assert count_attention(session, person_id=1, at=scene.now).open == 0
        assert find_open_on_asset(session, scene.network.asset) is None
        for table in (Ticket, TicketEntry, TicketAlarm, Verdict):
            assert session.scalars(select(table)).all() == []


@pytest.mark.parametrize("person", PARTIES)
def test_the_parties_of_the_machine_see_the_ticket(scene, ticket_id, person):
    assert scene.detail(ticket_id, person).row.number == "T-1001"
    with scene.session(person) as session:
        assert [row.id for row in list_queue(session).rows] == [ticket_id]


@pytest.mark.parametrize("person", STRANGERS)
def test_strangers_change_nothing_through_the_functions(scene, ticket_id, person):
    acts = [
        lambda: scene.move(ticket_id, Move.SOLVE, person),
        lambda: scene.comment(ticket_id, "Hello", person),
        lambda: scene.close(ticket_id, person=person),
        lambda: scene.report(person),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()
    assert scene.tickets()[0].state == TicketState.IN_PROGRESS


def test_another_dealers_manager_assigns_nothing(scene, ticket_id):
    with pytest.raises(NotFound):
        scene.assign(ticket_id, "other_technician", "other_manager")


@pytest.mark.parametrize("person", ["customer", "maker"])
def test_who_does_not_work_on_tickets_neither_closes_nor_moves_them(scene, ticket_id, person):
    for act in (
        lambda: scene.close(ticket_id, person=person),
        lambda: scene.move(ticket_id, Move.SOLVE, person),
        lambda: scene.assign(ticket_id, "technician", person),
    ):
        with pytest.raises((MoveRefused, Forbidden)):
            act()


def smuggle(scene, person, change):
    """Loads the ticket as the platform, changes it as the person, and writes."""
    with scene.session() as session:
        ticket = session.scalars(select(Ticket)).one()
        session.info["scope"] = scene.network.scope(person)
        change(session, ticket)
        session.flush()


CHANGES = {
    "state": lambda _, ticket: setattr(ticket, "state", TicketState.SOLVED),
    "assignee": lambda _, ticket: setattr(ticket, "assignee_id", None),
    "deleted": lambda session, ticket: session.delete(ticket),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("person", [*STRANGERS, "customer", "maker"])
def test_the_guard_refuses_rows_that_are_not_theirs_to_change(scene, ticket_id, person, change):
    with pytest.raises(Forbidden):
        smuggle(scene, person, CHANGES[change])


@pytest.mark.parametrize(
    "change",
    [
        lambda _, ticket: setattr(ticket, "asset_id", ticket.asset_id + 1),
        lambda _, ticket: setattr(ticket, "state", TicketState.NEW),
        lambda _, ticket: setattr(ticket, "title", {"code": "other", "parameters": {}}),
        lambda session, ticket: session.delete(ticket),
    ],
    ids=["asset", "state", "title", "deleted"],
)
def test_even_the_dealer_rewrites_no_history(scene, ticket_id, change):
    with pytest.raises(Forbidden):
        smuggle(scene, "manager", change)


def entry(scene, of_ticket, person, **changed):
    scope = scene.network.scope(person)
    said = {
        "ticket_id": of_ticket,
        "asset_id": scene.network.asset,
        "kind": EntryKind.COMMENT,
        "person_id": scope.person_id,
        "organisation_id": scope.organisation_id,
        "written_at": scene.now,
        "text": "Hello",
        "reasons": [],
    }
    return TicketEntry(**said | changed)


@pytest.mark.parametrize(
    ("person", "changed"),
    [
        ("customer", {"audience": Audience.DEALER}),
        ("customer", {"kind": EntryKind.ASSIGNED}),
        ("customer", {"person_id": 1}),
        ("customer", {"organisation_id": None}),
        ("customer", {"ticket_id": 99}),
        ("maker", {"kind": EntryKind.REPORT}),
        ("other_manager", {}),
        ("other_manager", {"asset_id": 2}),
    ],
)
def test_entries_are_written_in_ones_own_name_on_ones_own_tickets(
    scene, ticket_id, person, changed
):
    with scene.session(person) as session:
        session.add(entry(scene, ticket_id, person, **changed))
        with pytest.raises(Forbidden):
            session.flush()


def test_an_entry_is_never_changed_or_deleted(scene, ticket_id):
    for change in (lambda _, e: setattr(e, "text", "No"), lambda s, e: s.delete(e)):
        with scene.session("manager") as session:
            change(session, session.scalars(select(TicketEntry)).first())
            with pytest.raises(Forbidden):
                session.flush()


def test_a_person_makes_no_ticket_in_the_name_of_a_machine(scene):
    with scene.session("technician") as session:
        session.add(
            Ticket(
                asset_id=scene.network.asset,
                origin=Origin.MACHINE,
                state=TicketState.NEW,
                priority=1,
                title={},
                reasons=[],
                opened_at=scene.now,
                changed_at=scene.now,
                response_due_at=scene.now,
                due_at=scene.now,
            )
        )
        with pytest.raises(Forbidden):
            session.flush()


def test_bulk_statements_reach_only_what_is_visible(scene, ticket_id):
    with scene.network.transaction("other_manager") as session:
        session.execute(update(Ticket).values(priority=1))
        session.execute(delete(TicketEntry))
        session.execute(update(Notification).values(read_at=scene.now))
    assert scene.tickets()[0].priority == 3
    assert len(scene.detail(ticket_id).entries) == 3


def test_who_takes_a_machine_over_sees_its_open_ticket_but_no_earlier_words(scene):
    closed = scene.report(text="Old trouble").ticket_id
    scene.start(closed)
    scene.close(closed)
    present = scene.report(text="New trouble").ticket_id
    scene.comment(present, "Between dealers", audience=Audience.DEALER)
    scene.network.clock.advance(60)
    scene.set_party(PartyKind.SERVICING, "other_dealer")
    scene.set_party(PartyKind.OWNER, "other_customer")
    for person in ("other_manager", "other_customer"):
        assert scene.detail(present, person).entries == ()
        with pytest.raises(NotFound):
            scene.detail(closed, person)
    for person in ("manager", "customer"):
        with pytest.raises(NotFound):
            scene.detail(present, person)
    assert len(scene.detail(present, "maker").entries) == 1
    scene.comment(present, "We take over.", "other_technician")
    assert len(scene.detail(present, "other_customer").entries) == 1
