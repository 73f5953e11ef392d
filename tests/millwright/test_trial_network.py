"""A trial's organisations and sign-ins: made once, told again at each start, to their owner."""

import json
import stat

import pytest
from sqlalchemy import func, select

from foundation.identity.models import Organisation, Person
from foundation.identity.passwords import is_password
from foundation.identity.people import find_person
from foundation.identity.scope import OrganisationKind, Role, Scope
from millwright.data_folder import DataFolder
from millwright.trial_network import (
    TrialAccount,
    describe,
    get_or_create_account,
    get_or_create_organisation,
    remember_accounts,
    write_trial_facts,
)
from tests.conftest import START

MARA = TrialAccount("manufacturer", "mara@example.com", "secret one", "Works")
MAX = TrialAccount("dealer_manager", "max@example.com", "secret two", "Service")


@pytest.fixture
def session(sqlite_database):
    with sqlite_database.transaction(Scope.system("test")) as session:
        yield session


@pytest.fixture
def folder(tmp_path):
    folder = DataFolder(tmp_path / "data")
    yield folder
    folder.release()


def organisation(session):
    kind = OrganisationKind.MANUFACTURER
    return get_or_create_organisation(session, kind, "Works", "Europe/Berlin", START)


def account(session):
    return get_or_create_account(
        session,
        name="Mara",
        email="mara@example.com",
        role=Role.MANUFACTURER,
        organisation=organisation(session),
        at=START,
    )


def test_an_organisation_is_made_once(session):
    assert organisation(session).id == organisation(session).id
    assert session.scalar(select(func.count()).select_from(Organisation)) == 1


def test_a_person_gets_a_password_of_their_own_that_lets_them_in(session):
    made = account(session)
    assert (made.role, made.email, made.organisation) == (
        "manufacturer",
        "mara@example.com",
        "Works",
    )
    assert is_password(find_person(session, made.email).password_hash, made.password)


def test_a_person_who_is_there_keeps_their_password(session):
    made = account(session)
    assert account(session) is None
    assert session.scalar(select(func.count()).select_from(Person)) == 1
    assert is_password(find_person(session, made.email).password_hash, made.password)


def test_at_the_second_start_the_same_accounts_are_told(folder):
    assert remember_accounts(folder, [MARA, None]) == [MARA]
    assert remember_accounts(folder, [None, None]) == [MARA]
    assert remember_accounts(folder, [None, MAX]) == [MARA, MAX]
    assert remember_accounts(folder, []) == [MARA, MAX]


def test_facts_for_scripts_hold_addresses_and_accounts_for_their_owner_alone(folder):
    write_trial_facts(folder, "http://localhost:1", "mqtt://127.0.0.1:2", [MARA, MAX])
    remember_accounts(folder, [MARA])
    facts = json.loads((folder.path / "demo.json").read_text())
    assert facts == {
        "url": "http://localhost:1",
        "mqtt_url": "mqtt://127.0.0.1:2",
        "accounts": [
            {
                "role": "manufacturer",
                "email": "mara@example.com",
                "password": "secret one",
                "organisation": "Works",
            },
            {
                "role": "dealer_manager",
                "email": "max@example.com",
                "password": "secret two",
                "organisation": "Service",
            },
        ],
    }
    for name in ("demo.json", "accounts.json"):
        assert stat.S_IMODE((folder.path / name).stat().st_mode) == 0o600


def test_what_is_printed_names_everything_that_a_visitor_needs():
    said = describe("http://localhost:1", "mqtt://127.0.0.1:2", [MARA, MAX])
    lines = said.splitlines()
    assert lines[:2] == ["Portal  http://localhost:1", "MQTT    mqtt://127.0.0.1:2"]
    assert lines[-1].split("  ")[0] == "dealer manager"
    for line, each in zip(lines[3:], (MARA, MAX), strict=True):
        assert each.email in line
        assert each.password in line
        assert line.endswith(each.organisation)
