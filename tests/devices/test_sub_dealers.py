"""Dealers under dealers: who sees what, table-driven, and which circles are refused."""

from datetime import timedelta

import pytest

from devices.access import Reach, is_asset_visible, list_readable_periods
from devices.assets import Asset
from devices.ownership import PartyKind, set_party
from devices.sub_dealers import end_work_under, get_place, work_under
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.identity.people import create_organisation, create_person
from foundation.identity.scope import OrganisationKind, Role, Scope
from foundation.intervals import Interval
from tests.conftest import START

DAY = timedelta(days=1)


def home(session, network, name):
    return session.get_one(Organisation, network.organisations[name])


def begin(network, person, parent, *, at=START):
    with network.transaction(person) as session:
        work_under(session, parent=home(session, network, parent), at=at)


def sees(network, person, machine):
    with network.database.session(network.scope(person)) as session:
        return is_asset_visible(session, getattr(network, machine), Reach.EVERYTHING)


@pytest.fixture
def third(network):
    """A dealer under whom the other one can work."""
    with network.transaction() as session:
        made = create_organisation(
            session, kind=OrganisationKind.DEALER, name="Head Service", at=START
        )
        person = create_person(
            session,
            email="head@example.com",
            name="Head",
            organisation=made,
            role=Role.DEALER_MANAGER,
            at=START,
        )
        network.organisations["third"] = made.id
        network.scopes["head"] = Scope.of_person(person.id, made.id, Role.DEALER_MANAGER)
    return network


@pytest.mark.parametrize(
    ("person", "own", "below"),
    [
        ("other_manager", True, True),
        ("other_technician", True, True),
        ("manager", False, True),
        ("customer", False, True),
        ("other_customer", True, False),
    ],
)
def test_the_dealer_above_sees_and_nobody_else_gains(network, person, own, below):
    """The first dealer works under the second: `own` is the second one's machine."""
    begin(network, "manager", "other_dealer")
    assert (sees(network, person, "other_asset"), sees(network, person, "asset")) == (own, below)


def test_it_holds_through_all_levels_and_for_machines_to_come(third):
    begin(third, "manager", "other_dealer")
    begin(third, "other_manager", "third")
    assert [sees(third, "head", each) for each in ("asset", "other_asset")] == [True, True]
    with third.transaction() as session:
        asset = session.get_one(Asset, third.asset)
        dealer = home(session, third, "other_dealer")
        set_party(session, asset=asset, kind=PartyKind.SERVICING, organisation=dealer, at=START)
    assert sees(third, "head", "asset")
    assert not sees(third, "manager", "asset")


def test_who_no_longer_stands_above_keeps_that_time_only(network):
    begin(network, "manager", "other_dealer")
    with network.transaction("manager") as session:
        end_work_under(session, at=START + DAY)
    assert not sees(network, "other_manager", "asset")
    with network.database.session(network.scope("other_manager").looking_back()) as session:
        assert list_readable_periods(session, network.asset) == [Interval(START, START + DAY)]


def test_a_dealer_reads_where_it_stands(network):
    begin(network, "manager", "other_dealer")
    with network.transaction("manager") as session:
        assert (get_place(session).parent, get_place(session).below) == ("South Service", ())
    with network.transaction("other_manager") as session:
        assert (get_place(session).parent, get_place(session).below) == (None, ("North Service",))


def test_a_circle_is_refused(third):
    begin(third, "manager", "other_dealer")
    begin(third, "other_manager", "third")
    with pytest.raises(Invalid, match="works under you"):
        begin(third, "head", "dealer")


@pytest.mark.parametrize("parent", ["dealer", "maker", "customer"])
def test_only_another_dealer_can_stand_above(network, parent):
    with pytest.raises(Invalid):
        begin(network, "manager", parent)


def test_one_dealer_stands_above_at_a_time(third):
    begin(third, "manager", "other_dealer")
    with pytest.raises(Conflict):
        begin(third, "manager", "third")


@pytest.mark.parametrize("person", ["technician", "maker", "customer"])
def test_only_the_dealers_manager_says_so(network, person):
    with pytest.raises((Forbidden, Invalid)):
        begin(network, person, "other_dealer")


def test_what_was_never_begun_cannot_end(network):
    with network.transaction("manager") as session, pytest.raises(NotFound):
        end_work_under(session, at=START)
