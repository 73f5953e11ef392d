"""Invitations: one link, one person, once; never a way into an account that exists."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.invitations import (
    LIFE,
    Invitation,
    accept,
    invite,
    list_open,
    read_offer,
    renew,
    withdraw,
)
from foundation.identity.models import LoginFailure, Membership, Person
from foundation.identity.scope import Role
from tests.network import PASSWORD

NEW = "four unrelated words here"
HOME = "192.0.2.1"


def ask(network, email="new@example.com", role=Role.TECHNICIAN, by="manager"):
    with network.transaction(by) as session:
        return invite(session, email=email, role=role, at=network.clock.now())


def take(network, token, *, name="New Person", password=NEW):
    with network.transaction() as session:
        person = accept(
            session,
            token=token,
            name=name,
            password=password,
            address=HOME,
            at=network.clock.now(),
        )
        return person.id if person else None


def roles_of(network, person_id):
    with network.transaction() as session:
        query = select(Membership.organisation_id, Membership.role)
        found = session.execute(query.where(Membership.person_id == person_id))
        return {tuple(row) for row in found}


def test_whoever_has_the_link_becomes_a_member(network):
    person = take(network, ask(network))
    assert roles_of(network, person) == {(network.organisations["dealer"], Role.TECHNICIAN)}


def test_a_link_is_good_once(network):
    token = ask(network)
    take(network, token)
    with pytest.raises(NotFound):
        take(network, token)


def test_a_link_is_good_for_a_week(network):
    token = ask(network)
    network.clock.advance(LIFE.total_seconds())
    with pytest.raises(NotFound):
        take(network, token)


def test_the_token_is_long_and_stands_in_no_table(network):
    token = ask(network)
    assert len(token) * 6 >= 256 - 6
    with network.transaction() as session:
        assert session.scalar(select(Invitation.token_hash)) != token


def test_a_second_invitation_takes_the_place_of_the_first(network):
    first, second = ask(network), ask(network)
    with pytest.raises(NotFound):
        take(network, first)
    assert take(network, second)


def test_a_renewed_invitation_has_a_new_link_and_a_new_week(network):
    first = ask(network)
    network.clock.advance(timedelta(days=6).total_seconds())
    with network.transaction("manager") as session:
        second = renew(session, list_open(session)[0].id, at=network.clock.now())
    network.clock.advance(timedelta(days=6).total_seconds())
    with pytest.raises(NotFound):
        take(network, first)
    assert take(network, second)


def test_a_withdrawn_invitation_is_worth_nothing(network):
    token = ask(network)
    with network.transaction("manager") as session:
        withdraw(session, list_open(session)[0].id, at=network.clock.now())
    with pytest.raises(NotFound):
        take(network, token)


def test_another_organisation_neither_sees_nor_withdraws_it(network):
    ask(network)
    with network.transaction() as session:
        (found,) = session.scalars(select(Invitation.id))
    with network.transaction("other_manager") as session:
        assert list_open(session) == []
        with pytest.raises(NotFound):
            withdraw(session, found, at=network.clock.now())


def test_only_administrators_invite(network):
    with pytest.raises(Forbidden):
        ask(network, by="technician")


def test_a_role_must_fit_the_organisation(network):
    with pytest.raises(Invalid):
        ask(network, role=Role.MANUFACTURER)


def test_who_has_the_role_is_not_invited_again(network):
    with pytest.raises(Conflict):
        ask(network, email=network.email("technician"))


def test_who_has_an_account_joins_with_its_password(network):
    token = ask(network, email=network.email("other_technician"))
    with network.transaction() as session:
        offer = read_offer(session, token, at=network.clock.now())
    assert (offer.organisation, offer.is_known) == ("North Service", True)
    person = take(network, token, password=PASSWORD)
    assert person == network.people["other_technician"]
    assert len(roles_of(network, person)) == 2


def test_the_link_alone_opens_no_account_that_exists(network):
    token = ask(network, email=network.email("other_technician"))
    assert take(network, token, password=NEW) is None
    with network.transaction() as session:
        assert session.scalar(select(func.count()).select_from(LoginFailure)) == 1
    assert take(network, token, password=PASSWORD)


def test_the_link_sets_no_password_for_somebody_of_another_organisation(network):
    with network.transaction() as session:
        session.get_one(Person, network.people["other_technician"]).password_hash = None
    token = ask(network, email=network.email("other_technician"))
    with pytest.raises(Conflict):
        take(network, token)


@pytest.mark.parametrize(("name", "password"), [(" ", NEW), ("New", "short"), ("N", "1234567890")])
def test_a_new_account_needs_a_name_and_a_good_password(network, name, password):
    token = ask(network)
    with pytest.raises(Invalid):
        take(network, token, name=name, password=password)
    assert take(network, token)
