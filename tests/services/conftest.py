"""Fixtures for tests of services: the network is made once and copied for each test."""

import shutil
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select

from foundation.clock import ManualClock
from foundation.database import open_database
from millwright.schema import METADATA
from tests.conftest import START
from tests.network import make_network
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
