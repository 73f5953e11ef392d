"""One person in two organisations: the role is changed in the top bar, under a new token."""

import re

import pytest
from sqlalchemy import update

from foundation.identity.models import LoginMethod, LoginSession, Membership
from foundation.identity.scope import Role


@pytest.fixture
def both(site):
    """The technician of one dealer also works for the other one."""
    with site.network.transaction() as session:
        member = Membership(
            person_id=site.network.people["technician"],
            organisation_id=site.network.organisations["other_dealer"],
            role=Role.TECHNICIAN,
        )
        session.add(member)
        session.flush()
        site.membership = member.id
    return site


def test_a_person_acts_in_one_organisation_at_a_time(both):
    network, visitor = both.network, both.visit("technician")
    own, other = f"/machines/{network.asset}", f"/machines/{network.other_asset}"
    assert "Act for South Service" in visitor.read("/")
    assert [visitor.get(each).status_code for each in (own, other)] == [200, 404]
    assert visitor.post("/me/role", {"membership": both.membership}).status_code == 303
    assert [visitor.get(each).status_code for each in (own, other)] == [404, 200]
    assert "Act for North Service" in visitor.read("/")


def test_the_token_from_before_is_worthless(both):
    visitor = both.visit("technician")
    before = visitor.client.get_cookie("mw_login").value
    visitor.post("/me/role", {"membership": both.membership})
    after = visitor.client.get_cookie("mw_login").value
    assert before != after
    visitor.client.set_cookie("mw_login", before)
    assert visitor.get("/").status_code == 302


@pytest.mark.parametrize("number", ["1", "0", "-1", "999999", "x", ""])
def test_nobody_takes_a_role_that_is_not_theirs(both, number):
    visitor = both.visit("customer")
    assert visitor.post("/me/role", {"membership": number}).status_code == 404
    assert "Harbour Foods" in visitor.read("/me")


def test_who_has_one_role_is_offered_no_other(site):
    assert not re.search("Act for", site.visit("customer").read("/"))


def test_a_provider_opens_no_other_organisation(both):
    visitor = both.visit("technician")
    with both.network.transaction() as session:
        session.execute(update(LoginSession).values(method=LoginMethod.PROVIDER))
    answer = visitor.post("/me/role", {"membership": both.membership})
    assert (answer.status_code, "password or passkey" in answer.text) == (403, True)
