"""Every revision with data in the tables: broken off by a kill, begun twice, kept from a lock."""

import signal
import subprocess
import sys
from datetime import UTC, datetime

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    String,
    inspect,
    select,
)
from sqlalchemy.exc import OperationalError

from foundation.database import open_database
from millwright import schema
from millwright.operation.portable import read_tables
from millwright.schema import find_newest_revision, find_revision, list_revisions, migrate

REVISIONS = list_revisions()[::-1]
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

# Where a condition between columns wants more than nothing in those that may be empty.
FITTING = {"offer.state": "sent", "notification.ticket_id": 1}

# Brings a database up and kills itself without a word: before its n-th statement, or last thing.
KILLED = """
import os, signal, sys
from sqlalchemy import event
from foundation.database import open_database
from millwright.schema import migrate

database = open_database(sys.argv[1])
seen = []

def watch(connection, cursor, statement, *rest):
    word = statement.split()[0].upper()
    if word in ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"):
        seen.append(statement)
    is_late = "alembic_version" in statement and word in ("UPDATE", "INSERT")
    if len(seen) >= 3 if sys.argv[3] == "early" else is_late:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(database.engine, "before_cursor_execute", watch)
migrate(database, sys.argv[2])
"""


@pytest.fixture(params=DATABASES)
def empty(request, tmp_path):
    """The address of a database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    url = request.getfixturevalue("postgresql").engine.url.set(database="broken_off")
    with psycopg.connect(
        host=url.host, port=url.port, user=url.username, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("DROP DATABASE IF EXISTS broken_off WITH (FORCE)")
        connection.execute("CREATE DATABASE broken_off")
    return url.render_as_string(hide_password=False)


@pytest.fixture
def database(empty):
    opened = open_database(empty)
    yield opened
    opened.close()


def value_for(column, number, checks):
    """Something that fits a column; another number gives something else."""
    if str(column) in FITTING:
        return FITTING[str(column)]
    if column.nullable and column.name in checks:
        return None  # a condition between columns, which only some values fulfil
    if column.foreign_keys or column.primary_key:
        return number if isinstance(column.type, Integer) else f"{number}"
    # Boolean is no Integer for SQLAlchemy, and JSON no String.
    samples = [
        (Boolean, number % 2 == 0 and column.name not in checks),
        (JSON, {"n": number}),
        (DateTime, AT if getattr(column.type, "timezone", False) else AT.replace(tzinfo=None)),
        (LargeBinary, bytes([number])),
        (Float, number / 2),
        (Integer, number),
        (String, f"{number}{column.name}"[: getattr(column.type, "length", None) or 40]),
    ]
    return next(value for kind, value in samples if isinstance(column.type, kind))


def fill(database, rows=3):
    with database.engine.begin() as connection:
        for table in read_tables(connection):
            found = inspect(connection).get_check_constraints(table.name)
            checks = " ".join(each["sqltext"] for each in found)
            for number in range(1, rows + 1):
                values = {each.name: value_for(each, number, checks) for each in table.columns}
                connection.execute(table.insert(), values)


def read_all(database):
    """Table → column → its values."""
    found = {}
    with database.engine.connect() as connection:
        for table in read_tables(connection):
            rows = connection.execute(select(table).order_by(*table.primary_key.columns)).all()
            names = [column.name for column in table.columns]
            found[table.name] = {
                name: [row[position] for row in rows] for position, name in enumerate(names)
            }
    return found


def assert_kept(before, after):
    """What was there is there still; revisions that take a column away would be named here."""
    for table, columns in before.items():
        for name, values in columns.items():
            assert after[table][name] == values, f"{table}.{name}"


def revision_before(revision):
    return ScriptDirectory.from_config(schema._config()).get_revision(revision).down_revision


@pytest.mark.parametrize("revision", REVISIONS)
def test_data_of_every_earlier_revision_comes_to_the_newest(database, revision):
    migrate(database, revision)
    fill(database)
    before = read_all(database)
    migrate(database)
    assert find_revision(database) == find_newest_revision()
    assert_kept(before, read_all(database))


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_kill_inside_a_revision_costs_nothing(empty, database, revision, moment):
    earlier = revision_before(revision)
    if earlier is not None:
        migrate(database, earlier)
        fill(database)
    before = read_all(database)
    killed = subprocess.run([sys.executable, "-c", KILLED, empty, revision, moment], check=False)
    assert killed.returncode == -signal.SIGKILL or moment == "early"
    assert find_revision(database) in (earlier, revision)
    migrate(database)
    assert find_revision(database) == find_newest_revision()
    assert_kept(before, read_all(database))


def test_the_last_revision_is_taken_back_with_data_in_it(database):
    migrate(database, revision_before(find_newest_revision()))
    fill(database)
    before = read_all(database)
    migrate(database)
    schema.downgrade(database, "-1")
    assert_kept(before, read_all(database))


def test_of_several_first_starts_at_once_each_ends_well(empty, database):
    program = "import sys; from foundation.database import open_database;"
    program += "from millwright.schema import migrate; migrate(open_database(sys.argv[1]))"
    started = [
        subprocess.Popen([sys.executable, "-c", program, empty], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [each.communicate(timeout=100)[1] for each in started]
    assert [each.returncode for each in started] == [0] * 4, said
    assert find_revision(database) == find_newest_revision()


@pytest.mark.postgresql
@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_a_busy_table_ends_the_migration_instead_of_everybody(database, monkeypatch):
    monkeypatch.setattr(schema, "LOCK_TIMEOUT_S", 1)
    migrate(database, "0001")
    with database.engine.begin() as reader:
        reader.exec_driver_sql("SELECT * FROM person")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(database, "0002")
    migrate(database)
    assert "language" in {each["name"] for each in inspect(database.engine).get_columns("person")}
