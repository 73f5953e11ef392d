"""Sends what simulated machines report over MQTT, at the pace of a clock; also as a program.

As a program it reads the broker's password as the first line of its standard input, for command
lines are no place for secrets, and runs until SIGTERM. Nothing here changes what is sent.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from devices.readings import Reading
from devices.wire.native import encode_telemetry, telemetry_topic
from foundation.clock import Clock, ScaledClock, SystemClock, from_ms, to_ms
from foundation.errors import Invalid, Unavailable
from simulators.fleet import Chunk, Fleet, make_fleet
from simulators.ledger import Ledger

_log = structlog.get_logger(__name__)

_WINDOW = 500
_CONNECT_TIMEOUT_S = 15.0
_LAST_WORDS_S = 2.0
# Below the 256 KiB that a message may have: a reading of this fleet takes some 400 bytes.
_READINGS_PER_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Credentials:
    """User and password at the broker; none for an anonymous device."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """Readings handed over, messages they went in, and messages the broker acknowledged."""

    readings: int
    messages: int
    acknowledged: int


class Publisher:
    """A connection that sends at QoS 1 with a window: `send` waits while it is full.

    Raises:
        Invalid: when the URL makes no sense.
        Unavailable: when the broker does not let us in in time.
    """

    def __init__(self, url: str, credentials: Credentials | None, client_id: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise Invalid("The broker's URL must look like mqtt://host:1883.")
        self.messages = 0
        self.acknowledged = 0
        self._changed = threading.Condition()
        self._is_connected = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTv311,
        )
        self._client.max_inflight_messages_set(_WINDOW)
        if credentials is not None:
            self._client.username_pw_set(credentials.user, credentials.password)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.connect_async(parts.hostname, parts.port or 1883)
        self._client.loop_start()
        if not self._is_connected.wait(_CONNECT_TIMEOUT_S):
            self._client.loop_stop()
            raise Unavailable(f"The broker at {parts.hostname}:{parts.port} does not let us in.")

    @property
    def waiting(self) -> int:
        """Messages that the broker has not acknowledged."""
        return self.messages - self.acknowledged

    def send(self, topic: str, payload: bytes, stop_event: threading.Event) -> bool:
        """Hands a message over once there is room; False when we are to stop."""
        with self._changed:
            while self.waiting >= _WINDOW and not stop_event.is_set():
                self._changed.wait(0.1)
            if stop_event.is_set():
                return False
            self.messages += 1
        self._client.publish(topic, payload, qos=1)
        return True

    def close(self, timeout_s: float) -> None:
        """Waits for the last acknowledgements, then leaves."""
        with self._changed:
            self._changed.wait_for(lambda: self.waiting == 0, timeout_s)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Any,
    ) -> None:
        del client, userdata, flags, properties
        if reason_code.is_failure:
            _log.warning("the broker refused the simulated fleet", reason=str(reason_code))
        else:
            self._is_connected.set()

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any
    ) -> None:
        del client, userdata, mid, reason_code, properties
        with self._changed:
            self.acknowledged += 1
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Message:
    """Readings of one device, due when the last of them is made."""

    due_ms: int
    device: str
    readings: list[Reading]


def list_messages(
    fleet: Fleet, chunks: Iterable[Chunk], *, readings_per_message: int = _READINGS_PER_MESSAGE
) -> Iterator[Message]:
    """Readings of the chunks, so many of a device in one message, in the order they are due."""
    intervals_ms = {asset.device: asset.interval_s * 1000 for asset in fleet.assets}
    made = (
        message
        for chunk in chunks
        for message in _pack(fleet, chunk, intervals_ms[chunk[0]], readings_per_message)
    )
    yield from sorted(made, key=lambda message: message.due_ms)


def _pack(
    fleet: Fleet, chunk: Chunk, interval_ms: int, readings_per_message: int
) -> Iterator[Message]:
    device, times_ms, values = chunk
    boot = f"{fleet.start_ms:x}"
    names = list(values)
    rows = list(zip(*(column.tolist() for column in values.values()), strict=True))
    stamps = times_ms.tolist()
    for begin in range(0, len(stamps), readings_per_message):
        part = slice(begin, begin + readings_per_message)
        readings = [
            # Intervals since 1970 rise by one a reading and need no memory.
            Reading(device, at_ms, dict(zip(names, row, strict=True)), boot, at_ms // interval_ms)
            for at_ms, row in zip(stamps[part], rows[part], strict=True)
        ]
        yield Message(readings[-1].observed_at_ms, device, readings)


def run_fleet(
    url: str,
    credentials: Credentials | None,
    fleet: Fleet,
    clock: Clock,
    stop_event: threading.Event,
    *,
    chunk_s: float = 60.0,
) -> Sent:
    """Sends from the clock's present on what the fleet reports, each reading at its time.

    Runs until `stop_event` is set. A clock that runs fast needs long chunks: the readings of one
    chunk of a device travel together.

    Raises:
        Unavailable: when the broker does not let us in.
    """
    publisher = Publisher(url, credentials, credentials.user if credentials else "fleet")
    readings = 0
    try:
        for message in _list_due(fleet, clock, stop_event, chunk_s):
            payload = encode_telemetry(message.readings)
            if not publisher.send(telemetry_topic(message.device), payload, stop_event):
                break
            readings += len(message.readings)
    finally:
        publisher.close(_LAST_WORDS_S)
    return Sent(readings, publisher.messages, publisher.acknowledged)


def _list_due(
    fleet: Fleet, clock: Clock, stop_event: threading.Event, chunk_s: float
) -> Iterator[Message]:
    """Messages as they become due; ends when we are to stop."""
    from_ms = to_ms(clock.now())
    stretches = fleet.simulate_stretches(from_ms, chunk_s=chunk_s)
    for number in count():
        # No stretch is made before its time, so that it knows what is in the ledger by then.
        if _wait_until(from_ms + int(number * chunk_s * 1000), clock, stop_event):
            return
        for message in list_messages(fleet, next(stretches)):
            if _wait_until(message.due_ms, clock, stop_event):
                return
            yield message


def _wait_until(due_ms: int, clock: Clock, stop_event: threading.Event) -> bool:
    """Whether we were told to stop before that time."""
    while (ahead_ms := due_ms - to_ms(clock.now())) > 0:
        if clock.wait(stop_event, ahead_ms / 1000.0):
            return True
    return stop_event.is_set()


def main(arguments: list[str] | None = None) -> None:
    """Entry of the child process."""
    given = _parse(arguments)
    stop_event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_event.set())
    credentials = None
    if given.user:
        credentials = Credentials(given.user, sys.stdin.readline().strip())
    fleet = make_fleet(
        seed=given.seed,
        assets=given.assets,
        start_ms=given.start_ms,
        planned_days=given.planned_days,
        interval_s=given.interval_s,
        ledger=Ledger(given.ledger) if given.ledger else None,
    )
    try:
        sent = run_fleet(
            given.url,
            credentials,
            fleet,
            _make_clock(given),
            stop_event,
            chunk_s=max(60.0, given.speed),
        )
    except (Unavailable, Invalid) as refusal:
        sys.exit(str(refusal))
    missing = sent.messages - sent.acknowledged
    sys.stdout.write(json.dumps({"readings": sent.readings, "unacknowledged": missing}) + "\n")


def _make_clock(given: argparse.Namespace) -> Clock:
    """The parent's clock: it showed `clock_ms` when the machine's own showed `at_ms`."""
    if given.clock_ms is None:
        return SystemClock()
    behind = SystemClock().now() - from_ms(given.at_ms)
    now = from_ms(given.clock_ms) + timedelta(seconds=behind.total_seconds() * given.speed)
    return ScaledClock(now, given.speed)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulators.publisher", description="Sends what a simulated fleet reports."
    )
    add = parser.add_argument
    add("--url", required=True, help="mqtt://host:port")
    add("--user", default="", help="the password is read from standard input; empty: anonymous")
    add("--seed", type=int, default=1)
    add("--assets", type=int, default=10)
    add("--start-ms", type=int, required=True, help="when the fleet was new, in ms since 1970")
    add("--planned-days", type=float, default=30.0, help="days from then in which faults come")
    add("--interval-s", type=int, default=60, help="a device reports once in so many seconds")
    add("--ledger", type=Path, help="the file of what is done to the machines, followed")
    add("--speed", type=float, default=1.0, help="how much faster than the machine's clock")
    add("--clock-ms", type=int, help="what the scaled clock showed at --at-ms")
    add("--at-ms", type=int, help="the machine's clock at that instant")
    given = parser.parse_args(arguments)
    if (given.clock_ms is None) != (given.at_ms is None):
        parser.error("--clock-ms and --at-ms belong together")
    if given.speed != 1.0 and given.clock_ms is None:
        parser.error("--speed needs --clock-ms and --at-ms")
    return given


if __name__ == "__main__":
    main()
