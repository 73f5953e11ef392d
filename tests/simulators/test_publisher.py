import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from devices.wire.native import MAX_PAYLOAD_BYTES, NativeFormat, encode_telemetry, telemetry_topic
from foundation.clock import ManualClock, ScaledClock, SystemClock, from_ms, to_ms
from foundation.errors import Invalid, Unavailable
from millwright.broker import BrokerKind
from simulators.device_clock import ClockError
from simulators.fleet import make_fleet
from simulators.messages import list_messages
from simulators.publisher import Credentials, Manner, Publisher, run_fleet
from telemetry.mqtt import MqttLink
from tests.brokers import FILTERS, GATEWAY, INGEST, KINDS, drain, make_access, start, wait_until

START_MS = 1_772_409_600_000
HOUR_MS = 3_600_000


def _fleet(assets=3):
    return make_fleet(seed=1, assets=assets, start_ms=START_MS)


class _Listener:
    """Collects what reaches the broker, decoded."""

    def __init__(self, broker):
        self.readings = []
        self._link = MqttLink(broker.url_for(INGEST), INGEST, FILTERS, SystemClock())

    def __enter__(self):
        self._link.start()
        assert self._link.wait_ready(20)
        return self

    def __exit__(self, *_):
        self._link.stop()

    def listen(self):
        taken = self._link.take()
        for message in taken:
            decoded = NativeFormat().decode(message.topic, message.payload, message.received_at_ms)
            assert not decoded.rejections
            self.readings += decoded.readings
        self._link.acknowledge(taken)
        return len(self.readings)


@pytest.fixture(scope="module", params=KINDS, ids=[kind.value for kind in KINDS])
def shared_broker(request, tmp_path_factory):
    running = start(request.param, tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def broker(shared_broker):
    """A broker of either kind, with nothing left from the test before."""
    yield shared_broker
    drain(shared_broker)


def _credentials(broker):
    account = next(each for each in broker.accounts if each.user == GATEWAY)
    return Credentials(account.user, account.password)


def test_messages_hold_all_readings_in_time_order_and_fit_the_wire():
    fleet = _fleet()
    chunks = list(fleet.simulate(START_MS, START_MS + 10 * HOUR_MS))
    messages = list(list_messages(fleet, chunks))
    assert [each.due_ms for each in messages] == sorted(each.due_ms for each in messages)
    assert sum(len(each.readings) for each in messages) == 3 * 600
    assert max(len(encode_telemetry(each.readings)) for each in messages) < MAX_PAYLOAD_BYTES
    for device, times_ms, values in chunks:
        sent = [reading for each in messages if each.device == device for reading in each.readings]
        np.testing.assert_array_equal([reading.observed_at_ms for reading in sent], times_ms)
        hours = [each.values["run_hours"] for each in sent]
        np.testing.assert_array_equal(hours, values["run_hours"])
        assert (np.diff([reading.seq for reading in sent]) == 1).all()


def test_a_wrong_clock_stamps_readings_that_go_out_at_the_right_time():
    fleet = _fleet(1)
    wrong = replace(fleet.assets[0], clock=ClockError(offset_ms=-HOUR_MS))
    fleet = replace(fleet, assets=(wrong,))
    chunks = list(fleet.simulate(START_MS, START_MS + HOUR_MS))
    messages = list(list_messages(fleet, chunks, readings_per_message=1))
    assert [each.due_ms for each in messages] == chunks[0][1].tolist()
    for each in messages:
        assert each.readings[0].observed_at_ms == each.due_ms - HOUR_MS


def test_what_a_silent_sensor_says_is_left_out():
    fleet = _fleet(1)
    device, times_ms, values = next(fleet.simulate(START_MS, START_MS + HOUR_MS))
    values["power"][:] = np.nan
    messages = list(list_messages(fleet, [(device, times_ms, values)]))
    assert all("power" not in reading.values for each in messages for reading in each.readings)
    silent = {name: np.full(times_ms.shape, np.nan) for name in values}
    assert list(list_messages(fleet, [(device, times_ms, silent)])) == []


@pytest.mark.broker
def test_readings_travel_at_their_time_and_every_one_arrives(broker):
    fleet, stop = _fleet(), threading.Event()
    clock = ScaledClock(from_ms(START_MS), 3600.0)
    results = []
    with _Listener(broker) as listener:
        runner = threading.Thread(
            daemon=True,
            target=lambda: results.append(
                run_fleet(
                    broker.url,
                    _credentials(broker),
                    fleet,
                    clock,
                    stop,
                    manner=Manner(chunk_s=1800),
                )
            ),
        )
        runner.start()
        wait_until(lambda: listener.listen() >= 300)
        newest_ms = max(reading.observed_at_ms for reading in listener.readings)
        assert newest_ms <= to_ms(clock.now())
        stop.set()
        runner.join(10)
        (sent,) = results
        wait_until(lambda: listener.listen() >= sent.readings)
    assert len(listener.readings) == sent.readings
    assert sent.acknowledged == sent.messages
    keys = {(reading.source, reading.observed_at_ms) for reading in listener.readings}
    assert len(keys) == sent.readings


@pytest.mark.broker
def test_nothing_is_sent_before_its_time(broker):
    fleet, stop = _fleet(1), threading.Event()
    with _Listener(broker) as listener:
        runner = threading.Thread(
            daemon=True,
            target=run_fleet,
            args=(
                broker.url,
                _credentials(broker),
                fleet,
                ScaledClock(from_ms(START_MS), 0.001),
                stop,
            ),
        )
        runner.start()
        assert listener.listen() == 0
        stop.set()
        runner.join(10)
        assert not runner.is_alive()
        assert listener.listen() == 0


@pytest.mark.broker
def test_a_full_window_waits_until_told_to_stop(broker):
    publisher = Publisher(broker.url, _credentials(broker), GATEWAY)
    stop = threading.Event()
    topic = telemetry_topic("dev-1")
    assert all(publisher.send(topic, b'{"values": {"a": 1}}', stop) for _ in range(2000))
    assert publisher.waiting <= 500
    stop.set()
    assert not publisher.send(topic, b'{"values": {"a": 1}}', stop)
    publisher.close(10)
    assert (publisher.messages, publisher.acknowledged) == (2000, 2000)


@pytest.mark.broker
def test_as_a_program_it_ends_on_sigterm_and_shows_no_secret(broker):
    now = SystemClock().now()
    arguments = ["--url", broker.url, "--user", GATEWAY, "--assets", "2", "--seed", "3"]
    arguments += ["--start-ms", str(to_ms(now - timedelta(hours=2))), "--speed", "3600"]
    arguments += ["--clock-ms", str(to_ms(now)), "--at-ms", str(to_ms(now))]
    child = subprocess.Popen(
        [sys.executable, "-m", "simulators.publisher", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    password = _credentials(broker).password
    child.stdin.write(f"{password}\n")
    child.stdin.flush()
    with _Listener(broker) as listener:
        wait_until(lambda: listener.listen() >= 100)
        assert password not in Path(f"/proc/{child.pid}/cmdline").read_text()
        child.terminate()
        said, _ = child.communicate(timeout=5)
    assert child.returncode == 0
    told = json.loads(said.strip().splitlines()[-1])
    assert told["readings"] >= 100
    assert told["unacknowledged"] == 0


@pytest.mark.broker
def test_an_anonymous_fleet_needs_a_broker_that_allows_it(tmp_path):
    broker = start(BrokerKind.AMQTT, tmp_path, make_access(anonymous_devices=True))
    stop = threading.Event()
    with _Listener(broker) as listener:
        publisher = Publisher(broker.url, None, "fleet")
        assert publisher.send(telemetry_topic("dev-1"), b'{"values": {"a": 1}}', stop)
        publisher.close(10)
        wait_until(lambda: listener.listen() == 1)
    broker.stop()


@pytest.mark.broker
def test_a_wrong_password_is_one_clear_line(broker, monkeypatch):
    monkeypatch.setattr("simulators.publisher._CONNECT_TIMEOUT_S", 1.0)
    with pytest.raises(Unavailable, match="does not let us in"):
        Publisher(broker.url, Credentials(GATEWAY, "wrong"), GATEWAY)


def test_an_address_that_makes_no_sense_is_refused():
    clock = ManualClock(from_ms(START_MS))
    with pytest.raises(Invalid, match="mqtt://host"):
        run_fleet("localhost", None, _fleet(1), clock, threading.Event())


def test_the_password_does_not_show():
    assert "secret" not in repr(Credentials("user", "secret"))
