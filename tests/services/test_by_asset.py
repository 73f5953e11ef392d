"""Open tickets seen from their machines and dealers."""

from datetime import timedelta

from services.tickets.by_asset import (
    list_assets_with_ticket,
    list_dealer_loads,
    list_open_on,
    list_tickets_of_alarms,
)


def read(scene, person, ask, **given):
    with scene.network.database.session(scene.network.scope(person)) as session:
        return ask(session, **given)


def test_a_machine_with_an_open_ticket_is_known_to_those_who_see_it(scene):
    network, alarm_id = scene.network, scene.alarm()
    scene.triage()
    assert read(scene, "manager", list_assets_with_ticket) == {network.asset}
    assert read(scene, "other_manager", list_assets_with_ticket) == frozenset()
    found = read(scene, "customer", list_open_on, asset_ids=[network.asset, network.other_asset])
    assert found[network.asset].number == "T-1001"
    assert found[network.asset].assignee is None
    linked = read(scene, "customer", list_tickets_of_alarms, alarm_ids=[alarm_id, 99])
    assert linked == {alarm_id: found[network.asset].id}
    assert read(scene, "other_customer", list_tickets_of_alarms, alarm_ids=[alarm_id]) == {}


def test_dealers_are_listed_by_what_they_have_to_do(scene):
    scene.alarm()
    scene.alarm(asset_id=scene.network.other_asset)
    scene.triage()
    later = scene.now + timedelta(days=30)
    loads = read(scene, "maker", list_dealer_loads, at=scene.now)
    late = read(scene, "maker", list_dealer_loads, at=later)
    assert {(each.dealer, each.open, each.overdue) for each in loads} == {
        ("North Service", 1, 0),
        ("South Service", 1, 0),
    }
    assert {each.overdue for each in late} == {1}
    own = read(scene, "manager", list_dealer_loads, at=scene.now)
    assert [each.dealer for each in own] == ["North Service"]
