"""Fixtures that many tests share: both databases, the clock, a small network of parties."""

import itertools
import os
import shutil
import time
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from foundation.clock import ManualClock
from foundation.database import open_database
from millwright.schema import METADATA, migrate
from tests.network import make_network
from tests.servers import PostgresServer, find_postgresql

settings.register_profile(
    "millwright",
    deadline=None,
    derandomize=True,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("millwright")

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server with one migrated database; fails where the server is missing in CI."""
    programs = find_postgresql()
    if programs is None:
        message = "PostgreSQL is missing; install it with: apt-get install postgresql"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    server = PostgresServer(programs)
    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as each:
        each.execute("CREATE DATABASE millwright")
    database = open_database(server.url("millwright"))
    migrate(database)
    yield database
    database.close()
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "millwright.db"
    database = open_database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture
def sqlite_database(sqlite_template, tmp_path):
    path = tmp_path / "millwright.db"
    shutil.copy(sqlite_template, path)
    database = open_database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request):
    """Each database that we run on, empty."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_database")
    database = request.getfixturevalue("postgresql")
    empty(database)
    return database


def empty(database):
    """Empties every table and counts from one again, once nobody is still at work.

    Rows are deleted, keys unchecked: to truncate some thirty tables takes ten times as long.
    """
    deadline = time.monotonic() + 20
    while busy := _list_transactions(database):
        assert time.monotonic() < deadline, f"A test before this one left at work: {busy}"
        time.sleep(0.05)
    deletes = "".join(f'DELETE FROM "{table.name}";' for table in METADATA.sorted_tables)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica;{deletes}")
        connection.exec_driver_sql("SELECT setval(seqrelid, 1, false) FROM pg_sequence")


def _list_transactions(database):
    """What others run or hold open on this server's database now."""
    query = """
        SELECT state, query FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend' AND state <> 'idle'
    """
    with database.engine.begin() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


@pytest.fixture
def clock():
    return ManualClock(START)


@pytest.fixture
def network(database, clock):
    """Manufacturer, two dealers, two customers, people of each role, a model and two assets."""
    return make_network(database, clock)


@pytest.fixture
def unique():
    """Counts up, for names that must differ."""
    return itertools.count(1)
