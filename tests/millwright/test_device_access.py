"""Devices at a real broker by the passwords in the database: who comes in, what they may (D)."""

import socket
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from devices.provisioning import register_device
from devices.security.credentials import issue_credential, revoke_credentials
from millwright.admission.device_access import DeviceAccess, read_admitted
from millwright.broker import BrokerKind
from tests.brokers import INGEST, KINDS, make_access, start, wait_until

pytestmark = [
    pytest.mark.broker,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
both_kinds = pytest.mark.parametrize("kind", KINDS, ids=[kind.value for kind in KINDS])
REVOKED_WITHIN_S = 60


class Station:
    """A broker, the database it is told from, and devices that come and go."""

    def __init__(self, network, broker):
        self.network, self.broker = network, broker
        self.access = DeviceAccess(network.database, network.clock, broker.admit, look_every_s=0.1)
        self.clients = []

    def act(self, function, key, **options):
        """One act on a device, and the broker told of it."""
        with self.network.transaction("maker") as session:
            device = register_device(session, key=key, at=self.network.clock.now())
            done = function(session, device=device, at=self.network.clock.now(), **options)
        wait_until(self.access.step)
        return done

    def issue(self, key, **options):
        fresh = self.act(issue_credential, key, **options)
        return fresh.user, fresh.password

    def revoke(self, key):
        return self.act(revoke_credentials, key)

    def connect(self, user, password, *, client_id=None, will=None):
        client = Connection(self.broker.url, user, password, client_id or user or "x", will)
        self.clients.append(client)
        return client


class Connection:
    """A client that notes what becomes of it and never comes back by itself."""

    def __init__(self, url, user, password, client_id, will=None):
        parts = urlsplit(url)
        self.answer, self.heard, self.is_up = None, [], False
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self.client.reconnect_delay_set(300, 300)
        if user is not None:
            self.client.username_pw_set(user, password)
        if will is not None:
            self.client.will_set(will, b"last words", 1)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = lambda _client, _data, each: self.heard.append(
            (each.topic, each.payload)
        )
        self.client.connect(parts.hostname, parts.port)
        self.client.loop_start()
        wait_until(lambda: self.answer is not None)

    def _on_connect(self, _client, _data, _flags, code, _properties):
        self.answer = not code.is_failure
        self.is_up = self.answer

    def _on_disconnect(self, *_given):
        self.is_up = False
        if self.answer is None:
            self.answer = False

    def publish(self, topic, payload=b"x"):
        self.client.publish(topic, payload, 1).wait_for_publish(10)

    def subscribe(self, *topics):
        self.client.subscribe([(topic, 1) for topic in topics])
        time.sleep(0.3)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def opened(kind, network, folder):
    broker = start(kind, folder, make_access())
    station = Station(network, broker)
    try:
        yield station
    finally:
        for each in station.clients:
            each.close()
        broker.stop()


@pytest.fixture(params=KINDS, ids=[kind.value for kind in KINDS])
def station(request, network, tmp_path):
    with opened(request.param, network, tmp_path) as station:
        yield station


def test_a_device_comes_in_by_the_password_that_was_shown(station):
    user, password = station.issue("pump-1")
    assert station.connect(user, password).answer
    assert not station.connect(user, password + "x").answer
    assert not station.connect("pump-2", password).answer


@pytest.mark.parametrize(
    ("user", "password"), [(None, None), ("pump-1", ""), ("admin", "admin"), ("pump-1", "pump-1")]
)
def test_nobody_comes_in_without_a_password_or_with_a_usual_one(station, user, password):
    station.issue("pump-1")
    assert not station.connect(user, password).answer


def test_a_revoked_device_is_ended_at_once_and_others_stay(station):
    user, password = station.issue("pump-1")
    gone, stays = station.connect(user, password), station.connect(*station.issue("pump-2"))
    began = time.monotonic()
    station.revoke("pump-1")
    wait_until(lambda: not gone.is_up, timeout_s=REVOKED_WITHIN_S)
    assert time.monotonic() - began < REVOKED_WITHIN_S
    assert not station.connect(user, password).answer
    assert stays.is_up


def test_a_replaced_password_ends_the_connection_unless_it_overlaps(station):
    first = station.connect(*station.issue("pump-1"))
    second = station.connect(*station.issue("pump-1", overlap=timedelta(hours=1)))
    assert first.is_up
    assert second.is_up
    station.network.clock.advance(3600)
    wait_until(lambda: station.access.step() or not first.is_up)
    wait_until(lambda: not first.is_up)
    assert second.is_up


def test_with_an_overlap_both_speak_for_the_same_device(station):
    host = _host(station)
    old = station.connect(*station.issue("pump-1"))
    new = station.connect(*station.issue("pump-1", overlap=timedelta(hours=1)))
    old.publish("mw/v1/pump-1/telemetry", b"old")
    new.publish("mw/v1/pump-1/telemetry", b"new")
    new.publish("mw/v1/pump-1~2/telemetry", b"no device")
    wait_until(lambda: len(host.heard) == 2)
    assert {payload for _, payload in host.heard} == {b"old", b"new"}


def test_what_is_not_its_own_reaches_nobody(station):
    """D1: another's topic; D2: what a payload claims counts for nothing, the topic is kept."""
    host = _host(station)
    device, other = (station.connect(*station.issue(key)) for key in ("pump-1", "pump-2"))
    other.subscribe("mw/v1/pump-1/confirm", "#", "$SYS/#", "mw/v1/pump-2/confirm")
    other.publish("mw/v1/pump-1/telemetry", b"forged")
    other.publish("mw/v1/pump-2/confirm", b"forged")
    device.publish("mw/v1/pump-1/telemetry", b'{"device": "pump-2"}')
    host.publish("mw/v1/pump-1/confirm", b"for pump-1")
    host.publish("mw/v1/pump-2/confirm", b"for pump-2")
    wait_until(lambda: other.heard and any("telemetry" in topic for topic, _ in host.heard))
    time.sleep(0.5)
    assert set(other.heard) == {("mw/v1/pump-2/confirm", b"for pump-2")}
    told = [each for each in host.heard if each[0].endswith("telemetry")]
    assert told == [("mw/v1/pump-1/telemetry", b'{"device": "pump-2"}')]


def test_another_devices_client_id_pushes_nobody_off(network, tmp_path):
    with opened(BrokerKind.MOSQUITTO, network, tmp_path) as station:
        owner = station.connect(*station.issue("pump-1"))
        thief = station.connect(*station.issue("pump-2"), client_id="pump-1")
        assert thief.answer
        time.sleep(0.5)
        assert owner.is_up
        assert thief.is_up


@pytest.mark.parametrize("client_id", ["", "+/#", "x" * 5000, "\u202e", "$SYS", "../../etc"])
def test_client_id_games_change_nothing(station, client_id):
    """D7."""
    owner = station.connect(*station.issue("pump-1"))
    user, password = station.issue("pump-2")
    player = Connection(station.broker.url, user, password, client_id)
    station.clients.append(player)
    host = _host(station)
    player.publish("mw/v1/pump-1/telemetry", b"forged")
    owner.publish("mw/v1/pump-1/telemetry", b"mine")
    wait_until(lambda: host.heard)
    assert host.heard == [("mw/v1/pump-1/telemetry", b"mine")]
    assert station.broker.is_alive


def test_last_words_go_nowhere_that_the_device_could_not_speak(station):
    """D7: a will on another's topic, sent by a connection that breaks."""
    host = _host(station)
    user, password = station.issue("pump-2")
    for will in ("mw/v1/pump-1/telemetry", "mw/v1/pump-2/telemetry"):
        _break_off(station.connect(user, password, will=will))
    wait_until(lambda: host.heard)
    time.sleep(0.3)
    assert host.heard == [("mw/v1/pump-2/telemetry", b"last words")]


def test_a_gateway_speaks_for_the_sources_behind_it_and_no_others(station):
    host = _host(station)
    with station.network.transaction("maker") as session:
        at = station.network.clock.now()
        gateway = register_device(session, key="gateway-1", at=at)
        register_device(session, key="pump-1", at=at).gateway_id = gateway.id
    speaker = station.connect(*station.issue("gateway-1"))
    for key in ("pump-2", "pump-1", "gateway-1"):
        speaker.publish(f"mw/v1/{key}/telemetry", key.encode())
    wait_until(lambda: len(host.heard) == 2)
    assert {topic.split("/")[2] for topic, _ in host.heard} == {"pump-1", "gateway-1"}


def test_a_broker_that_starts_knows_the_devices_already(network, tmp_path):
    with opened(BrokerKind.MOSQUITTO, network, tmp_path / "first") as station:
        user, password = station.issue("pump-1")
    admitted = read_admitted(network.database, network.clock)
    broker = start(
        BrokerKind.MOSQUITTO, tmp_path / "second", replace(make_access(), devices=admitted)
    )
    client = Connection(broker.url, user, password, user)
    assert client.answer
    client.close()
    broker.stop()


def _host(station):
    """The platform's own connection, which hears everything."""
    account = next(each for each in station.broker.accounts if each.user == INGEST)
    host = station.connect(account.user, account.password)
    host.subscribe("mw/v1/+/telemetry")
    return host


def _break_off(connection):
    """Ends the connection without a word, as a device that loses power."""
    connection.client._sock.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: not connection.is_up)
    connection.client.loop_stop()
