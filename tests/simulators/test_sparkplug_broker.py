"""A fleet that speaks Sparkplug B through a real broker, as a host hears it."""

import socket
import subprocess
import threading

import pytest
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from foundation.clock import ScaledClock, from_ms
from millwright.broker import BrokerKind, find_mosquitto
from simulators.fleet import make_fleet
from simulators.publisher import SPARKPLUG_GROUP, Manner, run_fleet
from simulators.sparkplug import BDSEQ, REBIRTH, Payload
from tests.brokers import Cable, require, wait_until

START_MS = 1_772_409_600_000
pytestmark = pytest.mark.broker


class Host:
    """Collects everything of the group, decoded, in the order it came."""

    def __init__(self, port):
        self.heard = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="host", protocol=MQTTv311)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"spBv1.0/{SPARKPLUG_GROUP}/#", qos=1)
        self._client.loop_start()

    def _on_message(self, *received):
        message = received[-1]
        _, _, kind, _, *device = message.topic.split("/")
        self.heard.append((kind, "".join(device), Payload.FromString(message.payload)))

    def count(self, kind):
        return sum(each[0] == kind for each in self.heard)

    def bdseqs(self, kind):
        return [_bdseq(payload) for heard, _, payload in self.heard if heard == kind]

    def order_rebirth(self):
        command = Payload(timestamp=1)
        command.metrics.add(name=REBIRTH, datatype=11, boolean_value=True)
        topic = f"spBv1.0/{SPARKPLUG_GROUP}/NCMD/fleet"
        self._client.publish(topic, command.SerializeToString(), qos=1)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def _bdseq(payload):
    return next(metric.long_value for metric in payload.metrics if metric.name == BDSEQ)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """A mosquitto that lets everybody in, as a plant's own broker might."""
    require(BrokerKind.MOSQUITTO)
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    path = tmp_path_factory.mktemp("mosquitto") / "mosquitto.conf"
    path.write_text(f"listener {number} 127.0.0.1\nallow_anonymous true\n")
    child = subprocess.Popen([find_mosquitto(), "-c", path], stderr=subprocess.DEVNULL)
    wait_until(lambda: _listens(number))
    yield number
    child.terminate()
    child.wait(10)


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def host(port):
    host = Host(port)
    yield host
    host.close()


@pytest.fixture
def speak():
    """Starts a fleet of three towards a port; ends it when told, or at the end."""
    stop, threads = threading.Event(), []

    def begin(port):
        thread = threading.Thread(
            daemon=True,
            target=run_fleet,
            args=(
                f"mqtt://127.0.0.1:{port}",
                None,
                make_fleet(seed=1, assets=3, start_ms=START_MS),
            ),
            kwargs={
                "clock": ScaledClock(from_ms(START_MS), 3600.0),
                "stop_event": stop,
                "manner": Manner("sparkplug", chunk_s=1800),
            },
        )
        thread.start()
        threads.append(thread)

    def end():
        stop.set()
        for thread in threads:
            thread.join(15)

    yield begin, end
    end()


def test_births_come_before_data_in_one_count_and_death_last(port, host, speak):
    begin, end = speak
    begin(port)
    wait_until(lambda: host.count("DDATA") > 300)
    end()
    wait_until(lambda: host.count("NDEATH") == 1)
    kinds = [kind for kind, _, _ in host.heard]
    assert kinds[:4] == ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"]
    assert kinds[-1] == "NDEATH"
    seqs = [payload.seq for kind, _, payload in host.heard if kind != "NDEATH"]
    assert seqs == [number % 256 for number in range(len(seqs))]
    assert host.bdseqs("NBIRTH") == host.bdseqs("NDEATH") == [0]
    born = {metric.alias for _, device, p in host.heard[1:4] for metric in p.metrics if device}
    told = {metric.alias for kind, _, p in host.heard if kind == "DDATA" for metric in p.metrics}
    assert told <= born
    assert len({device for kind, device, _ in host.heard if kind == "DDATA"}) == 3


def test_a_host_that_asks_gets_the_births_again_under_the_same_bdseq(port, host, speak):
    begin, _ = speak
    begin(port)
    wait_until(lambda: host.count("DDATA") > 10)
    host.order_rebirth()
    wait_until(lambda: host.count("DBIRTH") == 6)
    assert host.bdseqs("NBIRTH") == [0, 0]
    last = max(place for place, each in enumerate(host.heard) if each[0] == "NBIRTH")
    wait_until(lambda: len(host.heard) > last + 20)
    seqs = [payload.seq for _, _, payload in host.heard[last : last + 20]]
    assert seqs == list(range(20))


def test_when_the_connection_breaks_the_broker_tells_and_the_next_birth_is_new(port, host, speak):
    begin, _ = speak
    cable = Cable(f"mqtt://127.0.0.1:{port}")
    begin(int(cable.url.rpartition(":")[2]))
    wait_until(lambda: host.count("DDATA") > 10)
    cable.cut()
    wait_until(lambda: host.count("NDEATH") == 1)
    cable.mend()
    wait_until(lambda: host.count("NBIRTH") == 2)
    cable.close()
    assert host.bdseqs("NDEATH")[0] == 0
    assert host.bdseqs("NBIRTH") == [0, 1]
