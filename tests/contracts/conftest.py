"""Fixtures of the contract suites."""

import pytest

from tests.contracts.store_suite import ENGINES, make_model_name


@pytest.fixture(scope="module", params=ENGINES)
def store(request, tmp_path_factory):
    """A store of each engine."""
    opened = request.param(tmp_path_factory.mktemp("store"))
    yield opened
    opened.close()


@pytest.fixture
def model():
    """An equipment model that no other test writes."""
    return make_model_name()
