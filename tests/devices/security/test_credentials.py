"""Passwords of devices: shown once, kept as hashes, rotated with or without overlap, revoked."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from devices.provisioning import Device
from devices.security.credentials import (
    DeviceCredential,
    issue_credential,
    list_broker_users,
    list_held,
    read_access_state,
    revoke_credentials,
    rotate_at_move,
)
from devices.security.hashing import is_password
from foundation.audit import AuditRow
from foundation.errors import Conflict, Forbidden, Invalid
from tests.conftest import START

DAY = timedelta(days=1)


def device(session, key="pump-1"):
    return session.scalar(select(Device).where(Device.key == key))


def users(session, at=START):
    return [each.user for each in list_broker_users(session, at)]


def test_a_password_is_shown_once_and_kept_as_a_hash(session):
    fresh = issue_credential(session, device=device(session), at=START)
    (kept,) = list_broker_users(session, START)
    assert (fresh.user, kept.user, kept.device_keys) == ("pump-1", "pump-1", ("pump-1",))
    assert len(fresh.password) >= 32
    assert fresh.password not in repr(fresh)
    assert is_password(fresh.password, kept.password_hash)
    assert fresh.password not in kept.password_hash


def test_a_new_password_ends_the_old_one_at_once(session):
    old = issue_credential(session, device=device(session), at=START)
    new = issue_credential(session, device=device(session), at=START + DAY)
    (kept,) = list_broker_users(session, START + DAY)
    assert is_password(new.password, kept.password_hash)
    assert not is_password(old.password, kept.password_hash)


def test_with_an_overlap_both_hold_under_names_of_their_own(session):
    issue_credential(session, device=device(session), at=START)
    new = issue_credential(session, device=device(session), at=START, overlap=DAY)
    assert new.user == "pump-1~2"
    assert users(session) == ["pump-1", "pump-1~2"]
    assert users(session, START + DAY) == ["pump-1~2"]


def test_the_names_take_turns_and_never_more_than_two_hold(session):
    issued = [
        issue_credential(session, device=device(session), at=START, overlap=DAY).user
        for _ in range(4)
    ]
    assert issued == ["pump-1", "pump-1~2", "pump-1", "pump-1~2"]
    assert len(list_held(session, device(session).id, START)) == 2


def test_revoking_ends_all_of_them(session):
    issue_credential(session, device=device(session), at=START)
    issue_credential(session, device=device(session), at=START, overlap=DAY)
    assert revoke_credentials(session, device=device(session), at=START) == 2
    assert users(session) == []
    with pytest.raises(Conflict, match="pump-1"):
        revoke_credentials(session, device=device(session), at=START)


def test_a_device_out_of_service_gets_none_and_is_not_let_in(session):
    issue_credential(session, device=device(session), at=START)
    device(session).revoked_at = START
    session.flush()
    assert users(session) == []
    with pytest.raises(Conflict, match="out of service"):
        issue_credential(session, device=device(session), at=START)


@pytest.mark.parametrize("overlap", [-DAY, 31 * DAY])
def test_an_overlap_that_makes_no_sense_is_refused(session, overlap):
    with pytest.raises(Invalid):
        issue_credential(session, device=device(session), at=START, overlap=overlap)


def test_whatever_changes_who_may_come_in_changes_the_state(session):
    states = [read_access_state(session, START)]
    issue_credential(session, device=device(session), at=START)
    states.append(read_access_state(session, START))
    issue_credential(session, device=device(session), at=START, overlap=DAY)
    states += [read_access_state(session, at) for at in (START, START + DAY)]
    revoke_credentials(session, device=device(session), at=START + DAY)
    states.append(read_access_state(session, START + DAY))
    assert len(set(states)) == len(states)


def test_the_servicing_dealer_rotates_too_but_nobody_of_another_house(filled):
    with filled.database.session(filled.scope("manager")) as session:
        assert issue_credential(session, device=device(session), at=START).user == "pump-1"
        assert device(session, "pump-2") is None


@pytest.mark.parametrize("person", ["technician", "customer"])
def test_who_only_sees_the_device_may_not_issue(filled, person):
    with filled.database.session(filled.scope(person)) as session, pytest.raises(Forbidden):
        issue_credential(session, device=device(session), at=START)


def test_the_database_keeps_one_lasting_password_a_device(session):
    issue_credential(session, device=device(session), at=START)
    session.add(
        DeviceCredential(
            device_id=device(session).id, user="x", password_hash="$7$", made_at=START
        )
    )
    with pytest.raises(IntegrityError):
        session.flush()


def test_each_act_is_in_the_audit_without_the_password(session):
    fresh = issue_credential(session, device=device(session), at=START)
    revoke_credentials(session, device=device(session), at=START)
    session.flush()
    rows = session.scalars(select(AuditRow).where(AuditRow.subject_kind == "device")).all()
    assert [row.action.split(":")[-1] for row in rows] == ["issue", "revoke"]
    assert all(fresh.password not in str(row.details) for row in rows)


def test_a_move_gives_new_passwords_to_the_devices_that_had_one(session, filled):
    old = issue_credential(session, device=device(session), at=START)
    (fresh,) = rotate_at_move(session, asset_id=filled.asset, at=START + DAY)
    (kept,) = list_broker_users(session, START + DAY)
    assert is_password(fresh.password, kept.password_hash)
    assert not is_password(old.password, kept.password_hash)
    assert rotate_at_move(session, asset_id=filled.other_asset, at=START) == []
