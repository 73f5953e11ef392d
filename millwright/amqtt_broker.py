"""The embedded broker's own process: amqtt with our accounts, rights and redelivery.

Run as `python -m millwright.amqtt_broker SETTINGS.json` by broker.py, which says what this broker
promises. amqtt by itself forgets what a persistent session did not acknowledge; the handler below
puts that right. It overrides steps that amqtt does not publish, hence the narrow version range.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import amqtt.broker
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import Action
from amqtt.mqtt.constants import QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import ApplicationMessage, OutgoingApplicationMessage, Session

from devices.security.hashing import is_password
from millwright.broker_access import Rights, is_covered, read_passwords

_OWNER = "millwright.owner"
_HANDLER = "millwright.handler"
_HASH = "millwright.hash"
_log = logging.getLogger(__name__)
# As mosquitto's, see mosquitto.py.
_WINDOW = 4000
_FAREWELL_S = 0.5


class Admission:
    """Who may come in and do what, as the files say it; read anew when we are told to."""

    def __init__(self) -> None:
        self._paths = {"passwords": Path(), "rights": Path()}
        self.hashes: dict[str, str] = {}
        self.rights: dict[str, Rights] = {}

    def open(self, settings: dict[str, Any]) -> None:
        self._paths = {name: Path(settings[name]) for name in self._paths}
        self.read()

    def read(self) -> None:
        self.hashes = read_passwords(self._paths["passwords"].read_text())
        described = json.loads(self._paths["rights"].read_text())
        self.rights = {
            user: Rights(tuple(each["write"]), tuple(each["read"]))
            for user, each in described.items()
        }

    def still_admits(self, session: Session) -> bool:
        """Whether what the session came in with holds."""
        user = session.attributes.get(_OWNER)
        if not user:
            return "" in self.rights
        return bool(self.hashes.get(user) == session.attributes.get(_HASH))


# amqtt makes the plug-ins by itself, from plain values: they find the one table here.
ADMISSION = Admission()


class Accounts(BaseAuthPlugin):  # type: ignore[misc] # amqtt ships no types
    """Lets in who is in the password file; a session belongs to the user who began it."""

    @dataclass
    class Config:
        anonymous_devices: bool

    async def authenticate(self, *, session: Session) -> bool:
        if session.username is None:
            session.is_anonymous = True
            return bool(self.config.anonymous_devices) and self._owns(session, "")
        hashed = ADMISSION.hashes.get(session.username)
        if hashed is None or not is_password(session.password or "", hashed):
            return False
        if not self._owns(session, session.username):
            return False
        session.attributes[_HASH] = hashed
        return True

    @staticmethod
    def _owns(session: Session, user: str) -> bool:
        # A client that names another's id gets that session's object, queue and all.
        return bool(session.attributes.setdefault(_OWNER, user) == user)


class AccessList(BaseTopicPlugin):  # type: ignore[misc] # amqtt ships no types
    """Allows what the table of rights allows the session's owner."""

    @dataclass
    class Config:
        pass

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        if session is None or not topic:
            return False
        user = session.attributes.get(_OWNER, "")
        rights = ADMISSION.rights.get(user, Rights())
        allowed = rights.write if action == Action.PUBLISH else rights.read
        is_allowed = is_covered(topic, allowed)
        if not is_allowed:
            _log.warning("Denied %s from %s ('%s')", _word(action), user, topic)
        return is_allowed


def _word(action: Action | None) -> str:
    return "PUBLISH" if action == Action.PUBLISH else "SUBSCRIBE"


class PatientHandler(BrokerProtocolHandler):  # type: ignore[misc] # amqtt ships no types
    """Keeps each message of a session until it is acknowledged, a window of them on the way.

    amqtt's own handler sends without a window, gives a message up five seconds after sending it,
    and forgets what was on the way when the connection ends. `undelivered` is what the client
    published and the broker has not passed on yet.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._has_room = asyncio.Event()
        self._feeder: asyncio.Task[None] | None = None
        self._is_over = False
        self.undelivered: ApplicationMessage | None = None

    async def mqtt_deliver_next_message(self) -> ApplicationMessage | None:
        self.undelivered = await super().mqtt_deliver_next_message()
        return self.undelivered

    async def start(self) -> None:
        await self._take_over(self.session)
        await super().start()
        if self._is_over:
            # The connection ended while it began: amqtt has just begun to wait for that end.
            await self.handle_connection_closed()
        else:
            self._feeder = asyncio.create_task(self._feed(self.session))

    async def _take_over(self, session: Session) -> None:
        """Ends the connection that the session had, of which amqtt may have lost sight.

        It does when the old connection ends while the new one is let in: it then takes the
        session for away, and the next client does not replace this one but stands beside it.
        """
        before = session.attributes.get(_HANDLER)
        session.attributes[_HANDLER] = self
        if before is not None:
            await before.stop()
        if not session.transitions.is_connected():
            session.transitions.connect()

    async def stop(self) -> None:
        self._is_over = True
        if self._feeder is not None:
            self._feeder.cancel()
        await self._end_reader()
        # A client that vanished without a word never takes what is still to be written.
        with suppress(TimeoutError):
            await asyncio.wait_for(super().stop(), _FAREWELL_S)

    async def _end_reader(self) -> None:
        """Lets it read what has come, acknowledgements above all, then cancels until it works.

        Python 3.11 may lose a cancellation while bytes are waiting.
        """
        reader = self._reader_task
        if reader is None or reader is asyncio.current_task():
            return
        await asyncio.wait([reader], timeout=_FAREWELL_S)
        while not reader.done():
            reader.cancel()
            await asyncio.wait([reader], timeout=0.05)

    async def mqtt_publish(
        self,
        topic: str,
        data: bytes,
        qos: int | None,
        retain: bool,  # noqa: FBT001 - amqtt's signature
        ack_timeout: int | None = None,
    ) -> Any:
        if not qos:
            return await super().mqtt_publish(topic, data, qos, retain, ack_timeout)
        message = RetainedApplicationMessage(None, topic, data, qos)
        message.retain = retain
        self.session.retained_messages.put_nowait(message)
        return message

    async def handle_puback(self, puback: PubackPacket) -> None:
        self.session.inflight_out.pop(puback.packet_id, None)
        self._has_room.set()

    async def _retry_deliveries(self) -> None:
        """Nothing: the feeder sends again what was on the way."""

    async def _feed(self, session: Session) -> None:
        for sent in list(session.inflight_out.values()):
            await self._send_packet(sent.build_publish_packet(dup=True))
        while True:
            # Room first: a message taken from the queue may not be lost while we wait.
            while len(session.inflight_out) >= _WINDOW:
                self._has_room.clear()
                await self._has_room.wait()
            message = await session.retained_messages.get()
            packet_id = session.next_packet_id
            sent = OutgoingApplicationMessage(
                packet_id, message.topic, QOS_1, message.data, message.retain
            )
            session.inflight_out[packet_id] = sent
            await self._send_packet(sent.build_publish_packet())


class PatientBroker(Broker):  # type: ignore[misc] # amqtt ships no types
    """Hands a session's queue to its handler, and knows which connection is the session's own."""

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        topic, qos = subscription
        return int(await super().add_subscription((topic, min(qos, QOS_1)), session))

    async def _publish_session_retained_messages(self, session: Session) -> None:
        """Nothing: the handler feeds them, and the client is heard meanwhile."""

    async def _handle_message_delivery(self, session: Session, handler: Any, waiter: Any) -> bool:
        handler.undelivered = None
        return bool(await super()._handle_message_delivery(session, handler, waiter))

    async def _client_message_loop(self, session: Session, handler: Any) -> None:
        await super()._client_message_loop(session, handler)
        # The client left right after publishing; it has our acknowledgement already.
        arrived = session.delivered_message_queue
        left = [handler.undelivered] if handler.undelivered is not None else []
        left += [arrived.get_nowait() for _ in range(arrived.qsize())]
        for message in left:
            waiter = asyncio.get_running_loop().create_future()
            waiter.set_result(message)
            await super()._handle_message_delivery(session, handler, waiter)

    async def end_unadmitted(self) -> None:
        """Ends the connections of those whose password is gone or changed."""
        for session, handler in list(self._sessions.values()):
            if session.transitions.is_connected() and not ADMISSION.still_admits(session):
                await handler.writer.close()

    async def _check_will(self, session: Session) -> None:
        """Takes back last words that the device could not have spoken; amqtt asks nobody."""
        if session.will_flag and not await self._topic_filtering(
            session, topic=session.will_topic, action=Action.PUBLISH
        ):
            session.will_flag = False

    async def _handle_disconnect(self, session: Session, handler: Any, waiter: Any) -> None:
        await self._check_will(session)
        # amqtt would mark the session as away although its client has connected anew, and then
        # keep its messages until the next connection.
        if self._get_handler(session) is handler:
            await super()._handle_disconnect(session, handler, waiter)
        else:
            await self._stop_handler(handler)


def describe_broker(settings: dict[str, Any]) -> dict[str, Any]:
    """The configuration of amqtt from ours."""
    # By the name under which this module was loaded, else it and its table were there twice.
    return {
        "listeners": {"default": {"type": "tcp", "bind": settings["bind"]}},
        "plugins": {
            f"{__name__}.Accounts": {"anonymous_devices": settings["anonymous_devices"]},
            f"{__name__}.AccessList": {},
        },
    }


async def run_broker(settings: dict[str, Any]) -> None:
    """Runs until SIGTERM or SIGINT."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    # The one name by which amqtt makes a handler; it offers no other way to choose the class.
    amqtt.broker.BrokerProtocolHandler = PatientHandler
    ADMISSION.open(settings)
    broker = PatientBroker(describe_broker(settings))
    await broker.start()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        ADMISSION.read()
        task = loop.create_task(broker.end_unadmitted())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)
    await ending.wait()
    # All it has is in memory and lost anyway: there is nothing to put in order, and taking leave
    # of each client in turn could last longer than we may.
    os._exit(0)


class OneLine(logging.Formatter):
    """A message is one line: a name or topic with a line break in it cannot forge another."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        said = super().formatMessage(record)
        return "".join(each if each.isprintable() else "\ufffd" for each in said)


def main() -> None:
    """Entry of the child process."""
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(OneLine(logging.BASIC_FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[output])
    settings = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(run_broker(settings))


if __name__ == "__main__":
    main()
