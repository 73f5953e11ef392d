"""The session guard, writing: nobody writes a row of another organisation, or without the right.

Each test writes in a session that is rolled back, so the network is made once for the module.
"""

import pytest
from sqlalchemy import delete, func, insert, select, update

from devices.access import AssetVisibility
from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.sites import Site
from foundation.errors import Forbidden
from foundation.identity.models import Membership
from foundation.identity.scope import Role, Scope
from tests.conftest import START


@pytest.fixture
def act(filled):
    """Opens a session of a person; nothing written in it stays."""
    return lambda person: filled.database.session(filled.scope(person))


def new_member(filled, organisation, role=Role.TECHNICIAN):
    return Membership(
        person_id=filled.people["maker"],
        organisation_id=filled.organisations[organisation],
        role=role,
    )


def read_as_system(session, query):
    """What a statement left behind, seen past the filter of the session that ran it."""
    session.flush()
    session.expire_all()
    session.info["scope"] = Scope.system("test")
    return session.execute(query).all()


def test_a_row_of_the_own_organisation_is_written(act, filled):
    with act("manager") as session:
        session.add(new_member(filled, "dealer"))
        session.flush()


@pytest.mark.parametrize("organisation", ["other_dealer", "customer", "maker"])
def test_a_row_for_another_organisation_is_refused(act, filled, organisation):
    with act("manager") as session:
        session.add(new_member(filled, organisation))
        with pytest.raises(Forbidden, match="Membership"):
            session.flush()


@pytest.mark.parametrize("person", ["technician", "customer", "other_manager"])
def test_a_row_is_refused_to_whoever_may_not_write_it(act, filled, person):
    with act(person) as session:
        session.add(new_member(filled, "dealer"))
        with pytest.raises(Forbidden):
            session.flush()


def test_a_refused_row_is_refused_by_a_query_too(act, filled):
    """A query flushes what is pending; the guard stands before that as well."""
    with act("technician") as session:
        session.add(new_member(filled, "dealer"))
        with pytest.raises(Forbidden):
            session.scalars(select(Membership)).all()


def test_a_row_cannot_be_moved_to_another_organisation(act, filled):
    with act("manager") as session:
        member = session.scalars(select(Membership)).first()
        member.organisation_id = filled.organisations["other_dealer"]
        with pytest.raises(Forbidden):
            session.flush()


def test_a_new_row_beneath_a_foreign_one_is_refused(act, filled):
    with act("customer") as session:
        session.add(
            Site(
                organisation_id=filled.organisations["other_customer"],
                name="Hall",
                time_zone="UTC",
                created_at=START,
            )
        )
        with pytest.raises(Forbidden):
            session.flush()


@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_seeing_a_row_is_not_the_right_to_change_it(act, filled, person):
    with act(person) as session:
        session.get_one(Asset, filled.asset).name = "Mine now"
        with pytest.raises(Forbidden, match="Asset"):
            session.flush()


@pytest.mark.parametrize("person", ["manager", "customer"])
def test_seeing_a_row_is_not_the_right_to_delete_it(act, filled, person):
    with act(person) as session:
        session.delete(session.get_one(Asset, filled.asset))
        with pytest.raises(Forbidden):
            session.flush()


def test_whoever_may_write_a_row_does(act, filled):
    with act("maker") as session:
        session.get_one(Asset, filled.asset).name = "Pump in the cellar"
        session.flush()


def test_a_foreign_row_carried_over_from_another_session_is_refused(act, filled):
    with act("other_manager") as theirs:
        stolen = theirs.get_one(Asset, filled.other_asset)
    with act("manager") as session:
        session.add(stolen)
        stolen.name = "Mine now"
        with pytest.raises(Forbidden):
            session.flush()


def test_a_merged_foreign_row_is_refused(act, filled):
    with act("other_manager") as theirs:
        stolen = theirs.get_one(Asset, filled.other_asset)
    with act("manager") as session:
        session.merge(stolen)
        with pytest.raises(Forbidden):
            session.flush()


def test_a_bulk_update_reaches_the_own_rows_only(act, filled):
    foreign = delete(AssetVisibility).where(AssetVisibility.asset_id == filled.other_asset)
    with act("maker") as session:
        session.execute(foreign)  # as if another manufacturer had made it
        session.execute(update(Asset).values(name="Renamed"))
        rows = read_as_system(session, select(Asset.id).where(Asset.name == "Renamed"))
        assert [each.id for each in rows] == [filled.asset]


@pytest.mark.parametrize("synchronise", ["auto", "fetch", "evaluate", False])
def test_a_bulk_delete_reaches_the_own_rows_only(act, filled, synchronise):
    with act("manager") as session:
        session.execute(delete(Membership).execution_options(synchronize_session=synchronise))
        rows = read_as_system(session, select(Membership.organisation_id))
        homes = {each.organisation_id for each in rows}
    own = filled.organisations["dealer"]
    assert homes == set(filled.organisations.values()) - {own}


def test_a_bulk_update_aimed_at_a_foreign_row_changes_nothing(act, filled):
    foreign = filled.organisations["other_dealer"]
    with act("manager") as session:
        session.execute(
            update(Membership)
            .where(Membership.organisation_id == foreign)
            .values(role=Role.TECHNICIAN)
        )
        rows = read_as_system(
            session, select(Membership.role).where(Membership.organisation_id == foreign)
        )
        assert Role.DEALER_MANAGER in {each.role for each in rows}


@pytest.mark.parametrize("statement", [update(Asset).values(name="Mine now"), delete(Asset)])
def test_a_bulk_statement_needs_the_right_to_write(act, filled, statement):
    """The filter is on what is seen; a customer sees the machine but may not rename it."""
    with act("customer") as session, pytest.raises(Forbidden):
        session.execute(statement)


def test_a_bulk_update_cannot_move_rows_to_another_organisation(act, filled):
    foreign = filled.organisations["other_dealer"]
    with act("manager") as session, pytest.raises(Forbidden):
        session.execute(update(Membership).values(organisation_id=foreign))


INSERTS = {
    "one statement": lambda session, row: session.execute(insert(Membership).values(**row)),
    "many rows": lambda session, row: session.execute(insert(Membership), [row]),
    "core table": lambda session, row: session.execute(Membership.__table__.insert(), [row]),
}


@pytest.mark.parametrize("form", INSERTS.values(), ids=INSERTS)
def test_an_insert_statement_for_another_organisation_is_refused(act, filled, form):
    row = {
        "person_id": filled.people["maker"],
        "organisation_id": filled.organisations["other_dealer"],
        "role": Role.DEALER_MANAGER,
    }
    with act("manager") as session, pytest.raises(Forbidden):
        form(session, row)


def test_the_platform_itself_writes_for_everybody(filled):
    with filled.database.session(Scope.system("test")) as session:
        session.add(new_member(filled, "other_dealer"))
        session.execute(update(Asset).values(name="Renamed"))
        assert session.scalar(select(func.count()).where(Asset.name == "Renamed")) == 2


def test_without_a_scope_nothing_is_written(filled):
    with filled.database._writers() as session:
        session.add(new_member(filled, "dealer"))
        with pytest.raises(Forbidden, match="scope"):
            session.flush()


def test_another_manufacturer_cannot_change_the_model(filled):
    stranger = Scope.of_person(901, filled.organisations["dealer"], Role.MANUFACTURER)
    with filled.database.session(stranger) as session:
        session.scalar(select(EquipmentModel)).make = "Mine now"
        with pytest.raises(Forbidden):
            session.flush()


@pytest.mark.parametrize("part", ["metrics", "limits", "likely_causes"])
@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_seeing_a_model_is_not_the_right_to_change_its_parts(act, part, person):
    with act(person) as session:
        getattr(session.scalar(select(EquipmentModel)), part)[0].label = "Mine now"
        with pytest.raises(Forbidden):
            session.flush()
