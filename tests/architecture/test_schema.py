"""The schema: one line of revisions makes exactly the tables of the code, on both databases."""

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import event, func, inspect, select, text

from foundation.database import Base, Scoped, open_database
from foundation.errors import Unavailable
from foundation.identity.models import Organisation
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind, Scope
from millwright import schema
from millwright.schema import (
    METADATA,
    TABLE_MODULES,
    check_schema,
    downgrade,
    list_differences,
    migrate,
)
from tests.architecture.sources import module_name, modules, read
from tests.conftest import START

SYSTEM = Scope.system("test")
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]

# Tables that the session guard does not filter, each with its reason. A new table is scoped or
# gets a line here.
UNSCOPED = {
    "asset_visibility": "what the filters are made of",
    "audit_row": "written by everybody, read by the platform alone",
    "audit_seal": "digests of audit rows, made and checked by the platform alone",
    "change_row": "says that something changed, shows nothing of it",
    "external_identity": "found by the provider's name for it, before there is a scope",
    "fitted_model": "read by scoring alone",
    "known_device": "found by its token, before there is a scope",
    "job": "the platform's own work",
    "claim_failure": "a wrong claim code, counted for whoever guessed it; nobody sees it",
    "login_failure": "counted before there is a scope",
    "login_session": "found by its token, before there is a scope",
    "organisation": "whoever works with another knows its name",
    "person": "whoever works with another knows their name",
    "scoring_state": "read by scoring alone",
    "sign_in_attempt": "found by its token, before there is a scope",
}
# What the database itself keeps single while it is open: table and columns.
SINGLE_WHILE_OPEN = {
    "alarm": ["asset_id", "condition"],
    "asset_party": ["asset_id", "kind"],
    "asset_transfer": ["asset_id", "kind"],
    "offer": ["asset_id", "rule_id"],
    "offer_consent": ["organisation_id"],
    "source_assignment": ["device_id"],
    "sub_dealer": ["dealer_id"],
    "ticket": ["asset_id"],
}


@pytest.fixture(params=DATABASES)
def empty(request, tmp_path):
    """A database without a table."""
    if request.param == "sqlite":
        database = open_database(f"sqlite:///{tmp_path}/empty.db")
    else:
        url = request.getfixturevalue("postgresql").engine.url.set(database="emptied")
        place = {"host": url.host, "port": url.port, "user": url.username}
        with psycopg.connect(**place, dbname="postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS emptied")
            connection.execute("CREATE DATABASE emptied")
        database = open_database(url.render_as_string(hide_password=False))
    yield database
    database.close()


def table_names(database):
    return set(inspect(database.engine).get_table_names())


def test_there_is_one_newest_revision():
    assert len(ScriptDirectory.from_config(schema._config()).get_heads()) == 1


def test_every_revision_says_how_to_go_back():
    revisions = ScriptDirectory.from_config(schema._config()).walk_revisions()
    assert all(hasattr(each.module, "downgrade") for each in revisions)


def test_the_revisions_make_exactly_the_tables_of_the_code(empty):
    migrate(empty)
    assert list_differences(empty) == []
    assert table_names(empty) == {*METADATA.tables, "alembic_version"}


def test_migrating_again_changes_nothing(empty):
    migrate(empty)
    with empty.transaction(SYSTEM) as session:
        create_organisation(session, kind=OrganisationKind.DEALER, name="North", at=START)
    migrate(empty)
    with empty.session(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 1


def test_the_last_revision_can_be_taken_back_and_made_again(empty):
    migrate(empty)
    downgrade(empty, "-1")
    assert list_differences(empty) != []
    migrate(empty)
    assert list_differences(empty) == []


def test_all_revisions_can_be_taken_back(empty):
    migrate(empty)
    downgrade(empty, "base")
    assert table_names(empty) <= {"alembic_version"}


def test_a_revision_that_is_broken_off_leaves_nothing(empty):
    """SQLite would keep the tables made so far if the transaction were not begun by us."""

    def break_off(_, __, statement, *___):
        if "CREATE TABLE ticket" in statement:
            raise KeyboardInterrupt

    event.listen(empty.engine, "before_cursor_execute", break_off)
    with pytest.raises(KeyboardInterrupt):
        migrate(empty)
    event.remove(empty.engine, "before_cursor_execute", break_off)
    assert table_names(empty) == set()
    migrate(empty)
    assert list_differences(empty) == []


def test_a_schema_behind_the_code_is_refused_with_the_way_out(empty):
    with pytest.raises(Unavailable, match="millwright migrate"):
        check_schema(empty)
    migrate(empty)
    check_schema(empty)


def test_sqlite_is_put_into_the_mode_in_which_readers_do_not_wait(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/new.db")
    migrate(database)
    with database.session(SYSTEM) as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    database.close()


@pytest.mark.parametrize(("table", "columns"), SINGLE_WHILE_OPEN.items())
def test_only_one_may_be_open_at_a_time(database, table, columns):
    """Alembic does not compare the condition of an index, so it is looked for here."""
    found = [
        (index["column_names"], str(index["dialect_options"].get(f"{database.dialect}_where")))
        for index in inspect(database.engine).get_indexes(table)
        if index["unique"]
    ]
    conditions = [condition for names, condition in found if names == columns]
    assert len(conditions) == 1
    assert "IS NULL" in conditions[0]


def test_every_module_with_a_table_is_known_to_the_schema():
    with_table = {module_name(path) for path in modules() if "__tablename__ =" in read(path)}
    assert with_table == set(TABLE_MODULES)


def test_every_table_is_scoped_or_reviewed():
    mappers = Base.registry.mappers
    scoped = {each.local_table.name for each in mappers if issubclass(each.class_, Scoped)}
    assert set(METADATA.tables) - scoped - set(UNSCOPED) == set()


def test_every_reviewed_table_exists():
    assert set(UNSCOPED) <= set(METADATA.tables)
