"""The page "Data": the owner decides there; others are shown no more than was granted."""

import numpy as np
import pytest

from devices.sharing.models import Purpose
from foundation.clock import to_ms
from foundation.jobs import run_due
from millwright.worker import HANDLERS
from telemetry.latest import Latest
from telemetry.store.contract import SampleBatch

JSON = {"Accept": "application/json"}
HOUR = 3_600


@pytest.fixture
def told(make_site, store, network):
    """A machine with an hour of readings, its newest values, and a ticket with words."""
    latest, now_ms = Latest(), to_ms(network.clock.now())
    at_ms = np.arange(now_ms - HOUR * 1_000, now_ms, 10_000, dtype=np.int64)
    values = {"temperature": np.full(at_ms.size, 41.25), "pressure": np.full(at_ms.size, 8.5)}
    store.write(
        [SampleBatch("pump", np.full(at_ms.size, network.asset, np.uint32), at_ms, values)]
    )
    latest.update(network.asset, now_ms - 1_000, {"temperature": 41.25, "pressure": 8.5})
    site = make_site(latest=latest)
    site.as_("customer").post(f"/machines/{network.asset}/report", {"text": "It squeals"})
    return site


def drawn(site, network, person):
    end = network.clock.now().timestamp()
    path = f"/machines/{network.asset}/chart?from={end - HOUR}&to={end}"
    groups = site.as_(person).get(path, headers=JSON).json["groups"]
    return {each["metric"] for group in groups for each in group["series"] if each["t"]}


def test_the_manufacturer_sees_what_was_agreed_until_it_is_revoked(told, network):
    maker, machine = told.as_("maker"), f"/machines/{network.asset}"
    assert drawn(told, network, "maker") == {"temperature", "pressure"}
    assert maker.get("/tickets/1").status_code == 200
    assert told.as_("customer").post("/data/grants/1/revoke").status_code == 303
    assert drawn(told, network, "maker") == set()
    page = maker.read(machine)
    assert ("P-0001" in page, "41.2" in page, "It squeals" in page) == (True, False, False)
    assert maker.get("/tickets/1").status_code == 404
    rows = maker.get(f"{machine}/readings.csv?range=1h").text.splitlines()
    assert len(rows) == 1
    assert drawn(told, network, "manager") == {"temperature", "pressure"}


def test_a_limit_is_honoured_by_chart_file_and_newest_values(told, network):
    answer = told.as_("customer").post("/data/grants/1/limit", {"metrics": "pressure"})
    assert answer.status_code == 303
    assert drawn(told, network, "maker") == {"pressure"}
    maker, machine = told.as_("maker"), f"/machines/{network.asset}"
    page = maker.read(machine)
    assert ("41.2" in page, "8.5" in page) == (False, True)
    file = maker.get(f"{machine}/readings.csv?range=1h").text
    assert ("41.25" in file, "8.5" in file) == (False, True)


def test_a_look_without_a_grant_is_read_by_the_owner_and_ends_by_itself(told, network):
    customer, maker = told.as_("customer"), told.as_("maker")
    customer.post("/data/grants/1/revoke")
    machine = f"/machines/{network.asset}"
    assert maker.post(f"{machine}/break-glass", {"reason": "", "hours": "4"}).status_code == 422
    fields = {"reason": "Fire in hall 2", "hours": "4"}
    assert maker.post(f"{machine}/break-glass", fields).status_code == 303
    assert drawn(told, network, "maker") == {"temperature", "pressure"}
    page = customer.read("/data")
    assert ("Fire in hall 2" in page, "emergency" in page) == (True, True)
    network.clock.advance(4 * HOUR + 1)
    run_due(network.database, network.clock, HANDLERS)
    assert drawn(told, network, "maker") == set()


def test_a_request_is_answered_on_the_page(told, network):
    stranger, customer = told.as_("other_manager"), told.as_("customer")
    fields = {
        "organisation": "Harbour Foods",
        "purpose": Purpose.THIRD_PARTY.value,
        "metrics": "temperature, pressure",
        "reason": "Energy audit",
    }
    assert stranger.post("/data/grants", fields).status_code == 303
    assert "Energy audit" in customer.read("/data")
    assert stranger.get(f"/machines/{network.asset}").status_code == 404
    number = max(each for each in range(1, 9) if f'id="grant-{each}"' in customer.read("/data"))
    answer = {"answer": "give", "metrics": "pressure"}
    assert customer.post(f"/data/grants/{number}/answer", answer).status_code == 303
    assert drawn(told, network, "other_manager") == {"pressure"}
    assert stranger.get("/tickets/1").status_code == 404


def test_a_refusal_without_a_reason_is_sent_back(told):
    stranger, customer = told.as_("other_manager"), told.as_("customer")
    fields = {"organisation": "Harbour Foods", "purpose": "warranty", "reason": "Claim"}
    stranger.post("/data/grants", fields)
    answer = customer.post("/data/grants/3/answer", {"answer": "refuse"})
    assert (answer.status_code, "Say why" in answer.text) == (422, True)
    customer.post("/data/grants/3/answer", {"answer": "refuse", "reason": "Recipe"})
    assert "Recipe" in stranger.read("/data")


def test_reads_stand_on_the_owners_page(told, network):
    for person in ("maker", "maker", "technician", "customer"):
        told.as_(person).read(f"/machines/{network.asset}")
    page = told.as_("customer").read("/data")
    reads = page[page.index("Reads of data") :].split("</table>")[0]
    assert (reads.count("Maker"), reads.count("Technician"), reads.count("Customer")) == (1, 1, 0)
    assert "Reads of data" not in told.as_("other_customer").read("/data")


def test_a_grant_of_somebody_else_cannot_be_touched(told):
    for act in ("revoke", "limit", "answer"):
        answer = told.as_("other_customer").post(f"/data/grants/1/{act}", {"answer": "give"})
        assert answer.status_code == 422
    assert "given" in told.as_("customer").read("/data")
