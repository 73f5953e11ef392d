"""A fault put into a running demo becomes a ticket that simulated people close."""

import json
import re
import time

import pytest

from simulators.ledger import Act, Ledger
from tests.e2e.portal import Portal
from tests.e2e.served import run_command, start

pytestmark = [pytest.mark.broker, pytest.mark.timeout(400)]
SPEED = 6_000
SERIAL = re.compile(r"\b[A-Z]+\d+-\d{4}-\d{3}\b")
CLOSED_WITHIN_S = 240.0


@pytest.fixture
def demo(tmp_path):
    """A running demo of two machines; the second is served by a dealer that the visitor leaves."""
    options = ["--assets", "2", "--days", "1", "--broker", "mosquitto", "--speed", str(SPEED)]
    served = start(["demo", *options], tmp_path / "demo", timeout_s=150.0)
    yield served
    code = served.stop()
    assert (code, served.list_faults()) == (0, [])


def sign_in(served, role):
    facts = json.loads((served.folder / "demo.json").read_text(encoding="utf-8"))
    account = next(each for each in facts["accounts"] if each["role"] == role)
    return Portal.of(served.url, account["email"], account["password"])


def find_tickets(maker, serial, view):
    """Addresses of tickets on the machine with that serial number."""
    addresses = set(re.findall(r'href="(/tickets/\d+)"', maker.get(f"/tickets?view={view}").text))
    return [
        each for each in sorted(addresses) if f'data-serial="{serial}"' in maker.get(each).text
    ]


def wait_for(find, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)
    return found


def test_a_fault_that_is_put_in_is_found_mended_and_closed(demo):
    device = "mc-0001"
    serial = find_serial(demo)
    fault = ["--fault", "hydraulic_leak", "--growth-hours", "1"]
    run_command(demo.folder, "simulate", "inject", "--asset", serial, *fault)
    with sign_in(demo, "manufacturer") as maker:
        (address, *_) = wait_for(lambda: find_tickets(maker, serial, "closed"), CLOSED_WITHIN_S)
        page = maker.get(address).text
    assert "hydraulic hose" in page
    rows = Ledger.of_folder(demo.folder).read()
    assert any(row.act is Act.REPAIR and row.device == device for row in rows)
    assert "trouble" not in (demo.folder / "people.log").read_text(encoding="utf-8")


def find_serial(served):
    with sign_in(served, "manufacturer") as maker:
        return next(each for each in SERIAL.findall(maker.get("/machines").text) if each[0] == "M")
