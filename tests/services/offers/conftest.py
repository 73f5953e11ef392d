"""Fixtures for tests of offers: a store of its own for each test, and the scene."""

import pytest

from telemetry.store.duckdb_store import DuckDBStore
from tests.services.offers.scene import OfferScene


@pytest.fixture
def store(tmp_path):
    opened = DuckDBStore(tmp_path / "telemetry.duckdb")
    yield opened
    opened.close()


@pytest.fixture
def offers(network, store):
    return OfferScene(network, store)
