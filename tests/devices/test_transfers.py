"""Handing over: by whom, with which date, and what each side sees before and afterwards."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from devices.access import is_asset_visible, list_readable_periods
from devices.assets import Asset, get_asset
from devices.former import get_former_machine, list_former_machines
from devices.ownership import AssetParty, PartyKind, find_party
from devices.transfers import (
    HANDLERS,
    AssetTransfer,
    cancel_transfer,
    list_transfers,
    plan_transfer,
)
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.intervals import Interval
from foundation.jobs import run_due
from tests.conftest import START

DAY = timedelta(days=1)
BEGUN = START - 30 * DAY


def plan(network, person, kind=PartyKind.OWNER, to="other_customer", *, at=START, site=None):
    with network.transaction(person) as session:
        return plan_transfer(
            session,
            asset=get_asset(session, network.asset),
            kind=kind,
            organisation=session.get_one(Organisation, network.organisations[to]),
            at=at,
            now=network.clock.now(),
            site=site,
        ).id


def work(network):
    return run_due(network.database, network.clock, HANDLERS)


def party(network, kind=PartyKind.OWNER):
    names = {number: name for name, number in network.organisations.items()}
    with network.transaction() as session:
        return names[find_party(session, network.asset, kind).organisation_id]


def sees(network, person, *, back=False):
    scope = network.scope(person)
    with network.database.session(scope.looking_back() if back else scope) as session:
        return session.scalar(select(Asset.id).where(Asset.id == network.asset)) is not None


def periods(network, person):
    with network.database.session(network.scope(person).looking_back()) as session:
        return list_readable_periods(session, network.asset)


@pytest.mark.parametrize(
    ("person", "kind", "to"),
    [
        ("maker", PartyKind.OWNER, "other_customer"),
        ("maker", PartyKind.SERVICING, "other_dealer"),
        ("customer", PartyKind.OWNER, "other_customer"),
        ("customer", PartyKind.SERVICING, "other_dealer"),
        ("manager", PartyKind.SERVICING, "other_dealer"),
    ],
)
def test_who_has_a_part_of_a_machine_hands_it_over(network, person, kind, to):
    plan(network, person, kind, to)
    assert work(network) == 1
    assert party(network, kind) == to


@pytest.mark.parametrize(
    ("person", "kind", "to"),
    [
        ("manager", PartyKind.OWNER, "other_customer"),
        ("technician", PartyKind.SERVICING, "other_dealer"),
    ],
)
def test_nobody_hands_over_what_is_not_theirs(network, person, kind, to):
    with pytest.raises(Forbidden):
        plan(network, person, kind, to)
    assert work(network) == 0


@pytest.mark.parametrize("person", ["other_customer", "other_manager"])
def test_a_foreign_machine_is_not_even_found(network, person):
    with pytest.raises(NotFound):
        plan(network, person)


def test_a_date_to_come_changes_nothing_before_it(network):
    plan(network, "maker", at=START + DAY)
    assert work(network) == 0
    assert (sees(network, "customer"), sees(network, "other_customer")) == (True, False)
    network.clock.advance(DAY.total_seconds() + 5)
    assert work(network) == 1
    assert (sees(network, "customer"), sees(network, "other_customer")) == (False, True)
    assert periods(network, "customer") == [Interval(BEGUN, START + DAY)]
    assert periods(network, "other_customer") == [Interval(START + DAY)]


def test_a_date_in_the_past_divides_what_was_measured_already(network):
    plan(network, "maker", at=START - DAY)
    work(network)
    assert periods(network, "customer") == [Interval(BEGUN, START - DAY)]
    assert periods(network, "other_customer") == [Interval(START - DAY)]


def test_who_had_it_sees_it_only_when_looking_back(network):
    plan(network, "customer")
    work(network)
    assert (sees(network, "customer"), sees(network, "customer", back=True)) == (False, True)
    with network.database.session(network.scope("customer").looking_back()) as session:
        former = get_former_machine(session, network.asset)
        assert not is_asset_visible(session, network.asset)
    assert (former.serial, former.periods) == ("P-0001", (Interval(BEGUN, START),))


@pytest.mark.parametrize("person", ["other_customer", "other_manager", "manager", "maker"])
def test_others_have_no_former_machine(network, person):
    plan(network, "customer")
    work(network)
    with network.database.session(network.scope(person).looking_back()) as session:
        assert list_former_machines(session) == []


def test_the_machine_moves_to_a_site_of_its_new_owner(network):
    plan(network, "maker", site="Hall 7")
    work(network)
    with network.database.session(network.scope("other_customer")) as session:
        site = get_asset(session, network.asset).site
    assert (site.name, site.time_zone) == ("Hall 7", "Asia/Seoul")
    assert site.organisation_id == network.organisations["other_customer"]


def test_a_machine_that_stays_keeps_its_place(network):
    plan(network, "maker")
    work(network)
    with network.database.session(network.scope("other_customer")) as session:
        site = get_asset(session, network.asset).site
    assert (site.name, site.organisation_id) == (
        "Plant 1",
        network.organisations["other_customer"],
    )


@pytest.mark.parametrize(
    ("to", "at", "says"),
    [
        ("customer", START, "already"),
        ("dealer", START, "cannot be"),
        ("other_customer", BEGUN - DAY, "later day"),
    ],
)
def test_what_cannot_be_is_refused(network, to, at, says):
    with pytest.raises(Invalid, match=says):
        plan(network, "maker", to=to, at=at)


def test_only_one_transfer_of_a_kind_is_planned_at_a_time(network):
    plan(network, "maker", at=START + DAY)
    plan(network, "maker", PartyKind.SERVICING, "other_dealer", at=START + DAY)
    with pytest.raises(Conflict):
        plan(network, "customer", at=START + 2 * DAY)


def test_what_is_called_off_does_not_take_place(network):
    number = plan(network, "customer", at=START + DAY)
    with network.transaction("customer") as session:
        cancel_transfer(session, number, asset_id=network.asset, at=START)
    network.clock.advance(DAY.total_seconds() + 5)
    work(network)
    assert party(network) == "customer"
    with network.transaction("customer") as session, pytest.raises(Conflict):
        cancel_transfer(session, number, asset_id=network.asset, at=START)


def test_the_new_owner_cannot_call_it_off(network):
    number = plan(network, "customer", at=START + DAY)
    with pytest.raises(Forbidden), network.transaction("other_customer") as session:
        cancel_transfer(session, number, asset_id=network.asset, at=START)


def test_a_transfer_that_became_impossible_says_why(network):
    plan(network, "maker", at=START + DAY)
    with network.transaction() as session:
        present = session.scalar(
            select(AssetParty).where(
                AssetParty.asset_id == network.asset, AssetParty.kind == PartyKind.OWNER
            )
        )
        present.from_at = START + 2 * DAY
    network.clock.advance(DAY.total_seconds() + 5)
    work(network)
    with network.transaction("maker") as session:
        (found,) = list_transfers(session, network.asset)
    assert (found.is_done, found.is_planned) == (False, False)
    assert "cannot end before" in found.fault
    assert party(network) == "customer"


def test_carrying_out_twice_changes_nothing(network):
    number = plan(network, "maker")
    work(network)
    with network.transaction() as session:
        HANDLERS["asset_transfer"](session, {"transfer_id": number})
        assert len(session.scalars(select(AssetTransfer)).all()) == 1
    assert party(network) == "other_customer"
