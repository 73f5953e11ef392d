"""Who owns and who serves an asset: one at a time whatever runs at once, seen from then on."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from devices.access import is_asset_visible, list_readable_periods
from devices.assets import Asset
from devices.ownership import AssetParty, PartyKind, set_party
from foundation.errors import Conflict, Forbidden, Invalid
from foundation.identity.models import Organisation
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind
from foundation.intervals import Interval
from tests.conftest import START

LATER = START + timedelta(days=1)


def hand_over(network, kind, organisation, *, at=LATER, person=None):
    with network.transaction(person) as session:
        set_party(
            session,
            asset=session.get_one(Asset, network.asset),
            kind=kind,
            organisation=session.get_one(Organisation, network.organisations[organisation]),
            at=at,
        )


def parties(network, kind):
    """Organisation, from and to of each period, the oldest first."""
    names = {number: name for name, number in network.organisations.items()}
    with network.database.session(network.scope()) as session:
        query = select(AssetParty).where(
            AssetParty.asset_id == network.asset, AssetParty.kind == kind
        )
        rows = session.scalars(query.order_by(AssetParty.from_at, AssetParty.id)).all()
    return [(names[row.organisation_id], row.from_at, row.to_at) for row in rows]


def sees(network, person):
    with network.database.session(network.scope(person)) as session:
        return is_asset_visible(session, network.asset)


def test_a_new_owner_ends_the_time_of_the_old_one(network):
    hand_over(network, PartyKind.OWNER, "other_customer")
    begun = START - timedelta(days=30)
    assert parties(network, PartyKind.OWNER) == [
        ("customer", begun, LATER),
        ("other_customer", LATER, None),
    ]


def test_the_present_owner_again_changes_nothing(network):
    before = parties(network, PartyKind.OWNER)
    hand_over(network, PartyKind.OWNER, "customer")
    assert parties(network, PartyKind.OWNER) == before


def test_a_new_owner_leaves_the_servicing_dealer(network):
    before = parties(network, PartyKind.SERVICING)
    hand_over(network, PartyKind.OWNER, "other_customer")
    assert parties(network, PartyKind.SERVICING) == before


@pytest.mark.parametrize(
    ("kind", "organisation"),
    [
        (PartyKind.OWNER, "dealer"),
        (PartyKind.OWNER, "maker"),
        (PartyKind.SERVICING, "customer"),
        (PartyKind.SERVICING, "maker"),
    ],
)
def test_an_organisation_of_the_wrong_kind_is_refused(network, kind, organisation):
    with pytest.raises(Invalid, match=kind):
        hand_over(network, kind, organisation)


@pytest.mark.parametrize(
    ("kind", "new", "gains", "loses"),
    [
        (PartyKind.OWNER, "other_customer", "other_customer", "customer"),
        (PartyKind.SERVICING, "other_dealer", "other_technician", "technician"),
    ],
)
def test_a_transfer_changes_who_sees_the_asset_at_once(network, kind, new, gains, loses):
    assert (sees(network, gains), sees(network, loses)) == (False, True)
    hand_over(network, kind, new)
    assert (sees(network, gains), sees(network, loses)) == (True, False)
    assert sees(network, "maker")


def test_each_party_reads_its_own_time_only(network):
    hand_over(network, PartyKind.OWNER, "other_customer")
    with network.database.session(network.scope("customer")) as session:
        former = list_readable_periods(session, network.asset)
    with network.database.session(network.scope("other_customer")) as session:
        present = list_readable_periods(session, network.asset)
    assert former == [Interval(START - timedelta(days=30), LATER)]
    assert present == [Interval(LATER)]


def test_whoever_gets_the_asset_back_has_both_periods(network):
    hand_over(network, PartyKind.OWNER, "other_customer")
    hand_over(network, PartyKind.OWNER, "customer", at=LATER + timedelta(days=1))
    with network.database.session(network.scope("customer")) as session:
        assert len(list_readable_periods(session, network.asset)) == 2


def test_a_transfer_before_the_present_owners_time_is_refused(network):
    with pytest.raises(Invalid):
        hand_over(network, PartyKind.OWNER, "other_customer", at=START - timedelta(days=60))
    assert len(parties(network, PartyKind.OWNER)) == 1


@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_only_the_manufacturer_hands_an_asset_over(network, person):
    with pytest.raises(Forbidden):
        hand_over(network, PartyKind.OWNER, "other_customer", person=person)
    assert len(parties(network, PartyKind.OWNER)) == 1


def test_the_manufacturer_hands_an_asset_over(network):
    hand_over(network, PartyKind.OWNER, "other_customer", person="maker")
    assert parties(network, PartyKind.OWNER)[-1][0] == "other_customer"


def test_the_database_itself_refuses_a_second_owner(network):
    with network.database.session(network.scope()) as session:
        session.add(
            AssetParty(
                asset_id=network.asset,
                organisation_id=network.organisations["other_customer"],
                kind=PartyKind.OWNER,
                from_at=LATER,
            )
        )
        with pytest.raises(IntegrityError):
            session.flush()


def test_of_two_transfers_at_once_one_owner_results(network):
    """The second begins while the first is not yet committed, and may fail but never double."""
    with network.transaction() as session:
        third = create_organisation(
            session, kind=OrganisationKind.DEALER, name="Third Service", at=START
        )
        network.organisations["third_dealer"] = third.id
    outcomes = []
    second = threading.Thread(target=lambda: outcomes.append(try_to_serve(network)))
    with network.transaction() as session:
        set_party(
            session,
            asset=session.get_one(Asset, network.asset),
            kind=PartyKind.SERVICING,
            organisation=session.get_one(Organisation, network.organisations["other_dealer"]),
            at=LATER,
        )
        second.start()
        second.join(0.5)  # it has to wait for the first one
    second.join()
    present = [name for name, _, to_at in parties(network, PartyKind.SERVICING) if to_at is None]
    assert present == (["third_dealer"] if outcomes == ["done"] else ["other_dealer"])


def try_to_serve(network):
    try:
        hand_over(network, PartyKind.SERVICING, "third_dealer", at=LATER + timedelta(hours=1))
    except (Conflict, IntegrityError) as error:
        return error
    return "done"
