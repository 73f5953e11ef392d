"""The sessions of a person, ended by the person and by an administrator."""

import pytest

from foundation.errors import Conflict, Forbidden, NotFound
from foundation.identity.logins import (
    end_member_logins,
    end_other_logins,
    end_own_login,
    get_member,
    list_logins,
    take_role,
)
from foundation.identity.models import Person
from foundation.identity.scope import Role
from foundation.identity.sessions import Client, end_login, find_login, open_login


def enter(network, person="technician", browser="Firefox"):
    with network.transaction() as session:
        found = session.get_one(Person, network.people[person])
        at = network.clock.now()
        token = open_login(session, person=found, at=at, client=Client(browser, "192.0.2.1"))
        return token, find_login(session, token, at).id


def is_live(network, token):
    with network.transaction() as session:
        return find_login(session, token, network.clock.now()) is not None


def listed(network, person="technician"):
    with network.transaction(person) as session:
        found = list_logins(session, network.people[person], at=network.clock.now())
        return [each.browser for each in found]


def test_a_person_sees_their_live_sessions_last_used_first(network):
    enter(network, browser="old")
    network.clock.advance(60)
    enter(network, browser="new")
    _, over = enter(network, browser="over")
    with network.transaction() as session:
        end_login(session, over, network.clock.now())
    enter(network, "manager", browser="not theirs")
    assert listed(network) == ["new", "old"]


def test_a_person_ends_one_of_their_sessions(network):
    token, login_id = enter(network)
    with network.transaction("technician") as session:
        end_own_login(session, login_id, at=network.clock.now())
    assert not is_live(network, token)


def test_nobody_ends_somebody_elses_session(network):
    token, login_id = enter(network)
    with network.transaction("manager") as session, pytest.raises(NotFound):
        end_own_login(session, login_id, at=network.clock.now())
    assert is_live(network, token)


def test_all_others_end_and_this_one_goes_on(network):
    (here, here_id), (there, _) = enter(network), enter(network)
    with network.transaction("technician") as session:
        person_id = network.people["technician"]
        end_other_logins(session, person_id=person_id, login_id=here_id, at=network.clock.now())
    assert (is_live(network, here), is_live(network, there)) == (True, False)


def test_an_administrator_ends_the_sessions_of_a_member(network):
    token, _ = enter(network)
    with network.transaction("manager") as session:
        person_id = network.people["technician"]
        assert len(get_member(session, person_id, at=network.clock.now()).logins) == 1
        end_member_logins(session, person_id, at=network.clock.now())
    assert not is_live(network, token)


@pytest.mark.parametrize("act", [end_member_logins, get_member])
def test_people_of_other_organisations_are_nobody(network, act):
    token, _ = enter(network, "other_technician")
    with network.transaction("manager") as session, pytest.raises(NotFound):
        act(session, network.people["other_technician"], at=network.clock.now())
    assert is_live(network, token)


def test_who_loses_a_role_is_out(network):
    token, _ = enter(network)
    with network.transaction("manager") as session:
        take_role(session, network.people["technician"], Role.TECHNICIAN, at=network.clock.now())
    assert not is_live(network, token)


def test_nobody_takes_their_own_role_or_one_that_is_not_held(network):
    with network.transaction("manager") as session:
        with pytest.raises(Conflict):
            take_role(
                session, network.people["manager"], Role.DEALER_MANAGER, at=network.clock.now()
            )
        with pytest.raises(NotFound):
            take_role(
                session,
                network.people["technician"],
                Role.DEALER_MANAGER,
                at=network.clock.now(),
            )


def test_only_administrators_take_roles(network):
    with network.transaction("technician") as session, pytest.raises(Forbidden):
        take_role(session, network.people["manager"], Role.DEALER_MANAGER, at=network.clock.now())
