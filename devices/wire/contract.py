"""What every wire format offers: bytes in, values out; no format does I/O or keeps state."""

from dataclasses import dataclass
from typing import Protocol

from devices.readings import Reading, Rejection

# Beyond year 9999 an instant cannot be shown; whoever sends it does not mean milliseconds.
LAST_MS = 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """The sender wants to hear that the message with this mark is stored; times in epoch ms."""

    boot: str | None
    seq: int | None
    ts_ms: int | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a message held: good readings stand beside the faults found in the rest.

    A message gives at least one of the two, so that none disappears without a trace.
    """

    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    confirmation: ConfirmationRequest | None = None


class WireFormat(Protocol):
    """A way in which devices speak over MQTT."""

    @property
    def name(self) -> str:
        """Short name, as shown beside a source."""
        ...

    @property
    def topic_filter(self) -> str:
        """The MQTT filter that ingest subscribes to."""
        ...

    def matches(self, topic: str) -> bool:
        """Whether a message on `topic` is meant for this format, sound or not."""
        ...

    def decode(self, topic: str, payload: bytes, received_at_ms: int) -> Decoded:
        """The values of a message. Never raises: what is wrong is a Rejection.

        The source comes from the topic, which the broker's access list protects, and from
        nothing in the payload.
        """
        ...
