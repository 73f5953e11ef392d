"""Devices as a list, behind gateways, and brought in many at once."""

import pytest
from sqlalchemy import select

from devices.provisioning import Device
from devices.security.credentials import list_broker_users
from devices.security.inventory import import_devices, list_devices, set_gateway
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from tests.conftest import START


def device(session, key):
    return session.scalar(select(Device).where(Device.key == key))


def test_each_row_has_its_result_and_each_good_one_a_password(session):
    made = import_devices(
        session,
        "device,equipment_model,serial,gateway,password\n"
        "gate-1,,,,\n"
        "box-1,pump,P-0001,gate-1,no\n"
        "bad key,,,,\n"
        "box-2,pump,P-9999,,\n"
        "box-3,,,gate-9,\n"
        "gate-1,,,,\n",
        at=START,
    )
    assert [each.outcome for each in made.results] == ["created", "created", *["refused"] * 4]
    assert [each.user for each in made.credentials] == ["gate-1"]
    assert "P-9999 is not known" in made.results[3].message
    (user,) = list_broker_users(session, START)
    assert user.device_keys == ("gate-1", "box-1")
    assert device(session, "box-2") is None


def test_a_header_without_devices_is_refused(session):
    with pytest.raises(Invalid, match="device"):
        import_devices(session, "serial\nP-0001\n", at=START)


def test_the_list_says_which_machine_and_which_user(session, filled):
    import_devices(session, "device,gateway\ngate-1,\nspare_1,gate-1\n", at=START)
    rows = {row.key: row for row in list_devices(session, START)}
    assert sorted(rows) == ["gate-1", "pump-1", "pump-2", "spare_1"]
    assert (rows["pump-1"].asset_id, rows["pump-1"].users) == (filled.asset, ())
    assert (rows["spare_1"].gateway, rows["spare_1"].users) == ("gate-1", ("spare_1",))
    assert [row.key for row in list_devices(session, START, search="e_1")] == ["spare_1"]
    assert [row.key for row in list_devices(session, START, asset_id=filled.asset)] == ["pump-1"]


def test_gateways_do_not_stand_behind_gateways(session):
    import_devices(session, "device\ngate-1\ngate-2\n", at=START)
    set_gateway(session, device=device(session, "pump-1"), gateway_key="gate-1", at=START)
    with pytest.raises(Invalid):
        set_gateway(session, device=device(session, "gate-2"), gateway_key="pump-1", at=START)
    with pytest.raises(Invalid):
        set_gateway(session, device=device(session, "gate-2"), gateway_key="gate-2", at=START)
    with pytest.raises(Conflict):
        set_gateway(session, device=device(session, "gate-1"), gateway_key="gate-2", at=START)
    with pytest.raises(NotFound):
        set_gateway(session, device=device(session, "pump-1"), gateway_key="none", at=START)


def test_a_device_leaves_its_gateway(session):
    import_devices(session, "device\ngate-1\n", at=START)
    set_gateway(session, device=device(session, "pump-1"), gateway_key="gate-1", at=START)
    set_gateway(session, device=device(session, "pump-1"), gateway_key="", at=START)
    (user,) = list_broker_users(session, START)
    assert user.device_keys == ("gate-1",)


def test_the_dealer_registers_nothing_behind_a_gateway(filled):
    with filled.database.session(filled.scope("manager")) as session, pytest.raises(Forbidden):
        set_gateway(session, device=device(session, "pump-1"), gateway_key="", at=START)
