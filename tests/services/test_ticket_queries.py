"""Lists, counts and pages of tickets."""

import pytest
from sqlalchemy import event, select

from devices.assets import Asset
from devices.ownership import PartyKind, set_party
from foundation.errors import Invalid
from foundation.identity.models import Organisation
from foundation.paging import encode_cursor
from services.tickets.detail import get_ticket_detail
from services.tickets.queries import (
    EVERY_STATE,
    TicketFilter,
    count_attention,
    count_states,
    count_tickets,
    find_open_on_asset,
    list_history,
    list_queue,
)
from services.tickets.rules import Move, Origin, TicketState
from telemetry.alarms.models import Severity

SEVERITIES = [Severity.WARNING, Severity.CRITICAL, Severity.SERIOUS]


@pytest.fixture
def fleet(scene):
    """Seven assets of the same parties, each with one ticket of changing severity."""
    with scene.network.transaction() as session:
        first = session.get_one(Asset, scene.network.asset)
        ids = [first.id] + [_twin(scene, session, first, number) for number in range(6)]
    for number, asset_id in enumerate(ids):
        scene.network.clock.advance(60)
        severity = SEVERITIES[number % 3]
        scene.ticket_from_alarm(asset_id=asset_id, severity=severity)
    return ids


def _twin(scene, session, first, number):
    asset = Asset(
        equipment_model_id=first.equipment_model_id,
        serial=f"TWIN-{number}",
        name=f"Twin {number}",
        site_id=first.site_id,
        commissioned_at=first.commissioned_at,
        created_at=scene.now,
    )
    session.add(asset)
    session.flush()
    for kind, key in ((PartyKind.OWNER, "customer"), (PartyKind.SERVICING, "dealer")):
        party = session.get_one(Organisation, scene.network.organisations[key])
        set_party(session, asset=asset, kind=kind, organisation=party, at=scene.now)
    return asset.id


def pages(list_page, session, chosen, limit):
    cursor, seen = None, []
    while True:
        page = list_page(session, chosen, cursor=cursor, limit=limit)
        seen += [row.id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return seen, page.total


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_the_queue_is_paged_by_urgency_without_gaps_or_doubles(scene, fleet, limit):
    with scene.session("manager") as session:
        seen, total = pages(list_queue, session, TicketFilter(), limit)
        rows = list_queue(session).rows
    assert total == len(seen) == 7
    assert seen == [row.id for row in rows]
    urgency = [(row.priority, row.due_at) for row in rows]
    assert urgency == sorted(urgency)


@pytest.mark.parametrize("limit", [2, 50])
def test_history_is_paged_newest_first(scene, fleet, limit):
    scene.start(1)
    scene.close(1)
    with scene.session("customer") as session:
        seen, total = pages(list_history, session, TicketFilter(states=EVERY_STATE), limit)
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert total == 7


def test_filters_narrow_the_list(scene, fleet):
    scene.assign(2, "technician")
    technician = scene.network.people["technician"]
    filters = {
        TicketFilter(assignee_id=technician): [2],
        TicketFilter(is_unassigned=True): [5, 3, 6, 1, 4, 7],
        TicketFilter(states=(TicketState.ACKNOWLEDGED,)): [2],
        TicketFilter(asset_id=fleet[4]): [5],
        TicketFilter(origin=Origin.CUSTOMER): [],
        TicketFilter(states=()): [],
    }
    with scene.session("manager") as session:
        for chosen, expected in filters.items():
            assert [row.id for row in list_queue(session, chosen).rows] == expected
            assert count_tickets(session, chosen) == len(expected)


@pytest.mark.parametrize(
    "cursor",
    [
        "junk",
        encode_cursor((1, 2)),
        encode_cursor((1, "tomorrow", 3)),
        encode_cursor(("a", "2026-03-02", 3)),
        encode_cursor((float("inf"), "2026-03-02", 3)),
        encode_cursor((None, None, None)),
    ],
)
def test_a_damaged_cursor_is_refused(scene, cursor):
    with scene.session("manager") as session:
        with pytest.raises(Invalid):
            list_queue(session, cursor=cursor)
        with pytest.raises(Invalid):
            list_history(session, cursor=encode_cursor(("x",)))


def test_a_row_names_machine_place_and_people(scene):
    scene.ticket_from_alarm()
    scene.assign(1, "technician")
    with scene.session("customer") as session:
        row = find_open_on_asset(session, scene.network.asset)
    assert (row.number, row.asset_name, row.serial) == ("T-1001", "Pump P-0001", "P-0001")
    assert (row.equipment_model, row.model_key) == ("Ironbridge P-100", "pump")
    assert (row.site, row.time_zone) == ("Plant 1", "Europe/Berlin")
    assert (row.customer, row.assignee) == ("Harbour Foods", "Technician")


def test_counts_tell_what_asks_for_attention(scene, fleet):
    scene.assign(2, "technician")
    scene.start(3)
    scene.close(3)
    scene.start(4)
    scene.move(4, Move.SOLVE)
    scene.network.clock.advance(73 * 3600)
    technician = scene.network.people["technician"]
    with scene.session("manager") as session:
        counted = count_attention(session, person_id=technician, at=scene.now)
        states = count_states(session)
    assert (counted.open, counted.unassigned, counted.mine) == (6, 4, 2)
    # Warnings may wait 72 h for an answer and 240 h for their end.
    assert (counted.unanswered_late, counted.overdue) == (4, 3)
    assert states[TicketState.CLOSED] == 1
    assert states[TicketState.SOLVED] == 1
    assert states[TicketState.NEW] == 4


def test_pages_cost_the_same_number_of_statements_however_long_they_are(scene, fleet):
    counted = []

    def listener(_connection, _cursor, statement, *_):
        counted.extend([statement] if statement.startswith("SELECT") else [])

    engine = scene.network.database.engine
    event.listen(engine, "after_cursor_execute", listener)
    with scene.session("manager") as session:
        list_queue(session)
        of_list, _ = len(counted), counted.clear()
        get_ticket_detail(session, 1, at=scene.now)
        of_detail = len(counted)
    event.remove(engine, "after_cursor_execute", listener)
    assert (of_list, of_detail) == (2, 3)


def test_the_detail_offers_the_moves_of_the_role(scene):
    ticket_id = scene.ticket_from_alarm()

    def allowed(person):
        moves = scene.detail(ticket_id, person).moves
        return {decision.move for decision in moves if decision.is_allowed}

    assert allowed("technician") == {Move.ACKNOWLEDGE}
    assert allowed("customer") == allowed("maker") == set()
    scene.start(ticket_id)
    assert allowed("manager") == {Move.WAIT, Move.SOLVE, Move.CLOSE}
    detail = scene.detail(ticket_id, "customer")
    assert (detail.may_comment, detail.may_assign, detail.may_write_internally) == (
        True,
        False,
        False,
    )
    with scene.session() as session:
        assert session.scalars(select(Asset.name)).first()
