"""What simulated devices say: readings packed into messages, and messages as a format writes them.

Nothing is sent here; that is the publisher's part.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from devices.readings import Reading
from devices.wire.native import encode_telemetry, telemetry_topic
from simulators.fleet import Chunk, Fleet, SimulatedAsset

# Below the 256 KiB that a message may have: a reading of this fleet takes some 400 bytes.
_READINGS_PER_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Message:
    """Readings of one device, due when the last of them is made or a network lets them through."""

    due_ms: int
    device: str
    readings: list[Reading]


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes to the broker."""

    topic: str
    payload: bytes
    qos: int = 1


def list_messages(
    fleet: Fleet, chunks: Iterable[Chunk], *, readings_per_message: int = _READINGS_PER_MESSAGE
) -> Iterator[Message]:
    """Readings of the chunks, so many of a device in one message, in the order they are due."""
    assets = {asset.device: asset for asset in fleet.assets}
    boot = f"{fleet.start_ms:x}"
    made = []
    for chunk in chunks:
        readings = list(_read(chunk, assets[chunk[0]], boot))
        for begin in range(0, len(readings), readings_per_message):
            part = readings[begin : begin + readings_per_message]
            made.append(Message(part[-1][0], chunk[0], [reading for _, reading in part]))
    yield from sorted(made, key=lambda message: message.due_ms)


def _read(chunk: Chunk, asset: SimulatedAsset, boot: str) -> Iterator[tuple[int, Reading]]:
    """The true time and a reading with that of the device's clock; silent sensors are left out."""
    device, times_ms, values = chunk
    names, interval_ms = list(values), asset.interval_s * 1000
    stamps = asset.clock.observe(times_ms).tolist()
    rows = zip(*(column.tolist() for column in values.values()), strict=True)
    for at_ms, stamp, row in zip(times_ms.tolist(), stamps, rows, strict=True):
        said = {name: value for name, value in zip(names, row, strict=True) if isfinite(value)}
        if said:
            # Intervals since 1970 rise by one a reading and need no memory.
            yield at_ms, Reading(device, stamp, said, boot, at_ms // interval_ms)


class Speaker(Protocol):
    """How a fleet speaks over one connection."""

    @property
    def commands(self) -> tuple[str, ...]:
        """Topics on which it listens."""
        ...

    def prepare(self, at_ms: int) -> Letter | None:
        """Called before each connecting: what the broker is to say when the connection breaks."""
        ...

    def greet(self, at_ms: int) -> list[Letter]:
        """What comes first on a new connection."""
        ...

    def say(self, message: Message) -> list[Letter]:
        """The message in this format."""
        ...

    def is_asked_to_greet(self, topic: str, payload: bytes) -> bool:
        """Whether what was heard asks for the greeting again."""
        ...

    def take_leave(self, at_ms: int) -> list[Letter]:
        """What comes last before the connection is closed."""
        ...


class NativeSpeaker:
    """Millwright's own JSON, which needs neither greeting nor will."""

    @property
    def commands(self) -> tuple[str, ...]:
        return ()

    def prepare(self, at_ms: int) -> None:
        del at_ms

    def greet(self, at_ms: int) -> list[Letter]:
        del at_ms
        return []

    def say(self, message: Message) -> list[Letter]:
        payload = encode_telemetry(message.readings)
        return [Letter(telemetry_topic(message.device), payload)]

    def is_asked_to_greet(self, topic: str, payload: bytes) -> bool:
        del topic, payload
        return False

    def take_leave(self, at_ms: int) -> list[Letter]:
        del at_ms
        return []
