"""The plant that tests of the telemetry engine share, on SQLite or on each database."""

import shutil
from dataclasses import replace

import pytest

from foundation.clock import ManualClock
from foundation.database import open_database
from tests.conftest import START
from tests.network import make_network
from tests.telemetry.plant import Plant


@pytest.fixture
def promptly(monkeypatch):
    """The catalogue is looked at in every turn rather than once a second."""
    monkeypatch.setattr("telemetry.ingest._REFRESH_S", 0.0)
    monkeypatch.setattr("telemetry.scoring._REFRESH_S", 0.0)


@pytest.fixture(scope="session")
def network_file(sqlite_template, tmp_path_factory):
    """An SQLite file with the network in it, to copy from, and that network."""
    path = tmp_path_factory.mktemp("network") / "millwright.db"
    shutil.copy(sqlite_template, path)
    database = open_database(f"sqlite:///{path}")
    network = make_network(database, ManualClock(START))
    database.close()
    return path, network


@pytest.fixture
def plant(network_file, clock, promptly, tmp_path):
    """The plant on SQLite."""
    template, network = network_file
    shutil.copy(template, tmp_path / "millwright.db")
    database = open_database(f"sqlite:///{tmp_path / 'millwright.db'}")
    plant = Plant.open(replace(network, database=database, clock=clock), tmp_path)
    yield plant
    plant.close()
    database.close()


@pytest.fixture
def any_plant(database, clock, promptly, tmp_path):
    """The plant on each database."""
    plant = Plant.open(make_network(database, clock), tmp_path)
    yield plant
    plant.close()
