"""Sends what simulated machines report over MQTT, at the pace of a clock; also as a program.

As a program it reads the broker's password as the first line of its standard input, for command
lines are no place for secrets, and runs until SIGTERM. Nothing here changes what is sent.
"""

import argparse
import json
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTMessageInfo, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from foundation.clock import Clock, SystemClock, to_ms
from foundation.errors import Invalid, Unavailable
from simulators.fleet import Fleet, make_fleet
from simulators.ledger import FleetTime, Ledger
from simulators.messages import Letter, Message, NativeSpeaker, Speaker, list_messages
from simulators.network import PROFILES, Way
from simulators.pace import add_pace, check_pace, make_clock
from simulators.sparkplug import EdgeNode

_log = structlog.get_logger(__name__)

FORMATS = ("native", "sparkplug")
SPARKPLUG_GROUP = "millwright-simulation"

_WINDOW = 500
_CONNECT_TIMEOUT_S = 15.0
_LAST_WORDS_S = 2.0


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
    """A connection that sends with a window: `send` waits while too much is unacknowledged.

    It connects again by itself and greets as the speaker wants; `clock` gives the greeting's time.

    Raises:
        Invalid: when the URL makes no sense.
        Unavailable: when the broker does not let us in in time.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None,
        client_id: str,
        speaker: Speaker | None = None,
        clock: Clock | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise Invalid("The broker's URL must look like mqtt://host:1883.")
        self.messages = 0
        self.acknowledged = 0
        self._unkept: deque[MQTTMessageInfo] = deque(maxlen=4 * _WINDOW)
        self._changed = threading.Condition()
        self._is_connected = threading.Event()
        self._speaker = speaker or NativeSpeaker()
        self._clock = clock or SystemClock()
        # One at a time speaks: what a speaker numbers must be sent in that order.
        self._turn = threading.RLock()
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
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._set_will()
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
        if not self._has_room(stop_event):
            return False
        self._post([Letter(topic, payload)])
        return True

    def say(self, message: Message, stop_event: threading.Event) -> bool:
        """Hands over what the speaker makes of it, once there is room; False when to stop."""
        if not self._has_room(stop_event):
            return False
        with self._turn:
            self._post(self._speaker.say(message))
        return True

    def close(self, timeout_s: float) -> None:
        """Waits for the last acknowledgements, then leaves."""
        with self._turn:
            self._post(self._speaker.take_leave(self._now_ms()))
        with self._changed:
            self._changed.wait_for(lambda: self.waiting == 0, timeout_s)
        self._client.disconnect()
        self._client.loop_stop()

    def _has_room(self, stop_event: threading.Event) -> bool:
        """Waits for it; nobody may hold the turn meanwhile, for the connection needs it."""
        with self._changed:
            while self.waiting >= _WINDOW and not stop_event.is_set():
                self._changed.wait(0.1)
        return not stop_event.is_set()

    def _post(self, letters: list[Letter]) -> None:
        for letter in letters:
            if letter.qos > 0:
                # Counted before: the acknowledgement may be quicker than we are.
                self._count_one()
            sent = self._client.publish(letter.topic, letter.payload, qos=letter.qos)
            if letter.qos == 0 and sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._unkept.append(sent)
                self._count_one()

    def _count_one(self) -> None:
        with self._changed:
            self.messages += 1

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())

    def _set_will(self) -> None:
        will = self._speaker.prepare(self._now_ms())
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=will.qos)

    def _greet(self) -> None:
        with self._turn:
            self._post(self._speaker.greet(self._now_ms()))

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Any,
    ) -> None:
        del userdata, flags, properties
        if reason_code.is_failure:
            _log.warning("the broker refused the simulated fleet", reason=str(reason_code))
            return
        for topic in self._speaker.commands:
            client.subscribe(topic, qos=1)
        self._greet()
        self._is_connected.set()

    def _on_disconnect(self, *_: Any) -> None:
        with self._turn:
            self._set_will()
        # At QoS 0 what was not sent by now is lost, and nobody will acknowledge it.
        lost = sum(not sent.is_published() for sent in self._unkept)
        self._unkept.clear()
        with self._changed:
            self.messages -= lost
            self._changed.notify_all()

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        del client, userdata
        if self._speaker.is_asked_to_greet(message.topic, bytes(message.payload)):
            self._greet()

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any
    ) -> None:
        del client, userdata, mid, reason_code, properties
        with self._changed:
            self.acknowledged += 1
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a fleet is sent: with what format, over what kind of network, in what portions.

    A clock that runs fast needs long chunks: the readings of one chunk of a device go together.
    """

    format: str = "native"
    network: str = "none"
    chunk_s: float = 60.0

    def make_speaker(self, fleet: Fleet, node: str) -> Speaker:
        if self.format == "native":
            return NativeSpeaker()
        return EdgeNode(SPARKPLUG_GROUP, node, fleet.list_metrics())


def run_fleet(
    url: str,
    credentials: Credentials | None,
    fleet: Fleet,
    clock: Clock,
    stop_event: threading.Event,
    *,
    manner: Manner | None = None,
) -> Sent:
    """Sends from the clock's present on what the fleet reports, each reading at its time.

    Runs until `stop_event` is set.

    Raises:
        Unavailable: when the broker does not let us in.
    """
    manner = manner or Manner()
    client_id = credentials.user if credentials else "fleet"
    speaker = manner.make_speaker(fleet, client_id)
    publisher = Publisher(url, credentials, client_id, speaker, clock)
    readings = 0
    try:
        for message in _list_due(fleet, clock, stop_event, manner):
            if not publisher.say(message, stop_event):
                break
            readings += len(message.readings)
    finally:
        publisher.close(_LAST_WORDS_S)
    return Sent(readings, publisher.messages, publisher.acknowledged)


def _list_due(
    fleet: Fleet, clock: Clock, stop_event: threading.Event, manner: Manner
) -> Iterator[Message]:
    """Messages as they become due; ends when we are to stop."""
    begin_ms, chunk_ms = to_ms(clock.now()), int(manner.chunk_s * 1000)
    way = Way(PROFILES[manner.network], fleet.seed)
    stretches = fleet.simulate_stretches(begin_ms, chunk_s=manner.chunk_s)
    for until_ms in count(begin_ms + chunk_ms, chunk_ms):
        # No stretch is made before its time, so that it knows what is in the ledger by then.
        if _wait_until(until_ms - chunk_ms, clock, stop_event):
            return
        for message in way.carry(list_messages(fleet, next(stretches)), until_ms):
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
    ledger = Ledger(given.ledger) if given.ledger else None
    fleet = make_fleet(
        seed=given.seed,
        assets=given.assets,
        start_ms=given.start_ms,
        planned_days=given.planned_days,
        interval_s=given.interval_s,
        ledger=ledger,
        with_flaws=given.with_flaws,
    )
    clock = make_clock(given)
    if ledger is not None:
        tell_time(ledger, clock, given.speed)
    try:
        sent = run_fleet(
            given.url,
            credentials,
            fleet,
            clock,
            stop_event,
            manner=Manner(given.format, given.network, max(60.0, given.speed)),
        )
    except (Unavailable, Invalid) as refusal:
        sys.exit(str(refusal))
    missing = sent.messages - sent.acknowledged
    sys.stdout.write(json.dumps({"readings": sent.readings, "unacknowledged": missing}) + "\n")


def tell_time(ledger: Ledger, clock: Clock, speed: float) -> None:
    """Leaves how the clock goes, for whoever does something to the machines."""
    now_ms = to_ms(SystemClock().now())
    ledger.write_time(FleetTime(to_ms(clock.now()), now_ms, speed))


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
    add("--with-flaws", action="store_true", help="clocks go wrong and some sensors lie")
    add("--format", choices=FORMATS, default="native", help="how readings are written")
    add("--network", choices=sorted(PROFILES), default="none", help="how bad the way is")
    add_pace(parser)
    given = parser.parse_args(arguments)
    check_pace(parser, given)
    return given


if __name__ == "__main__":
    main()
