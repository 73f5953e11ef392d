"""The demo's parties and machines, installed through the usual doors, once."""

import re

import pytest
from sqlalchemy import func, select

from devices.assets import Asset
from devices.equipment_models import find_equipment_model
from devices.ownership import PartyKind, find_party
from devices.provisioning import list_devices_of
from devices.sites import Site
from foundation.clock import from_ms, to_ms
from foundation.identity.models import Membership, Organisation, Person
from foundation.identity.scope import OrganisationKind, Role, Scope
from millwright.demo.network import (
    DEALERS,
    MAKER,
    OWNERS,
    PRESENTED,
    TELEPHONES,
    install_demo,
    list_presented,
    make_cast,
)
from simulators.fleet import make_fleet
from simulators.sites import SITES
from tests.conftest import START


@pytest.fixture
def session(sqlite_database):
    with sqlite_database.session(Scope.system("demo")) as session:
        yield session


@pytest.fixture
def fleet():
    return make_fleet(seed=1, assets=7, start_ms=to_ms(START))


@pytest.fixture
def made(session, fleet):
    return install_demo(session, fleet, at=START)


def count(session, table):
    return session.scalar(select(func.count()).select_from(table))


def test_every_site_of_the_fleet_has_an_owner_and_a_dealer():
    assert {site.key for site in SITES} == set(OWNERS)
    assert {dealer for _, dealer in OWNERS.values()} <= set(DEALERS)


def test_telephones_are_of_ranges_kept_for_fiction():
    kept = re.compile(
        r"\+49 40 66969 \d{3}|\+49 69 90009 \d{3}|\+33 4 65 71 \d\d \d\d|\+1 \d{3} 555 01\d\d"
    )
    assert set(TELEPHONES) <= set(OWNERS)
    assert all(kept.fullmatch(each) for each in TELEPHONES.values())


def test_a_site_of_the_demo_can_be_called(session, made):
    numbers = session.scalars(select(Site.telephone)).all()
    assert any(numbers)


def test_there_is_one_sign_in_for_each_role(made):
    shown = list_presented(made)
    assert [each.role for each in shown] == [role.value for role in ROLES]
    assert [each.email for each in shown] == list(PRESENTED)
    assert len({each.password for each in made}) == len(made)


ROLES = (Role.MANUFACTURER, Role.DEALER_MANAGER, Role.TECHNICIAN, Role.CUSTOMER)


def test_each_machine_stands_at_its_site_with_owner_dealer_and_device(session, fleet, made):
    for machine in fleet.assets:
        asset = session.scalars(select(Asset).where(Asset.serial == machine.serial)).one()
        parties = {
            kind: session.get_one(
                Organisation, find_party(session, asset.id, kind).organisation_id
            ).name
            for kind in PartyKind
        }
        owner, dealer = OWNERS[machine.site.key]
        assert parties == {PartyKind.OWNER: owner, PartyKind.SERVICING: DEALERS[dealer][0]}
        assert (asset.name, asset.site.name) == (machine.name, machine.site.name)
        assert asset.site.time_zone == machine.site.time_zone
        assert list_devices_of(session, asset.id) == [machine.device]
        assert asset.commissioned_at == from_ms(fleet.start_ms)


def test_the_model_belongs_to_the_maker_and_each_dealer_can_work(session, fleet, made):
    maker = session.scalars(select(Organisation).where(Organisation.name == MAKER[0])).one()
    model = find_equipment_model(session, fleet.kinds[0])
    assert model.manufacturer_id == maker.id
    dealers = select(Organisation).where(Organisation.kind == OrganisationKind.DEALER)
    for dealer in session.scalars(dealers):
        roles = select(Membership.role).where(Membership.organisation_id == dealer.id)
        assert set(session.scalars(roles)) == {Role.DEALER_MANAGER, Role.TECHNICIAN}


def test_installing_again_changes_nothing(session, fleet, made):
    tables = (Organisation, Person, Asset, Membership)
    before = [count(session, table) for table in tables]
    version = find_equipment_model(session, fleet.kinds[0]).version
    assert install_demo(session, fleet, at=START) == [None] * len(made)
    assert [count(session, table) for table in tables] == before
    assert find_equipment_model(session, fleet.kinds[0]).version == version


def test_a_fleet_of_one_needs_no_more_customers_than_it_has(session):
    """The sign-in of the customer is at the first site, where the first machine stands."""
    fleet = make_fleet(seed=1, assets=1, start_ms=to_ms(START))
    made = install_demo(session, fleet, at=START)
    customers = select(Organisation.name).where(Organisation.kind == OrganisationKind.CUSTOMER)
    assert list(session.scalars(customers)) == [OWNERS[SITES[0].key][0]]
    assert list_presented(made)[-1].organisation == OWNERS[SITES[0].key][0]


def test_everybody_plays_with_the_machines_of_their_organisations(session, fleet, made):
    cast = make_cast(session, fleet, made)
    assert {each.email for each in cast.people} == {each.email for each in made}
    assert len({each.email for each in cast.people}) == len(made)
    parties = {each.organisation for each in cast.people}
    for place, machine in zip(cast.machines, fleet.assets, strict=True):
        assert (place.device, place.serial) == (machine.device, machine.serial)
        assert {place.customer, place.dealer} <= parties
    zones = {each.organisation: each.time_zone for each in cast.people}
    assert zones[DEALERS["erie"][0]] == "America/New_York"


def test_whom_the_visitor_may_play_can_be_left_out(session, fleet, made):
    cast = make_cast(session, fleet, made).without({DEALERS["rhein"][0]}, set(PRESENTED))
    left = {each.email for each in cast.people}
    assert not left & set(PRESENTED)
    assert "weber@example.com" not in left
    assert {"kim@example.com", "miller@example.com", "petersen@example.com"} <= left


def test_every_site_has_its_place_on_the_map(session, fleet, made):
    sites = session.scalars(select(Site)).all()
    assert len(sites) == len({asset.site.key for asset in fleet.assets})
    assert all(site.country and site.address for site in sites)
    assert all(site.latitude is not None and site.longitude is not None for site in sites)


def test_definitions_fit_how_often_the_machines_report(session):
    slow = make_fleet(seed=1, assets=14, start_ms=to_ms(START), interval_s=600)
    install_demo(session, slow, at=START)
    for kind in slow.kinds:
        model = find_equipment_model(session, kind)
        assert {metric.interval_s for metric in model.metrics} == {600}
        assert model.normal_period["normal_readings"] <= 700
