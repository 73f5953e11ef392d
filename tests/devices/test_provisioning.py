"""Devices: keys that fit a topic, one owner a key, one asset at a time for each of them."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from devices.assets import Asset
from devices.provisioning import (
    Device,
    SourceAssignment,
    assign_source,
    list_devices_of,
    register_device,
)
from foundation.errors import Conflict, Forbidden, Invalid
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind, Role, Scope
from tests.conftest import START

NOON = START + timedelta(hours=6)


@pytest.fixture
def session(filled):
    """The manufacturer's administrator at work; nothing stays."""
    with filled.database.session(filled.scope("maker")) as session:
        yield session


def spoke_for(session, key):
    """Asset, from and to of each assignment of a device, the oldest first."""
    query = (
        select(SourceAssignment.asset_id, SourceAssignment.from_at, SourceAssignment.to_at)
        .join(Device, Device.id == SourceAssignment.device_id)
        .where(Device.key == key)
        .order_by(SourceAssignment.from_at, SourceAssignment.id)
    )
    return [tuple(row) for row in session.execute(query)]


def assign(session, key, asset_id, from_at):
    device = register_device(session, key=key, at=START)
    assign_source(session, device=device, asset=session.get_one(Asset, asset_id), from_at=from_at)


@pytest.mark.parametrize("key", ["a", "Pump-7", "0123.4567_89", "x" * 64])
def test_a_key_that_fits_a_topic_is_taken(session, filled, key):
    device = register_device(session, key=key, at=START)
    assert (device.key, device.organisation_id) == (key, filled.organisations["maker"])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x" * 65,
        "a/b",
        "+",
        "#",
        "$SYS",
        "-dash-first",
        ".",
        "pump 7",
        "pump\n",
        "pump\x00",
        "pümp",
        "a+b",
        "{{7*7}}",
    ],
)
def test_a_key_that_does_not_fit_a_topic_is_refused(session, key):
    with pytest.raises(Invalid) as refused:
        register_device(session, key=key, at=START)
    assert refused.value.field == "device"


def test_a_known_key_of_the_own_house_is_the_same_device(session):
    first = register_device(session, key="spare-1", at=START)
    assert register_device(session, key="spare-1", at=NOON) is first


@pytest.mark.parametrize("key", ["pump-1", "spare-1"], ids=["in use", "in stock"])
def test_a_key_of_another_organisation_is_taken(session, filled, key):
    register_device(session, key=key, at=START)
    other = create_organisation(
        session, kind=OrganisationKind.MANUFACTURER, name="Other Works", at=START
    )
    rival = Scope.of_person(filled.people["maker"], other.id, Role.MANUFACTURER)
    session.flush()
    switch_scope(session, rival)
    with pytest.raises(Conflict, match=key):
        register_device(session, key=key, at=START)


def switch_scope(session, scope):
    """What a new session would do, but without losing what was not committed."""
    session.expire_all()
    session.info.clear()
    session.info["scope"] = scope


@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_only_the_manufacturer_registers_devices(filled, person):
    with filled.database.session(filled.scope(person)) as session, pytest.raises(Forbidden):
        register_device(session, key="mine-1", at=START)


def test_the_manufacturer_may_revoke_a_device_of_its_assets(session):
    """Also one that the platform registered for it, as an import on the command line does."""
    device = session.scalar(select(Device).where(Device.key == "pump-1"))
    device.revoked_at = NOON
    session.flush()


def test_an_assignment_holds_from_its_time_on(session, filled):
    assign(session, "spare-1", filled.asset, NOON)
    assert spoke_for(session, "spare-1") == [(filled.asset, NOON, None)]


def test_a_device_that_moves_ends_its_time_at_the_old_asset(session, filled):
    assign(session, "spare-1", filled.asset, START)
    assign(session, "spare-1", filled.other_asset, NOON)
    assert spoke_for(session, "spare-1") == [
        (filled.asset, START, NOON),
        (filled.other_asset, NOON, None),
    ]


def test_assigning_it_to_its_present_asset_changes_nothing(session, filled):
    assign(session, "spare-1", filled.asset, START)
    assign(session, "spare-1", filled.asset, NOON)
    assert spoke_for(session, "spare-1") == [(filled.asset, START, None)]


def test_a_move_before_the_present_assignment_is_refused(session, filled):
    assign(session, "spare-1", filled.asset, NOON)
    with pytest.raises(Invalid, match="spare-1"):
        assign(session, "spare-1", filled.other_asset, START)


def test_a_device_may_come_back(session, filled):
    for hour, asset in enumerate((filled.asset, filled.other_asset, filled.asset)):
        assign(session, "spare-1", asset, START + timedelta(hours=hour))
    ends = [to_at for _, _, to_at in spoke_for(session, "spare-1")]
    assert ends == [START + timedelta(hours=1), START + timedelta(hours=2), None]


def test_several_devices_may_speak_for_one_asset(session, filled):
    assign(session, "spare-1", filled.asset, NOON)
    assert list_devices_of(session, filled.asset) == ["pump-1", "spare-1"]


def test_a_device_that_moved_away_no_longer_speaks_for_the_asset(session, filled):
    assign(session, "pump-1", filled.other_asset, NOON)
    assert list_devices_of(session, filled.asset) == []
    assert list_devices_of(session, filled.other_asset) == ["pump-1", "pump-2"]


def test_the_database_itself_refuses_a_second_asset_at_a_time(session, filled):
    device = session.scalar(select(Device).where(Device.key == "pump-1"))
    session.add(SourceAssignment(device_id=device.id, asset_id=filled.other_asset, from_at=NOON))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_device_is_not_assigned_to_a_foreign_asset(filled):
    with filled.database.session(filled.scope("customer")) as session:
        session.add(SourceAssignment(device_id=1, asset_id=filled.asset, from_at=NOON))
        with pytest.raises(Forbidden):
            session.flush()


@pytest.mark.parametrize(
    ("person", "keys"),
    [("maker", ["pump-1", "pump-2"]), ("manager", ["pump-1"]), ("other_customer", ["pump-2"])],
)
def test_whoever_sees_an_asset_sees_its_devices(filled, person, keys):
    with filled.database.session(filled.scope(person)) as session:
        assert list(session.scalars(select(Device.key).order_by(Device.key))) == keys
