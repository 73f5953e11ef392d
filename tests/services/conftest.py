"""Fixtures for tests of services: the network is made once and copied for each test."""

import contextlib
import shutil
import time
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import func, insert, select

from foundation.clock import ManualClock
from foundation.database import open_database
from millwright.schema import METADATA, migrate
from tests.conftest import START
from tests.network import make_network
from tests.servers import PostgresServer, find_postgresql
from tests.services.scene import Scene


@pytest.fixture(scope="session")
def made(sqlite_template, tmp_path_factory):
    """A network and its SQLite file; hashing its people's passwords takes most of a second."""
    path = tmp_path_factory.mktemp("made") / "millwright.db"
    shutil.copy(sqlite_template, path)
    database = open_database(f"sqlite:///{path}")
    network = make_network(database, ManualClock(START))
    database.close()
    return path, network


@pytest.fixture(scope="session")
def postgresql():
    server = PostgresServer(find_postgresql())
    try:
        with connect(server.url("postgres").replace("+psycopg", "")) as each:
            each.execute("CREATE DATABASE millwright")
        database = open_database(server.url("millwright"))
        migrate(database)
        yield database
        database.close()
    finally:
        server.stop()


def connect(url, tries=300):
    """A connection; the port opens a moment before the server accepts anybody."""
    for _ in range(tries):
        with contextlib.suppress(psycopg.OperationalError):
            return psycopg.connect(url, autocommit=True)
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL accepts no connection")


@pytest.fixture
def sqlite_database(made, tmp_path):
    path = tmp_path / "millwright.db"
    shutil.copy(made[0], path)
    database = open_database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def network(made, database, clock):
    path, network = made
    if database.dialect != "sqlite":
        copy_rows(path, database.engine)
    return replace(network, database=database, clock=clock)


def copy_rows(path, engine):
    source = open_database(f"sqlite:///{path}")
    with source.engine.connect() as reader, engine.begin() as writer:
        for table in METADATA.sorted_tables:
            rows = [row._asdict() for row in reader.execute(select(table))]
            if rows:
                writer.execute(insert(table), rows)
            if rows and "id" in table.c:
                sequence = func.pg_get_serial_sequence(table.name, "id")
                writer.execute(select(func.setval(sequence, max(row["id"] for row in rows))))
    source.close()


@pytest.fixture
def scene(network):
    return Scene(network)
