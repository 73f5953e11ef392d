"""The session guard, reading: whatever form a query takes, it shows the own rows only."""

import pytest
from sqlalchemy import exists, func, select, union, union_all
from sqlalchemy.orm import Session, aliased, joinedload, selectinload, subqueryload

from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.sites import Site
from foundation.database import Base, Scoped, get_scope
from foundation.errors import Forbidden
from foundation.identity.models import Organisation, Person
from foundation.identity.scope import Role, Scope

OWN, FOREIGN = "P-0001", "P-0002"
# A stranger: an organisation that owns, serves and makes nothing.
STRANGERS = [Scope.of_person(901, 902, role) for role in Role]
SCOPED = sorted(
    (mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, Scoped)),
    key=lambda each: each.__name__,
)


@pytest.fixture
def session(filled):
    """A session of the first dealer's manager, who serves one of the two assets."""
    with filled.database.session(filled.scope("manager")) as session:
        yield session


def serials(rows) -> list[str]:
    return sorted(row.serial for row in rows)


other = aliased(Asset)
seen = select(Asset).cte("seen")
inner = select(Asset).subquery()

# Each form gives the serial numbers that it finds.
FORMS = {
    "select": lambda s: s.scalars(select(Asset)).all(),
    "where": lambda s: s.scalars(select(Asset).where(Asset.serial.like("P-%"))).all(),
    "or": lambda s: s.scalars(select(Asset).where((Asset.id > 0) | (Asset.id < 0))).all(),
    "columns": lambda s: s.execute(select(Asset.id, Asset.serial)).all(),
    "alias": lambda s: s.scalars(select(other)).all(),
    "cte": lambda s: s.execute(select(seen.c.serial)).all(),
    "subquery": lambda s: s.execute(select(inner.c.serial)).all(),
    "alias of a subquery": lambda s: s.scalars(select(aliased(Asset, inner))).all(),
    "union": lambda s: s.execute(union(select(Asset.serial), select(other.serial))).all(),
    "union of entities": lambda s: s.scalars(
        select(Asset).from_statement(union_all(select(Asset)))
    ).all(),
    "join": lambda s: s.scalars(select(Asset).join(Site, Site.id == Asset.site_id)).all(),
    "join from the other side": lambda s: s.scalars(
        select(Asset)
        .select_from(EquipmentModel)
        .join(Asset, Asset.equipment_model_id == EquipmentModel.id)
    ).all(),
    "in a subquery": lambda s: s.scalars(
        select(Asset).where(Asset.id.in_(select(other.id)))
    ).all(),
    "legacy query": lambda s: s.query(Asset).all(),
    "stream": lambda s: list(s.scalars(select(Asset).execution_options(yield_per=1))),
    "for update": lambda s: s.scalars(select(Asset).with_for_update()).all(),
    "selectinload": lambda s: s.scalars(select(Asset).options(selectinload(Asset.site))).all(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_query_shows_the_own_rows_only(session, form):
    assert serials(form(session)) == [OWN]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_platform_itself_sees_all_rows(filled, form):
    with filled.database.session(Scope.system("test")) as session:
        assert set(serials(form(session))) == {OWN, FOREIGN}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_scopes_that_take_turns_see_their_own_rows_each(filled, form):
    """They share a compiled statement: only the values in its filter differ."""
    for who, serial in [("manager", OWN), ("other_manager", FOREIGN)] * 2:
        with filled.database.session(filled.scope(who)) as session:
            assert serials(form(session)) == [serial]


# Each form counts assets.
COUNTS = {
    "count": lambda s: s.scalar(select(func.count()).select_from(Asset)),
    "count of a column": lambda s: s.scalar(select(func.count(Asset.id))),
    "count of a subquery": lambda s: s.scalar(
        select(func.count()).select_from(select(Asset.id).subquery())
    ),
    "count of the legacy query": lambda s: s.query(Asset).count(),
    "scalar subquery": lambda s: s.scalar(select(select(func.count(Asset.id)).scalar_subquery())),
}


@pytest.mark.parametrize("form", COUNTS.values(), ids=COUNTS)
def test_a_count_counts_the_own_rows_only(session, form):
    assert form(session) == 1


def test_whether_a_foreign_row_exists_is_not_told(session, filled):
    asked = select(exists().where(Asset.id == filled.other_asset))
    assert session.scalar(asked) is False


@pytest.mark.parametrize("get", [Session.get, Session.get_one], ids=["get", "get_one"])
def test_get_finds_the_own_row(session, filled, get):
    assert get(session, Asset, filled.asset).serial == OWN


def test_get_does_not_find_a_foreign_row(session, filled):
    assert session.get(Asset, filled.other_asset) is None
    assert session.get(Asset, filled.other_asset, populate_existing=True) is None
    assert session.get(Asset, filled.other_asset, with_for_update=True) is None


# The technician works for both dealers; either sees only what the person is in their own house.
LOADERS = {"lazy": None, "selectin": selectinload, "joined": joinedload, "subquery": subqueryload}


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
def test_a_relationship_leads_to_the_own_rows_only(session, filled, loader):
    query = select(Person).where(Person.id == filled.people["technician"])
    person = session.scalar(query.options(loader(Person.memberships)) if loader else query)
    homes = [each.organisation_id for each in person.memberships]
    assert homes == [filled.organisations["dealer"]]


def test_a_relationship_from_a_foreign_person_leads_nowhere(session, filled):
    assert session.get(Person, filled.people["other_manager"]).memberships == []


def test_an_own_row_leads_to_what_belongs_to_it(session, filled):
    asset = session.get(Asset, filled.asset)
    assert asset.site.organisation_id == filled.organisations["customer"]
    assert asset.equipment_model.key == "pump"


def test_a_session_does_not_hand_out_what_another_scope_loaded(filled):
    """The identity map belongs to one session, and a session to one scope."""
    database = filled.database
    with database.session(filled.scope("other_manager")) as theirs:
        assert theirs.get(Asset, filled.other_asset) is not None
        with database.session(filled.scope("manager")) as ours:
            assert ours.get(Asset, filled.other_asset) is None


def test_refreshing_does_not_widen_what_is_seen(session):
    asset = session.scalar(select(Asset))
    session.expire_all()
    assert asset.serial == OWN
    session.refresh(asset)
    assert serials(session.scalars(select(Asset))) == [OWN]


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ("maker", [OWN, FOREIGN]),
        ("manager", [OWN]),
        ("technician", [OWN]),
        ("customer", [OWN]),
        ("other_manager", [FOREIGN]),
        ("other_technician", [FOREIGN]),
        ("other_customer", [FOREIGN]),
    ],
)
def test_each_person_sees_their_assets_and_sites(filled, person, expected):
    with filled.database.session(filled.scope(person)) as session:
        assert serials(session.scalars(select(Asset))) == expected
        assert session.scalar(select(func.count()).select_from(Site)) == len(expected)


@pytest.mark.parametrize("scope", STRANGERS, ids=lambda each: each.role)
@pytest.mark.parametrize("kind", SCOPED, ids=lambda each: each.__name__)
def test_a_stranger_sees_nothing_of_any_scoped_table(filled, kind, scope):
    with filled.database.session(scope) as session:
        assert session.scalars(select(kind)).all() == []


@pytest.mark.parametrize("kind", SCOPED, ids=lambda each: each.__name__)
def test_every_scoped_table_says_who_sees_and_who_writes_it(kind):
    assert kind.visible_to.__func__ is not Scoped.visible_to.__func__
    assert kind.is_writable_by is not Scoped.is_writable_by


def without_scope(filled):
    session = filled.database._readers()
    assert "scope" not in session.info
    return session


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.scalars(select(Asset)),
        lambda s: s.get(Asset, 1),
        lambda s: s.scalar(select(func.count()).select_from(Asset)),
        lambda s: s.query(Asset).all(),
        lambda s: s.execute(Asset.__table__.select()),
        lambda s: s.execute(Asset.__table__.update().values(name="x")),
        lambda s: s.scalars(select(Organisation)),
        get_scope,
    ],
    ids=["select", "get", "count", "legacy", "core select", "core update", "unscoped", "ask"],
)
def test_without_a_scope_nothing_is_read(filled, act):
    with without_scope(filled) as session, pytest.raises(Forbidden, match="scope"):
        act(session)


def test_a_session_may_not_be_opened_for_no_scope(filled):
    with filled.database.session(None) as session, pytest.raises(Forbidden):
        session.scalars(select(Asset))
