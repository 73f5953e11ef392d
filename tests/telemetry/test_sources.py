"""Whom a source spoke for at which time, and what its signals mean; renewed with the catalogue."""

import pytest
from sqlalchemy import event, select

from devices.equipment_models import announce_catalogue
from devices.provisioning import Device
from devices.signal_mapping import MappedSignal
from telemetry.reading_rules import PlausibleRange
from telemetry.sources import Assignment, KnownSource


def assignment(from_ms, to_ms, asset):
    return Assignment(from_ms, to_ms, asset, "pump", 1)


@pytest.mark.parametrize(
    ("at_ms", "asset"),
    [(99, None), (100, 1), (199, 1), (200, None), (299, None), (300, 2), (10**15, 2)],
)
def test_an_assignment_holds_from_its_start_up_to_its_end(at_ms, asset):
    source = KnownSource([assignment(300, None, 2), assignment(100, 200, 1)])
    found = source.find_assignment(at_ms)
    assert (found.asset_id if found else None) == asset


@pytest.fixture
def sources(plant):
    plant.sources.refresh()
    return plant.sources


def test_a_source_is_known_with_its_machine_model_and_maker(plant, sources):
    network, source = plant.network, sources.find("pump-1")
    (assigned,) = source.assignments
    assert (assigned.asset_id, assigned.equipment_model) == (network.asset, "pump")
    assert (assigned.manufacturer_id, assigned.to_ms) == (network.organisations["maker"], None)
    assert source.ranges["pump"]["pressure"] == PlausibleRange(0, 25)


def test_signals_are_mapped_by_row_and_metrics_by_their_own_name(sources):
    signals = sources.find("pump-1").signals["pump"]
    assert set(signals) == {"temperature", "pressure", "T1"}
    assert signals["pressure"] == MappedSignal("pressure")
    fahrenheit = signals["T1"]
    assert 212 * fahrenheit.scale + fahrenheit.offset == pytest.approx(100)


def test_a_devices_own_row_comes_before_the_models(plant, sources):
    plant.map_signal("T1", "temperature", "Cel", device_key="pump-2", scale=0.1)
    sources.refresh()
    assert sources.find("pump-2").signals["pump"]["T1"] == MappedSignal("temperature", 0.1)
    assert sources.find("pump-1").signals["pump"]["T1"].scale == pytest.approx(5 / 9)


def test_an_unknown_source_is_not_found(sources):
    assert sources.find("pump-9") is None


def test_a_device_without_a_machine_is_known_and_speaks_for_none(plant):
    with plant.network.transaction() as session:
        session.add(Device(key="spare", created_at=plant.clock.now()))
        announce_catalogue(session, plant.clock.now())
    plant.sources.refresh()
    assert plant.sources.find("spare").find_assignment(plant.ms(0)) is None


def test_a_machine_registered_meanwhile_is_known_after_the_next_look(plant, sources):
    plant.register("P-0003", "pump-3")
    assert sources.find("pump-3") is None
    sources.refresh()
    assert sources.find("pump-3").find_assignment(plant.ms(0)) is not None


def test_a_revoked_device_is_forgotten(plant, sources):
    with plant.network.transaction() as session:
        device = session.scalar(select(Device).where(Device.key == "pump-1"))
        device.revoked_at = plant.clock.now()
        announce_catalogue(session, plant.clock.now())
    sources.refresh()
    assert sources.find("pump-1") is None
    assert sources.find("pump-2") is not None


def test_without_a_change_one_statement_is_enough(plant, sources):
    said = []
    engine = plant.network.database.engine

    def note(connection, cursor, statement, *_):
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    sources.refresh()
    event.remove(engine, "before_cursor_execute", note)
    assert len([statement for statement in said if statement.startswith("SELECT")]) == 1
