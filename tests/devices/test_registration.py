"""Registering machines: one from a form, many from a CSV with a result a row, safe to repeat."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from devices.assets import Asset, create_asset, find_asset_by_serial
from devices.definitions import read_definition, save_definition
from devices.equipment_models import get_equipment_model
from devices.ownership import PartyKind, find_party
from devices.provisioning import Device, list_devices_of
from devices.registration import AssetEntry, import_assets, read_instant, register_asset
from devices.sites import Site, create_site, find_site, list_sites
from foundation.audit import AuditRow
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind, Role, Scope
from tests.conftest import START
from tests.network import PUMP

ENTRY = AssetEntry(
    equipment_model="pump",
    serial="P-0100",
    name="Cellar pump",
    customer="Harbour Foods",
    dealer="North Service",
    site="Plant 2",
    time_zone="Asia/Seoul",
    device="pump-100",
    commissioned_at=START - timedelta(days=10),
)


@pytest.fixture
def session(filled):
    """The manufacturer's administrator at work; nothing stays."""
    with filled.database.session(filled.scope("maker")) as session:
        yield session


def register(session, **changed):
    return register_asset(session, replace(ENTRY, **changed), at=START)


def count(session, kind):
    return session.scalar(select(func.count()).select_from(kind))


def organisation(session, name):
    return session.scalar(select(Organisation).where(Organisation.name == name))


def test_a_machine_comes_with_its_site_parties_and_device(session, filled):
    asset, is_new = register(session)
    assert is_new
    assert (asset.site.name, asset.site.time_zone) == ("Plant 2", "Asia/Seoul")
    owner = find_party(session, asset.id, PartyKind.OWNER)
    assert (owner.organisation_id, owner.from_at) == (
        filled.organisations["customer"],
        ENTRY.commissioned_at,
    )
    assert list_devices_of(session, asset.id) == ["pump-100"]


def test_a_known_machine_is_brought_up_to_date(session):
    first, _ = register(session)
    second, is_new = register(session, name="Renamed", site="Plant 3", dealer="South Service")
    assert (second, is_new) == (first, False)
    assert (second.name, second.site.name) == ("Renamed", "Plant 3")
    dealer = find_party(session, second.id, PartyKind.SERVICING)
    assert (dealer.organisation_id, dealer.from_at) == (
        organisation(session, "South Service").id,
        START,
    )


def test_a_known_site_is_used_again(session):
    register(session)
    before = count(session, Site)
    register(session, serial="P-0101", device=None)
    assert count(session, Site) == before


def test_a_new_site_takes_the_customers_time_zone_unless_told(session):
    asset, _ = register(session, time_zone=None)
    assert asset.site.time_zone == "Europe/Berlin"


def test_a_machine_may_have_no_device_yet(session):
    asset, _ = register(session, device=None)
    assert list_devices_of(session, asset.id) == []


def test_a_machine_without_a_name_is_called_by_its_serial(session):
    assert register(session, name=" ")[0].name == "P-0100"


@pytest.mark.parametrize(
    ("changed", "refusal", "named"),
    [
        ({"equipment_model": "unheard"}, NotFound, "unheard"),
        ({"customer": "Nobody"}, NotFound, "Nobody"),
        ({"dealer": "Nobody"}, NotFound, "Nobody"),
        ({"customer": "North Service"}, Invalid, "North Service"),
        ({"dealer": "Harbour Foods"}, Invalid, "Harbour Foods"),
        ({"time_zone": "Mars/Base"}, Invalid, "Mars/Base"),
        ({"device": "a/b"}, Invalid, "a/b"),
        ({"serial": " "}, Invalid, "serial"),
        ({"serial": "S" * 101}, Invalid, "serial"),
        ({"site": ""}, Invalid, "site"),
        ({"site": "P" * 201}, Invalid, "site"),
        ({"name": "Pump\x00"}, Invalid, "name"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(session, changed, refusal, named):
    with session.begin_nested() as savepoint:
        with pytest.raises(refusal, match=named):
            register(session, **changed)
        savepoint.rollback()


def test_each_registration_is_in_the_audit(session):
    asset, _ = register(session)
    register(session)
    query = select(AuditRow.action).where(AuditRow.subject_id == str(asset.id))
    assert list(session.scalars(query.order_by(AuditRow.id).offset(0)))[-2:] == [
        "portal:asset:create",
        "portal:asset:update",
    ]


@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_only_the_manufacturer_registers_machines(filled, person):
    with filled.database.session(filled.scope(person)) as session, pytest.raises(Forbidden):
        register(session)


def test_a_serial_is_taken_once_a_model(session):
    model, site = get_equipment_model(session, "pump"), list_sites(session)[0]
    fields = {"equipment_model": model, "site_id": site.id, "name": "", "at": START}
    with pytest.raises(Conflict, match="P-0001"):
        create_asset(session, serial=" P-0001 ", commissioned_at=START, **fields)


HEADER = "equipment_model,serial,name,customer,dealer,site,time_zone,device,commissioned_on\n"
GOOD = "pump,P-0200,Pump 200,Harbour Foods,North Service,Plant 2,,pump-200,2026-01-15\n"
NEXT = "pump,P-0201,Pump 201,Hill Textiles,South Service,Mill,Asia/Seoul,,\n"


def imported(session, rows, header=HEADER):
    return list(import_assets(session, header + rows, at=START))


def test_each_row_of_an_import_has_its_result(session):
    results = imported(session, GOOD + NEXT)
    assert [(each.line, each.outcome, each.subject) for each in results] == [
        (2, "created", "P-0200"),
        (3, "created", "P-0201"),
    ]
    asset = find_asset_by_serial(session, get_equipment_model(session, "pump"), "P-0200")
    assert asset.commissioned_at == datetime(2026, 1, 15, tzinfo=UTC)


def test_an_import_run_again_changes_nothing(session):
    imported(session, GOOD + NEXT)
    kinds = (Asset, Site, Device)
    before = [count(session, kind) for kind in kinds]
    assert [each.outcome for each in imported(session, GOOD + NEXT)] == ["updated", "updated"]
    assert [count(session, kind) for kind in kinds] == before


BAD_ROWS = {
    "model": GOOD.replace("pump,", "fan,", 1),
    "customer": GOOD.replace("Harbour Foods", "Nobody"),
    "no serial": GOOD.replace("P-0200", ""),
    "no dealer": GOOD.replace("North Service", ""),
    "device": GOOD.replace("pump-200", "pump/200"),
    "date": GOOD.replace("2026-01-15", "15.1.2026"),
    "date beyond the calendar": GOOD.replace("2026-01-15", "0001-01-01T00:00:00+14:00"),
    "long serial": GOOD.replace("P-0200", "P" * 101),
    "long name": GOOD.replace("Pump 200", "P" * 201),
    "long site": GOOD.replace("Plant 2", "P" * 201),
    "zone": GOOD.replace("Plant 2,,", "Plant 2,Mars/Base,"),
}


@pytest.mark.parametrize("bad", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_leaves_the_others_and_nothing_of_itself(session, bad):
    before = [count(session, Site), count(session, Device)]
    results = imported(session, bad + NEXT)
    assert [each.outcome for each in results] == ["refused", "created"]
    assert results[0].message
    # The good row brought a site and no device.
    assert [count(session, Site), count(session, Device)] == [before[0] + 1, before[1]]


def test_a_row_that_was_mended_goes_in_the_second_time(session):
    imported(session, BAD_ROWS["device"] + NEXT)
    assert [each.outcome for each in imported(session, GOOD + NEXT)] == ["created", "updated"]


def test_a_device_of_another_manufacturer_refuses_the_row_alone(rival_session):
    row = GOOD.replace("pump,", "rival,", 1).replace("pump-200", "pump-1")
    results = imported(rival_session, row + NEXT.replace("pump,", "rival,", 1))
    assert [each.outcome for each in results] == ["refused", "created"]
    assert "pump-1" in results[0].message


def test_two_manufacturers_have_machines_at_one_site(rival_session):
    """The rival does not see the customer's site, for it has nothing there yet."""
    row = GOOD.replace("pump,", "rival,", 1).replace("Plant 2", "Plant 1")
    assert [each.outcome for each in imported(rival_session, row)] == ["created"]
    rival_session.info["scope"] = Scope.system("test")
    assert count(rival_session, Site) == 2


@pytest.fixture
def rival_session(filled):
    """The administrator of another manufacturer with a model of its own; nothing stays."""
    with filled.database.session(filled.scope()) as session:
        works = create_organisation(
            session, kind=OrganisationKind.MANUFACTURER, name="Rival Works", at=START
        )
        save_definition(
            session,
            definition=read_definition(PUMP.replace('"pump"', '"rival"')),
            manufacturer=works,
            at=START,
            check_normal_period=dict,
        )
        session.info["scope"] = Scope.of_person(
            filled.people["maker"], works.id, Role.MANUFACTURER
        )
        yield session


@pytest.mark.parametrize("column", ["equipment_model", "serial", "customer", "dealer", "site"])
def test_an_import_without_a_needed_column_is_refused(session, column):
    with pytest.raises(Invalid, match=column):
        imported(session, GOOD, HEADER.replace(column, "other"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-31", datetime(2026, 5, 31, tzinfo=UTC)),
        ("2026-05-31T08:30", datetime(2026, 5, 31, 8, 30, tzinfo=UTC)),
        ("2026-05-31T08:30+02:00", datetime(2026, 5, 31, 6, 30, tzinfo=UTC)),
        ("", START),
        (None, START),
    ],
)
def test_a_day_or_an_instant_is_read(text, expected):
    assert read_instant(text, START) == expected


@pytest.mark.parametrize("text", ["31.5.2026", "2026-13-01", "soon", "2026-05-31T25:00"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(Invalid) as refused:
        read_instant(text, START)
    assert refused.value.field == "commissioned_on"


def test_a_site_belongs_to_a_customer(session):
    with pytest.raises(Invalid, match="North Service"):
        create_site(
            session,
            customer=organisation(session, "North Service"),
            name="Yard",
            time_zone="UTC",
            at=START,
        )


def test_a_sites_name_is_taken_once_a_customer(session):
    customer = organisation(session, "Harbour Foods")
    fields = {"customer": customer, "time_zone": "UTC", "at": START}
    with pytest.raises(Conflict, match="Plant 1"):
        create_site(session, name=" Plant 1 ", **fields)
    other = organisation(session, "Hill Textiles")
    assert find_site(session, other.id, "Plant 1") is not find_site(
        session, customer.id, "Plant 1"
    )


def test_a_list_may_say_where_a_site_is(session):
    text = (
        "equipment_model,serial,customer,dealer,site,latitude,longitude,country,address,telephone\n"
        "pump,L-1,Harbour Foods,North Service,Quay,53.5,9.9,DE,Kai 3,+49 40 1\n"
        "pump,L-2,Harbour Foods,North Service,Quay,north,9.9,DE,,\n"
    )
    first, second = import_assets(session, text, at=START)
    assert first.outcome == "created"
    assert (second.outcome, "no number of degrees" in second.message) == ("refused", True)
    site = session.scalar(select(Site).where(Site.name == "Quay"))
    assert (site.latitude, site.country, site.address) == (53.5, "DE", "Kai 3")
