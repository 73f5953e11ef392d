"""Both brokers for tests, and a cable between client and broker that can be cut."""

import os
import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from paho.mqtt import publish as paho_publish

from foundation.clock import SystemClock
from millwright.broker import BrokerAccess, BrokerKind, find_mosquitto, start_broker
from millwright.broker_access import Part, make_account
from telemetry.mqtt import MqttLink

INGEST = "millwright-ingest-0"
GATEWAY = "gateway"
FILTERS = ("mw/v1/+/telemetry",)
KINDS = (BrokerKind.MOSQUITTO, BrokerKind.AMQTT)
PUBACK = 4


def require(kind):
    """Fails in CI, and skips elsewhere, when mosquitto is missing."""
    if kind is BrokerKind.MOSQUITTO and find_mosquitto() is None:
        message = "mosquitto is missing; install it with: apt-get install mosquitto"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def make_access(*more, anonymous_devices=False):
    accounts = (make_account(INGEST, Part.PLATFORM), make_account(GATEWAY, Part.GATEWAY), *more)
    return BrokerAccess(accounts, anonymous_devices)


def start(kind, directory, access=None, **options):
    require(kind)
    return start_broker(directory, access or make_access(), prefer=kind, **options)


def send(broker, payloads, *, device="dev-1", user=GATEWAY, qos=1):
    """Publishes one message for each payload and waits until the broker has them."""
    parts = urlsplit(broker.url_for(user))
    messages = [(f"mw/v1/{device}/telemetry", payload, qos, False) for payload in payloads]
    paho_publish.multiple(
        messages,
        hostname=parts.hostname,
        port=parts.port,
        client_id=user,
        auth={"username": parts.username, "password": parts.password},
    )


def take_all(link, count, *, timeout_s=20.0):
    """Takes until `count` messages came, at least once each; fails when they do not in time."""
    taken = []
    deadline = time.monotonic() + timeout_s
    while len(taken) < count and time.monotonic() < deadline:
        taken += link.take()
    assert len(taken) >= count, f"{len(taken)} of {count} messages came"
    return taken


def drain(broker):
    """Takes away what waits for ingest, so that the next test begins with nothing."""
    link = MqttLink(broker.url_for(INGEST), INGEST, FILTERS, SystemClock())
    link.start()
    assert link.wait_ready(20)
    while rest := link.take(timeout_s=0.2):
        link.acknowledge(rest)
    link.stop()


def wait_until(condition, *, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class Cable:
    """Forwards bytes between clients and a broker, notes what clients send, and can be cut."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = []
        self._is_whole = True
        self._flows = threading.Event()
        self._flows.set()
        self.sent = []
        self.url = parts._replace(
            netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self._port}"
        ).geturl()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def _port(self):
        return self._listener.getsockname()[1]

    def cut(self):
        """Breaks all connections at once, without a word, and lets no new one through."""
        self._is_whole = False
        self._flows.set()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def freeze(self):
        """Nothing passes any more and nobody is told, as when a radio link breaks down."""
        self._flows.clear()

    def mend(self):
        self._is_whole = True

    def close(self):
        self.cut()
        self._listener.close()

    def packets(self, connection):
        """Types of the packets that the client sent on its n-th connection, from 0."""
        return list(_packet_types(bytes(self.sent[connection])))

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self._is_whole:
                    client.close()
                    continue
                broker = socket.create_connection(self._target)
                self._sockets += [client, broker]
                note = bytearray()
                self.sent.append(note)
                for way in ((client, broker, note), (broker, client, None)):
                    threading.Thread(target=self._forward, args=way, daemon=True).start()

    def _forward(self, source, target, note):
        with suppress(OSError), source, target:
            while received := source.recv(65536):
                self._flows.wait()
                if note is not None:
                    note += received
                target.sendall(received)
            # Closing alone says nothing while the other direction's thread still reads.
            target.shutdown(socket.SHUT_RDWR)


def _packet_types(stream):
    while len(stream) > 1:
        kind, length, shift, position = stream[0] >> 4, 0, 0, 1
        while True:
            byte = stream[position]
            length |= (byte & 127) << shift
            shift += 7
            position += 1
            if byte < 128:
                break
        yield kind
        stream = stream[position + length :]
