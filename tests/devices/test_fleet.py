"""Reads of the installed base for pages: search, paging and what each party sees."""

import pytest
from sqlalchemy import event

from devices.fleet import get_asset_facts, list_asset_rows, list_assets, list_metric_labels
from devices.registration import AssetEntry, register_asset
from foundation.errors import Invalid, NotFound
from foundation.paging import PAGE_SIZE


def add_machines(network, count):
    with network.transaction() as session:
        for number in range(count):
            entry = AssetEntry(
                equipment_model="pump",
                serial=f"S-{number:03}",
                name=f"Fan {number % 7}",
                customer="Harbour Foods",
                dealer="North Service",
                site="Roof",
                time_zone=None,
                device=None,
                commissioned_at=network.clock.now(),
            )
            register_asset(session, entry, at=network.clock.now())


def test_each_party_sees_its_machines_with_everybody_named(network):
    with network.database.session(network.scope("manager")) as session:
        page = list_assets(session)
    (row,) = page.rows
    assert (row.customer, row.dealer) == ("Harbour Foods", "North Service")
    assert (row.serial, row.site, row.time_zone) == ("P-0001", "Plant 1", "Europe/Berlin")
    assert row.equipment_model == "Ironbridge P-100"
    assert page.total == 1


def test_paging_shows_every_machine_once_in_order_of_names(network):
    add_machines(network, PAGE_SIZE + 9)
    with network.database.session(network.scope("manager")) as session:
        first = list_assets(session)
        second = list_assets(session, cursor=first.next_cursor)
    rows = [*first.rows, *second.rows]
    assert len(first.rows) == PAGE_SIZE
    assert second.next_cursor is None
    assert len({row.id for row in rows}) == len(rows) == first.total == PAGE_SIZE + 10
    assert [(r.name, r.id) for r in rows] == sorted((r.name, r.id) for r in rows)


@pytest.mark.parametrize(
    ("text", "found"),
    [("p-0001", 1), ("HARBOUR", 1), ("plant", 1), ("p-100", 1), ("hill", 0), ("%", 0), ("_", 0)],
)
def test_search_is_by_serial_name_site_model_and_customer(network, text, found):
    with network.database.session(network.scope("manager")) as session:
        assert list_assets(session, search=text).total == found


def test_a_choice_of_ids_narrows_and_adds_nothing(network):
    with network.database.session(network.scope("customer")) as session:
        both = list_assets(session, ids=[network.asset, network.other_asset])
        assert [row.id for row in both.rows] == [network.asset]
        assert list_assets(session, ids=[]).total == 0
        assert list(list_asset_rows(session, [network.other_asset])) == []


def test_a_damaged_cursor_is_refused(network):
    with (
        network.database.session(network.scope("customer")) as session,
        pytest.raises(Invalid),
    ):
        list_assets(session, cursor="nonsense")


def test_facts_name_parties_devices_and_the_reporting_interval(network):
    with network.database.session(network.scope("technician")) as session:
        facts = get_asset_facts(session, network.asset)
        with pytest.raises(NotFound):
            get_asset_facts(session, network.other_asset)
    assert (facts.customer, facts.dealer) == ("Harbour Foods", "North Service")
    assert facts.manufacturer == "Ironbridge Works"
    assert facts.devices == ("pump-1",)
    assert facts.expected_s == 10
    assert not facts.is_learning


def test_labels_of_metrics_are_those_of_visible_models(network):
    with network.database.session(network.scope("customer")) as session:
        labels = list_metric_labels(session)
    assert labels == {
        "pump": {"temperature": "Bearing temperature", "pressure": "Outlet pressure"}
    }


def test_a_list_costs_the_same_number_of_statements_however_long_it_is(network):
    statements = []
    event.listen(
        network.database.engine, "before_cursor_execute", lambda *call: statements.append(call[2])
    )
    counted = []
    for _ in range(2):
        statements.clear()
        with network.database.session(network.scope("manager")) as session:
            list_assets(session)
        counted.append(len(statements))
        add_machines(network, 20)
    # On SQLite the BEGIN is one of them.
    assert counted[0] == counted[1] <= 3
