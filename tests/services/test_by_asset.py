"""Open tickets seen from their machines."""

from services.tickets.by_asset import (
    list_assets_with_ticket,
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
