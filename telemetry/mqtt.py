"""The link to the broker, the only place here that knows paho; what messages mean is elsewhere.

MQTT 3.1.1, a persistent session, QoS 1 and manual acknowledgement. Whoever takes a message owes
its acknowledgement, after it is stored; until then the broker keeps it. The broker's window (4000
with our mosquitto) lies below the backlog's bound, so it is the broker that waits. A broker
without a window is held back by not reading its socket.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from foundation.clock import Clock, to_ms
from foundation.errors import Invalid, Unavailable

_log = structlog.get_logger(__name__)

_KEEPALIVE_S = 30
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_STOP_TIMEOUT_S = 3.0
_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived: on which connection, under which packet id (0: needs no acknowledgement)."""

    connection: int
    mid: int
    topic: str
    payload: bytes
    received_at_ms: int


class MqttLink:
    """One subscriber with a persistent session.

    Args:
        url: mqtt://user:password@host:port, or mqtts:// for TLS with the system's authorities.
        client_id: stable across restarts; the broker keeps the session under it.
        filters: topic filters, subscribed at QoS 1 on every connect.
        clock: stamps `received_at_ms`.
        max_backlog: messages held here before reading stops.
        watch: topics of which only the last payload is kept, such as the broker's own counters; a
            broker that refuses them is none the worse for it.

    Raises:
        Invalid: when the URL makes no sense.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        filters: Sequence[str],
        clock: Clock,
        max_backlog: int = 20_000,
        *,
        watch: Sequence[str] = (),
    ) -> None:
        self._filters = tuple(filters)
        self._watched: dict[str, bytes | None] = dict.fromkeys(watch)
        self._clock = clock
        self._max_backlog = max_backlog
        self._backlog: deque[Message] = deque()
        self._changed = threading.Condition()
        self._wanted = 1
        self._connections = 0
        # 0 while there is none; guarded by _changed, as are the acknowledgements themselves.
        self._connection = 0
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._failure: str | None = None
        self._is_lost = False
        self._pause_s = _FIRST_PAUSE_S
        self._client, self.address = _make_client(url, client_id)
        self._set_callbacks()
        self._thread = threading.Thread(target=self._run, name="mqtt-link", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether the broker accepted the connection and the subscriptions."""
        return self._ready.is_set()

    @property
    def is_alive(self) -> bool:
        """False once the link cannot recover by itself; `take` then says why."""
        return self._failure is None and (self._thread.is_alive() or self._thread.ident is None)

    @property
    def backlog(self) -> int:
        """Messages that wait to be taken."""
        return len(self._backlog)

    @property
    def oldest_ms(self) -> int | None:
        """When the message came that waits longest; None without any."""
        with self._changed:
            return self._backlog[0].received_at_ms if self._backlog else None

    def watched(self, topic: str) -> int | None:
        """The whole number last told under a watched topic; None before the first."""
        payload = self._watched[topic] or b""
        return int(payload) if payload.isdigit() else None

    def start(self) -> None:
        """Begins to connect, in a thread of its own; tries again for as long as it takes."""
        self._thread.start()

    def wait_ready(self, timeout_s: float) -> bool:
        """Waits until messages can come; False when the time is over."""
        return self._ready.wait(timeout_s)

    def take(self, max_messages: int = 2000, timeout_s: float = 0.1) -> list[Message]:
        """Messages in arrival order: as soon as there are `max_messages`, or what came in time.

        Raises:
            Unavailable: when the link cannot recover, with the reason.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._wanted = max_messages
            while len(self._backlog) < max_messages and self._failure is None:
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0:
                    break
                self._changed.wait(remaining_s)
            if self._failure is not None:
                raise Unavailable(self._failure)
            taken = [self._backlog.popleft() for _ in range(min(max_messages, len(self._backlog)))]
            self._changed.notify_all()
        return taken

    def acknowledge(self, messages: Iterable[Message]) -> int:
        """Tells the broker that these are stored, in the order given; how many it was told.

        Messages of an earlier connection are passed over: their packet ids mean others now, and
        the broker sends them again.
        """
        told = 0
        with self._changed:
            for message in messages:
                if message.mid and message.connection == self._connection:
                    self._client.ack(message.mid, 1)
                    told += 1
        return told

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> bool:
        """Sends a message; False when there is no connection, and then it is not sent later."""
        if not self._connection:
            return False
        return self._client.publish(topic, payload, qos).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def stop(self) -> None:
        """Disconnects; the session and what was not acknowledged stay with the broker."""
        self._stopping.set()
        self._client.disconnect()
        with self._changed:
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def _set_callbacks(self) -> None:
        client = self._client
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        # Without a register paho would write to the socket from whichever thread acknowledges,
        # in the middle of what the network thread writes; with one it only wakes that thread.
        client.on_socket_register_write = _leave_to_network_thread

    def _run(self) -> None:
        is_finished = False
        try:
            while not self._stopping.is_set():
                self._connect_and_read()
                self._forget_connection()
                self._wait_before_connecting()
            is_finished = True
        finally:
            # A dead thread must become a dead process; the interpreter prints what killed it.
            if not is_finished:
                self._fail(f"The link to the broker at {self.address} died.")
                # Lets the broker know, which would else deliver to nobody until the keep-alive.
                self._client.disconnect()
                self._client.loop_write()

    def _connect_and_read(self) -> None:
        try:
            result = self._client.reconnect()
        except OSError as error:
            self._log_lost(str(error))
            return
        while not (result or self._stopping.is_set() or self._client.socket() is None):
            if len(self._backlog) < self._max_backlog:
                result = self._client.loop(timeout=1.0)
            else:
                result = self._idle()
        if self._stopping.is_set():
            if self._client.socket() is not None:
                # Writes the farewell, so that the broker does not take it for a failure.
                self._client.loop(timeout=0.1)
        else:
            self._log_lost(f"connection lost ({result.name})")

    def _idle(self) -> MQTTErrorCode:
        """Keeps the connection up without reading, until there is room."""
        result = self._client.loop_write() or self._client.loop_misc()
        with self._changed:
            if len(self._backlog) >= self._max_backlog and not self._stopping.is_set():
                self._changed.wait(0.1)
        return result

    def _forget_connection(self) -> None:
        """From here on no acknowledgement goes out: what was not stored is sent again."""
        self._ready.clear()
        with self._changed:
            self._connection = 0
            self._backlog.clear()
            self._changed.notify_all()

    def _wait_before_connecting(self) -> None:
        # Jitter, lest all clients of a broker that came back return in the same instant.
        self._stopping.wait(self._pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Any,
    ) -> None:
        del userdata, properties
        if reason_code.is_failure:
            self._log_lost(f"the broker refused the connection: {reason_code}")
            return
        with self._changed:
            self._connections += 1
            self._connection = self._connections
        if self._connections > 1 and not flags.session_present:
            _log.warning("the broker forgot our session; messages may be lost")
        # The watched ones last: `_on_subscribe` looks at the answers for the filters alone.
        watched = [(topic, 0) for topic in self._watched]
        client.subscribe([(topic, 1) for topic in self._filters] + watched)

    def _on_subscribe(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reason_codes: list[ReasonCode],
        properties: Any,
    ) -> None:
        del client, userdata, mid, properties
        pairs = zip(self._filters, reason_codes, strict=False)
        refused = [topic for topic, code in pairs if code.is_failure]
        if refused:
            self._fail(f"The broker at {self.address} refuses us {', '.join(refused)}.")
            return
        self._pause_s = _FIRST_PAUSE_S
        self._is_lost = False
        self._ready.set()
        _log.info("connected to the broker", address=self.address, connection=self._connections)

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        del userdata
        try:
            topic = message.topic
        except UnicodeDecodeError:
            # MQTT forbids it and no rule could name it; unanswered it would come for ever.
            _log.warning("a message under a topic that is no UTF-8 was dropped")
            client.ack(message.mid, message.qos)
            return
        if topic in self._watched:
            self._watched[topic] = bytes(message.payload)
            return
        now_ms = to_ms(self._clock.now())
        mid = message.mid if message.qos else 0
        with self._changed:
            self._backlog.append(
                Message(self._connection, mid, topic, bytes(message.payload), now_ms)
            )
            if len(self._backlog) >= self._wanted:
                self._changed.notify_all()

    def _log_lost(self, reason: str) -> None:
        # Once when it goes, not at every attempt.
        if not self._is_lost and not self._stopping.is_set():
            _log.warning("no connection to the broker", address=self.address, reason=reason)
        self._is_lost = True

    def _fail(self, reason: str) -> None:
        _log.error("the link to the broker ends", reason=reason)
        self._stopping.set()
        with self._changed:
            self._failure = reason
            self._changed.notify_all()


def _leave_to_network_thread(client: Client, userdata: Any, sock: Any) -> None:
    """Nothing: paho has woken the network thread already."""


def _make_client(url: str, client_id: str) -> tuple[Client, str]:
    """A client that knows where to connect, and its address without the secret."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise Invalid("The broker's URL must look like mqtt://host:1883 or mqtts://host:8883.")
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=False,
        protocol=MQTTv311,
        manual_ack=True,
    )
    if parts.username is not None:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if parts.scheme == "mqtts":
        client.tls_set()
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    client.connect_async(parts.hostname, port, _KEEPALIVE_S)
    return client, f"{parts.hostname}:{port}"
