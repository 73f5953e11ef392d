"""The service and the browser of the end-to-end tests, and what must be true when each ends."""

import os

import pytest

from millwright.broker import find_mosquitto
from tests.e2e.browsing import Visits, open_browser
from tests.e2e.installed_base import NORTH_PUMPS, device_of, install, normal_readings
from tests.e2e.served import find_publisher, publish, start


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A data folder with people, an equipment model and machines, made by the import commands."""
    if find_mosquitto() is None or find_publisher() is None:
        message = "Install what is missing with: apt-get install mosquitto mosquitto-clients"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("installed") / "data"
    install(folder, folder.parent / "files")
    return folder


@pytest.fixture(scope="session")
def served(installed):
    """The service, on mosquitto and free ports; it must end well, with no fault in its log."""
    running = start(["serve", "--broker", "mosquitto"], installed)
    for pump in NORTH_PUMPS:
        publish(running.mqtt_url, device_of(pump), normal_readings())
    yield running
    assert running.stop() == 0
    assert running.list_faults() == []


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
