"""What a running platform tells its watchers: each part's readiness and numbers that move."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from millwright.broker import BrokerKind
from tests.brokers import require, wait_until
from tests.e2e import served

pytestmark = pytest.mark.broker
OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
TOKEN = "t" * 40


def ask(url, **headers):
    """Status and text of an answer."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def read_numbers(text):
    """Name with labels → number."""
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(number) for name, _, number in lines}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    require(BrokerKind.MOSQUITTO)
    folder = tmp_path_factory.mktemp("watched") / "data"
    service = served.start(["serve", "--broker", "mosquitto"], folder)
    yield service
    service.stop()


def test_a_service_that_runs_is_ready_in_every_part(service):
    status, text = ask(f"{service.url}/healthz/ready")
    parts = json.loads(text)["parts"]
    assert status == 200
    own = {"database", "schema", "store", "broker"}
    assert set(parts) == own | {"ingest", "scoring", "worker", "admission"}
    assert set(parts.values()) == {"ready"}


def test_every_metric_is_documented_and_every_documented_one_exists(service):
    def told():
        return read_numbers(ask(f"{service.url}/metrics")[1])

    # The broker tells its own count some seconds after the start.
    wait_until(lambda: "millwright_broker_dropped_messages_total" in told(), timeout_s=30)
    names = {re.match(r"[a-z_]+", name)[0] for name in told()}
    documented = set(re.findall(r"`((?:millwright|process)_[a-z_]+)`", OPERATIONS))
    assert names == documented


def test_the_numbers_are_those_of_the_platform(service):
    numbers = read_numbers(ask(f"{service.url}/metrics")[1])
    assert numbers['millwright_ready{part="broker"}'] == 1
    assert numbers["millwright_broker_connected"] == 1
    assert numbers["millwright_streams_limit"] == 64
    assert numbers["millwright_ingest_lag_seconds"] < 60
    assert 0 <= numbers['millwright_loop_silence_seconds{loop="worker"}'] < 60
    assert numbers["millwright_disk_free_bytes"] > 0
    assert numbers['millwright_file_bytes{file="telemetry.duckdb"}'] > 0


def test_a_proxy_on_this_machine_does_not_open_the_metrics(service):
    header = {"X-Forwarded-For": "203.0.113.9"}
    assert ask(f"{service.url}/metrics", **header)[0] == 404
