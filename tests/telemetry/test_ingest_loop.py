"""From a real broker to the store: acknowledged once stored, and not before; nothing is lost."""

import json
import os
import shutil
import subprocess
import threading
from urllib.parse import urlsplit

import pytest

from devices.readings import Reading
from devices.wire.native import confirm_topic, encode_telemetry, telemetry_topic
from foundation.clock import SystemClock, to_ms
from foundation.database import open_database
from foundation.errors import Unavailable
from millwright.broker import BrokerKind
from millwright.loops import Loop
from simulators.publisher import Credentials, Publisher
from telemetry.ingest import IngestLoop
from telemetry.mqtt import MqttLink
from telemetry.store.duckdb_store import DuckDBStore
from tests import brokers
from tests.brokers import GATEWAY, INGEST, KINDS, PUBACK, Cable, wait_until
from tests.contracts.test_wire_formats import HOSTILE
from tests.e2e import served
from tests.network import make_network

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module", params=KINDS, ids=[kind.value for kind in KINDS])
def shared_broker(request, tmp_path_factory):
    running = brokers.start(request.param, tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def broker(shared_broker):
    """A broker of either kind, with nothing left from the test before."""
    yield shared_broker
    brokers.drain(shared_broker)


class Listening:
    """Ingest on a link of its own; with `runs` in a thread, else by hand."""

    def __init__(self, plant, url, *, runs=True):
        self._link = MqttLink(url, INGEST, plant.ingest.topic_filters, plant.clock)
        self.loop = IngestLoop(self._link, plant.ingest)
        self._stop, self.failed = threading.Event(), threading.Event()
        self._thread = Loop("ingest", self.loop.step, self._stop, self.failed) if runs else None

    def __enter__(self):
        self._link.start()
        assert self._link.wait_ready(20)
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        if self._thread:
            self._thread.join(10)
        self._link.stop()
        assert not self.failed.is_set()

    def step_until(self, done, *, turns=100):
        for _ in range(turns):
            self.loop.step()
            if done():
                return
        pytest.fail("it did not happen in time")


def reading(plant, second, **values):
    return {"ts": plant.ms(second), "values": values or {"pressure": 5}}


def publish(broker, payload, *, device="pump-1"):
    """As somebody tries it by hand."""
    parts = urlsplit(broker.url_for(GATEWAY))
    program = served.find_publisher()
    if program is None:
        message = "mosquitto_pub is missing; install it with: apt-get install mosquitto-clients"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    command = [program, "-h", parts.hostname, "-p", str(parts.port), "-q", "1"]
    command += ["-u", parts.username, "-P", parts.password, "-i", GATEWAY]
    command += ["-t", telemetry_topic(device), "-m", json.dumps(payload)]
    subprocess.run(command, check=True, timeout=20)


def test_what_is_published_is_stored_in_the_metric_and_unit_of_its_model(plant, broker):
    with Listening(plant, broker.url_for(INGEST)):
        publish(broker, [reading(plant, -1, T1=212), reading(plant, 0, pressure=5, speed=3)])
        wait_until(lambda: len(plant.stored()) == 2 and plant.quarantined())
    assert plant.stored()[-1] == {"temperature": pytest.approx(100)}
    assert plant.stored()[0] == {"pressure": 5.0}
    assert [row.code for row in plant.quarantined()] == ["unknown_metric"]


def test_rubbish_between_good_readings_stops_nothing(plant, broker):
    rubbish = [b"{", b"[[[", b'{"values": 3}', b"x" * 300_000, b'{"ts": 1e99}', *HOSTILE]
    good = [json.dumps(reading(plant, -number)).encode() for number in range(len(rubbish))]
    mixed = [each for pair in zip(rubbish, good, strict=True) for each in pair]
    with Listening(plant, broker.url_for(INGEST)):
        brokers.send(broker, mixed, device="pump-1")
        wait_until(lambda: plant.ingest.counted.messages == len(mixed))
    assert len(plant.stored()) == len(good)
    assert len(plant.quarantined()) == len(rubbish)


def test_a_device_hears_what_was_stored(plant, broker):
    device = MqttLink(broker.url_for(GATEWAY), GATEWAY, [confirm_topic("pump-1")], plant.clock)
    device.start()
    assert device.wait_ready(20)
    with Listening(plant, broker.url_for(INGEST)):
        device.publish(
            telemetry_topic("pump-1"),
            json.dumps({**reading(plant, 0, pressure=5, speed=1), "confirm": True}).encode(),
        )
        told, *again = brokers.take_all(device, 1)
    device.acknowledge([told, *again])
    device.stop()
    expected = {"boot": None, "seq": None, "ts": plant.ms(0), "stored": 1, "rejected": 1}
    assert (told.topic, json.loads(told.payload)) == ("mw/v1/pump-1/confirm", expected)


def test_while_the_store_is_away_nothing_is_acknowledged_and_all_is_kept(plant, broker):
    """The store is our own behind a door that is shut; broker, wire and files are real."""
    cable = Cable(broker.url_for(INGEST))
    plant.store.is_away = True
    with Listening(plant, cable.url, runs=False) as listening:
        brokers.send(
            broker, [json.dumps(reading(plant, -n)).encode() for n in range(5)], device="pump-1"
        )
        for _ in range(3):
            with pytest.raises(Unavailable):
                listening.step_until(lambda: False)
        assert PUBACK not in cable.packets(0)
        plant.store.is_away = False
        listening.step_until(lambda: len(plant.stored()) == 5)
        wait_until(lambda: cable.packets(0).count(PUBACK) == 5)
    cable.close()


def test_what_ingest_took_and_did_not_store_comes_again_after_a_restart(plant, broker):
    plant.store.is_away = True
    with Listening(plant, broker.url_for(INGEST), runs=False) as listening:
        publish(broker, reading(plant, 0))
        with pytest.raises(Unavailable):
            listening.step_until(lambda: False)
    plant.store.is_away = False
    plant.restart()
    with Listening(plant, broker.url_for(INGEST)):
        wait_until(lambda: list(plant.stored()) == [0])


def test_a_loop_waits_for_a_store_that_is_away_and_goes_on(plant, broker):
    plant.store.is_away = True
    with Listening(plant, broker.url_for(INGEST)) as listening:
        publish(broker, reading(plant, 0))
        wait_until(lambda: listening.loop._held)
        publish(broker, reading(plant, -1))
        plant.store.is_away = False
        wait_until(lambda: len(plant.stored()) == 2)


def test_repeats_after_a_broken_connection_change_nothing(plant, broker):
    cable = Cable(broker.url_for(INGEST))
    with Listening(plant, cable.url) as listening:
        brokers.send(broker, [json.dumps(reading(plant, 0)).encode()] * 3, device="pump-1")
        wait_until(lambda: plant.ingest.counted.messages >= 3)
        cable.cut()
        wait_until(lambda: not listening._link.is_connected)
        cable.mend()
        publish(broker, reading(plant, -1))
        wait_until(lambda: -1 in plant.stored())
    cable.close()
    assert plant.stored() == {0: {"pressure": 5.0}, -1: {"pressure": 5.0}}


MESSAGES = {BrokerKind.MOSQUITTO: 1500, BrokerKind.AMQTT: 400}


@pytest.fixture
def owned_folder(sqlite_template, tmp_path):
    """The data folder of a Millwright that knows the two pumps."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "millwright.db")
    database = open_database(f"sqlite:///{folder / 'millwright.db'}")
    make_network(database, SystemClock())
    database.close()
    return folder


def serve(folder, broker):
    settings = {"MILLWRIGHT_MQTT_URL": broker.url_for(INGEST)}
    return served.start(["serve"], folder, settings=settings)


def test_a_killed_process_loses_nothing_that_a_device_was_promised(owned_folder, broker):
    """`kill -9` in mid-stream; the second process gets what the first one had not stored."""
    now_ms, stop, count = to_ms(SystemClock().now()), threading.Event(), MESSAGES[broker.kind]
    account = next(each for each in broker.accounts if each.user == GATEWAY)
    first = serve(owned_folder, broker)
    publisher = Publisher(broker.url, Credentials(account.user, account.password), GATEWAY)
    for number in range(count):
        sent = Reading("pump-1", now_ms - number, {"pressure": 5.0})
        assert publisher.send(telemetry_topic("pump-1"), encode_telemetry([sent]), stop)
        if number == count // 2:
            first.process.kill()
    publisher.close(20)
    assert publisher.acknowledged == count
    first.process.wait()
    second = serve(owned_folder, broker)
    wait_for_confirmation(broker, now_ms + 1)
    assert second.stop() == 0
    store = DuckDBStore(owned_folder / "telemetry.duckdb")
    assert store.span("pump", 1) == (now_ms - count + 1, now_ms + 1, count + 1)
    store.close()


def wait_for_confirmation(broker, ts):
    """Messages are stored in their order: once the last one is, all are."""
    device = MqttLink(broker.url_for(GATEWAY), GATEWAY, ["mw/v1/+/confirm"], SystemClock())
    device.start()
    assert device.wait_ready(20)
    last = {"ts": ts, "values": {"pressure": 5}, "confirm": True}
    device.publish(telemetry_topic("pump-1"), json.dumps(last).encode())
    device.acknowledge(brokers.take_all(device, 1))
    device.stop()
