"""Organisations and people as pages read them, and the change of one's own password."""

import pytest

from foundation.errors import Forbidden, Invalid
from foundation.identity.directory import (
    change_password,
    get_own_organisation,
    list_organisations,
    list_people,
)
from foundation.identity.scope import OrganisationKind, Role
from foundation.identity.sessions import check_credentials
from tests.network import PASSWORD

NEW = "an entirely new password"


def test_organisations_are_listed_by_kind_and_name(network):
    with network.transaction("maker") as session:
        assert [each.name for each in list_organisations(session, OrganisationKind.DEALER)] == [
            "North Service",
            "South Service",
        ]
        assert len(list_organisations(session)) == 5


def test_people_are_those_of_ones_own_organisation(network):
    with network.transaction("manager") as session:
        own = get_own_organisation(session)
        people = list_people(session, own.id)
        foreign = list_people(session, network.organisations["other_dealer"])
    assert [(each.name, each.role) for each in people] == [
        ("Manager", Role.DEALER_MANAGER),
        ("Technician", Role.TECHNICIAN),
    ]
    assert all(each.has_password and each.is_active for each in people)
    assert foreign == []


def test_the_platform_itself_belongs_to_no_organisation(network):
    with network.transaction() as session, pytest.raises(Forbidden):
        get_own_organisation(session)


def sign_in(network, session, password):
    return check_credentials(
        session,
        email=network.email("manager"),
        password=password,
        address="127.0.0.1",
        at=network.clock.now(),
    )


def change(network, session, present=PASSWORD, new=NEW):
    change_password(
        session,
        person_id=network.people["manager"],
        present=present,
        new=new,
        at=network.clock.now(),
    )


def test_a_new_password_is_the_one_that_counts(network):
    with network.transaction() as session:
        change(network, session)
        assert sign_in(network, session, PASSWORD) is None
        assert sign_in(network, session, NEW) is not None


@pytest.mark.parametrize(
    ("present", "new", "field"), [("wrong", NEW, "present"), (PASSWORD, "short", "password")]
)
def test_a_new_password_needs_the_present_one_and_some_length(network, present, new, field):
    with network.transaction() as session:
        with pytest.raises(Invalid) as refused:
            change(network, session, present, new)
        assert refused.value.field == field
        assert sign_in(network, session, PASSWORD) is not None
