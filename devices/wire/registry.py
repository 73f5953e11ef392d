"""Which wire format reads a message, told by its topic."""

from collections.abc import Sequence
from dataclasses import dataclass

from devices.readings import Rejection, RejectionCode, quote
from devices.wire.contract import Decoded, WireFormat
from devices.wire.native import NativeFormat


@dataclass(frozen=True, slots=True)
class WireRegistry:
    """The wire formats in use; of those that match a topic the first one reads it."""

    formats: Sequence[WireFormat]

    @property
    def topic_filters(self) -> tuple[str, ...]:
        """What ingest subscribes to."""
        return tuple(each.topic_filter for each in self.formats)

    def find_format(self, topic: str) -> WireFormat | None:
        """The format that reads messages on `topic`."""
        return next((each for each in self.formats if each.matches(topic)), None)

    def decode(self, topic: str, payload: bytes, received_at_ms: int) -> Decoded:
        """The values of a message; on a topic of no format one Rejection."""
        wire_format = self.find_format(topic)
        if wire_format is None:
            detail = f"No wire format reads the topic {quote(topic)}."
            return Decoded(rejections=(Rejection(None, RejectionCode.BAD_TOPIC, detail),))
        return wire_format.decode(topic, payload, received_at_ms)


def build_registry(*, max_payload_bytes: int | None = None) -> WireRegistry:
    """Every wire format that Millwright reads."""
    native = NativeFormat()
    if max_payload_bytes is not None:
        native = NativeFormat(max_payload_bytes=max_payload_bytes)
    return WireRegistry((native,))
