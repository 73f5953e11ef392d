"""A machine handed over in the portal: what the old and the new owner and dealer then read."""

import numpy as np
import pytest

from devices.transfers import HANDLERS
from foundation.clock import to_ms
from foundation.jobs import run_due
from services.triage.triage import run_triage
from telemetry.alarms.lifecycle import clear_alarm, raise_alarm
from telemetry.alarms.models import Severity
from telemetry.latest import Latest
from telemetry.store.contract import SampleBatch

JSON = {"Accept": "application/json"}
HOUR = 3_600


@pytest.fixture
def handed(make_site, store, network):
    """Two hours of readings; after one of them the machine got a new owner."""
    site, now_ms = make_site(latest=Latest()), to_ms(network.clock.now())
    at_ms = np.arange(now_ms - 2 * HOUR * 1_000, now_ms, 10_000, dtype=np.int64)
    values = {"temperature": np.where(at_ms < now_ms - HOUR * 1_000, 41.0, 62.0)}
    asset = np.full(at_ms.size, network.asset, dtype=np.uint32)
    store.write([SampleBatch("pump", asset, at_ms, values)])
    network.clock.advance(-1.5 * HOUR)
    _find(network, "limit:temperature:high")
    site.as_("customer").post("/tickets/1/messages", {"text": "Old owner's words"})
    network.clock.advance(0.5 * HOUR)
    _hand_over(site, network)
    network.clock.advance(0.5 * HOUR)
    _find(network, "limit:temperature:low")
    network.clock.advance(0.5 * HOUR)
    return site


def _find(network, condition):
    at = network.clock.now()
    with network.transaction() as session:
        raise_alarm(
            session,
            asset_id=network.asset,
            condition=condition,
            detector="limits",
            severity=Severity.SERIOUS,
            started_at=at,
            raised_at=at,
            evidence={"detector": "limits", "metrics": [{"metric": "temperature", "share": 1}]},
        )
        run_triage(session, at=at)


def _hand_over(site, network):
    answer = site.as_("customer").post(
        f"/machines/{network.asset}/transfer", {"kind": "owner", "organisation": "Hill Textiles"}
    )
    assert answer.status_code == 303
    run_due(network.database, network.clock, HANDLERS)


def window(network, path):
    end = network.clock.now().timestamp()
    return f"{path}?from={end - 2 * HOUR}&to={end}&points=400"


def read_values(site, network, person, path):
    answer = site.as_(person).get(window(network, path), headers=JSON)
    assert answer.status_code == 200
    return answer.json


def test_each_owner_reads_the_readings_of_its_own_time(handed, network):
    handover = network.clock.now().timestamp() - HOUR
    own = f"/machines/{network.asset}/chart"
    new = read_values(handed, network, "other_customer", own)["groups"][0]["series"][0]
    old = read_values(handed, network, "customer", f"/former-machines/{network.asset}/chart")
    old = old["groups"][0]["series"][0]
    assert (set(new["mean"]), set(old["mean"])) == ({62.0}, {41.0})
    assert max(old["t"]) < handover <= min(new["t"])


def test_the_old_owner_has_the_machine_no_more_but_its_own_time(handed, network):
    old = handed.as_("customer")
    assert old.get(f"/machines/{network.asset}").status_code == 404
    assert old.get("/tickets/1").status_code == 404
    assert "P-0001" in old.read("/former-machines")
    page = old.read(f"/former-machines/{network.asset}")
    assert "Old owner&#39;s words" in page
    assert "Bearing too hot" in page or "Bearing temperature" in page
    assert "Hill Textiles" not in page


def test_alarms_are_told_to_who_had_the_machine_then(handed, network):
    with network.transaction() as session:
        condition, at = "limit:temperature:high", network.clock.now()
        clear_alarm(session, asset_id=network.asset, condition=condition, at=at)
    spans = read_values(handed, network, "customer", f"/former-machines/{network.asset}/chart")
    assert len(spans["alarms"]) == 1
    assert spans["alarms"][0]["to"] == network.clock.now().timestamp() - HOUR


def test_the_new_owner_reads_nothing_that_was_written_before(handed, network):
    page = handed.as_("other_customer").read(f"/machines/{network.asset}")
    assert "Old owner" not in page
    story = handed.as_("other_customer").get("/tickets/1")
    assert "Old owner" not in story.text


@pytest.mark.parametrize("person", ["other_customer", "other_manager", "technician", "maker"])
def test_a_former_machine_is_its_former_partys_alone(handed, network, person):
    visitor = handed.as_(person)
    for path in ("", "/chart"):
        assert visitor.get(f"/former-machines/{network.asset}{path}").status_code == 404


def test_a_planned_transfer_is_shown_and_called_off(site, network):
    maker, path = site.as_("maker"), f"/machines/{network.asset}/transfer"
    fields = {"kind": "servicing", "organisation": "South Service", "on": "2030-01-01"}
    assert maker.post(path, fields).status_code == 303
    assert "South Service" in maker.read(path)
    assert maker.post(f"{path}/cancel", {"transfer": "1"}).status_code == 303
    assert "did not take place" in maker.read(path)


def test_a_refused_transfer_says_what_to_change(site, network):
    visitor, path = site.as_("manager"), f"/machines/{network.asset}/transfer"
    fields = {"kind": "servicing", "organisation": "Nobody"}
    answer = visitor.post(path, fields)
    assert (answer.status_code, "There is no organisation" in answer.text) == (422, True)
    assert visitor.post(path, {"kind": "owner", "organisation": "Hill Textiles"}).status_code in (
        403,
        422,
    )


def test_customers_are_not_told_who_the_other_customers_are(site, network):
    page = site.as_("customer").read(f"/machines/{network.asset}/transfer")
    assert ("Hill Textiles" in page, "South Service" in page) == (False, True)
    assert "Hill Textiles" in site.as_("maker").read(f"/machines/{network.asset}/transfer")
