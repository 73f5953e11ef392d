"""The service and the browser of the end-to-end tests, and what must be true when each ends."""

import os

import pytest

from millwright.broker import find_mosquitto
from tests.e2e.browsing import Visits, open_browser
from tests.e2e.history import make_history
from tests.e2e.installed_base import NORTH_PUMPS, copy, device_of, install, normal_readings
from tests.e2e.offering import make_offers
from tests.e2e.served import find_publisher, publish, serving


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A data folder to copy from: people, an equipment model and machines, as imported."""
    if find_mosquitto() is None or find_publisher() is None:
        message = "Install what is missing with: apt-get install mosquitto mosquitto-clients"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("installed") / "data"
    install(folder, folder.parent / "files")
    return folder


@pytest.fixture(scope="session")
def served(installed, tmp_path_factory):
    """The service, on mosquitto and free ports, with machines that were heard."""
    with serving(copy(installed, tmp_path_factory.mktemp("served"))) as running:
        for pump in NORTH_PUMPS:
            publish(running.mqtt_url, device_of(pump), normal_readings())
        yield running


@pytest.fixture(scope="session")
def lived_in(served):
    """The service with tickets, alarms, faults, offers and a rule."""
    make_history(served)
    make_offers(served)
    return served


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def visits(browser, served):
    """Pages of people; the test fails when one had a console error, a violation or a failure."""
    opened = Visits(browser, served)
    yield opened
    opened.close()
    assert opened.complaints == []
