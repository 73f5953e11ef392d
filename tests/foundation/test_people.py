"""Organisations and people: made, refused by name, imported row by row, read back in scope."""

import pytest
from sqlalchemy import func, select

from foundation.errors import Conflict, Invalid, NotFound
from foundation.identity.models import Membership, Organisation, Person
from foundation.identity.people import (
    check_time_zone,
    create_organisation,
    create_person,
    find_person,
    get_organisation,
    import_people,
    list_members,
)
from foundation.identity.scope import ROLES_OF_KIND, OrganisationKind, Role, Scope
from tests.conftest import START

SYSTEM = Scope.system("test")
DEALER = {"kind": OrganisationKind.DEALER, "name": "North Service", "at": START}
ANN = {"email": "ann@example.com", "name": "Ann", "role": Role.TECHNICIAN, "at": START}


@pytest.fixture
def session(database):
    with database.session(SYSTEM) as session:
        yield session


@pytest.fixture
def dealer(session):
    return create_organisation(session, **DEALER)


def add(session, dealer, **changed):
    return create_person(session, organisation=dealer, **(ANN | changed))


def test_an_organisation_is_found_by_its_name(session, dealer):
    assert get_organisation(session, "North Service") is dealer
    assert (dealer.kind, dealer.created_at) == (OrganisationKind.DEALER, START)


def test_an_organisations_name_is_taken_once(session, dealer):
    with pytest.raises(Conflict, match="North Service"):
        create_organisation(session, **(DEALER | {"name": " North Service "}))


@pytest.mark.parametrize(
    "changed", [{"name": "  "}, {"time_zone": "Mars/Base"}, {"time_zone": ""}]
)
def test_a_malformed_organisation_is_refused(session, changed):
    with pytest.raises(Invalid) as refused:
        create_organisation(session, **(DEALER | changed))
    assert refused.value.field in changed


def test_an_unknown_organisation_is_not_found(session):
    with pytest.raises(NotFound, match="Nowhere"):
        get_organisation(session, "Nowhere")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/Argentina/Buenos_Aires"])
def test_time_zones_go_by_their_usual_names(zone):
    assert check_time_zone(zone) == zone


@pytest.mark.parametrize("zone", ["", "utc+8", "../etc/passwd", "Europe/Berlin\n"])
def test_what_is_no_time_zone_is_refused(zone):
    with pytest.raises(Invalid):
        check_time_zone(zone)


def test_a_person_has_one_role_in_the_organisation(session, dealer):
    person = add(session, dealer)
    (member,) = person.memberships
    assert (member.organisation_id, member.role) == (dealer.id, Role.TECHNICIAN)
    assert person.password_hash is None


@pytest.mark.parametrize("typed", ["ann@example.com", " ANN@Example.com "])
def test_an_address_is_known_however_it_is_typed(session, dealer, typed):
    person = add(session, dealer, email="Ann@Example.COM")
    assert find_person(session, typed) is person
    with pytest.raises(Conflict):
        add(session, dealer, email=typed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "ann"),
        ("email", "@example.com"),
        ("email", "ann@"),
        ("email", "ann smith@example.com"),
        ("email", "ann@example.com\nbcc:all"),
        ("email", "a" * 250 + "@x.de"),
        ("email", "ann\x00@example.com"),
        ("name", " "),
        ("name", "A" * 201),
        ("name", "Ann\x00"),
        ("password", "short"),
    ],
)
def test_a_malformed_person_is_refused(session, dealer, field, value):
    with pytest.raises(Invalid) as refused:
        add(session, dealer, **{field: value})
    assert refused.value.field == field


@pytest.mark.parametrize("name", ["N" * 201, "North\x00Service"])
def test_an_organisations_name_fits_its_column(session, name):
    with pytest.raises(Invalid):
        create_organisation(session, **(DEALER | {"name": name}))


@pytest.mark.parametrize("kind", OrganisationKind)
def test_only_roles_of_its_kind_fit_an_organisation(session, kind):
    organisation = create_organisation(session, **(DEALER | {"kind": kind}))
    for role in set(Role) - set(ROLES_OF_KIND[kind]):
        with pytest.raises(Invalid, match=f"has no {role}"):
            add(session, organisation, role=role)


def test_every_role_belongs_to_one_kind_of_organisation():
    assert sorted(role for roles in ROLES_OF_KIND.values() for role in roles) == sorted(Role)


def test_members_are_active_people_by_name(session, dealer):
    add(session, dealer, name="Zoe", email="zoe@example.com")
    add(session, dealer)
    gone = add(session, dealer, name="Gone", email="gone@example.com")
    gone.is_active = False
    session.flush()
    assert [each.name for each in list_members(session, dealer.id)] == ["Ann", "Zoe"]


def test_members_of_one_role(session, dealer):
    add(session, dealer)
    add(session, dealer, email="boss@example.com", name="Boss", role=Role.DEALER_MANAGER)
    found = list_members(session, dealer.id, Role.DEALER_MANAGER)
    assert [each.name for each in found] == ["Boss"]


def test_members_of_another_organisation_are_nobodys_business(session, dealer):
    add(session, dealer)
    session.info["scope"] = Scope.of_person(1, dealer.id + 1, Role.DEALER_MANAGER)
    assert list_members(session, dealer.id) == []


HEADER = "organisation,kind,name,email,role\n"


def imported(session, rows):
    return list(import_people(session, HEADER + rows, at=START))


def test_an_import_makes_organisation_and_people(session):
    results = imported(
        session,
        "North,dealer,Ann,ann@example.com,technician\n"
        "North,dealer,Bob,bob@example.com,dealer_manager\n",
    )
    assert [(each.line, each.outcome) for each in results] == [(2, "created"), (3, "created")]
    assert session.scalar(select(func.count()).select_from(Organisation)) == 1


def test_a_bad_row_leaves_the_others_and_nothing_of_itself(session):
    results = imported(
        session,
        "North,dealer,Ann,ann@example.com,technician\n"
        "South,dealer,Bob,not an address,technician\n"
        "North,dealer,Cem,cem@example.com,customer\n"
        "North,dealer,Dai,dai@example.com,Technician\n",
    )
    assert [each.outcome for each in results] == ["created", "refused", "refused", "created"]
    assert "not an address" in results[1].message
    assert "customer" in results[2].message
    assert list(session.scalars(select(Organisation.name))) == ["North"]


@pytest.mark.parametrize(
    "row",
    [
        "North,dealer,Bob,,technician",
        "North,shop,Bob,bob@example.com,technician",
        f"{'N' * 300},dealer,Bob,bob@example.com,technician",
        f"North,dealer,{'B' * 300},bob@example.com,technician",
    ],
    ids=["no address", "no such kind", "long organisation", "long name"],
)
def test_no_row_stops_an_import(session, row):
    results = imported(session, f"{row}\nNorth,dealer,Ann,ann@example.com,technician\n")
    assert [each.outcome for each in results] == ["refused", "created"]


def test_an_import_run_again_makes_nobody_twice(session):
    row = "North,dealer,Ann,ann@example.com,technician\n"
    assert [each.outcome for each in imported(session, row + row)] == ["created", "refused"]
    assert session.scalar(select(func.count()).select_from(Person)) == 1
    assert session.scalar(select(func.count()).select_from(Membership)) == 1


def test_an_import_without_its_columns_is_refused(session):
    with pytest.raises(Invalid, match="email"):
        list(import_people(session, "organisation,kind,name,role\n", at=START))
