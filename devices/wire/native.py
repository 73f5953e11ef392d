"""Millwright's own JSON, version 1: how telemetry and confirmations are written and read.

Telemetry goes to ``mw/v1/{device}/telemetry``: one reading or a list of readings. A reading is an
object of

``values``   required; object of name → number. ``true`` and ``false`` count as 1 and 0, ``null``
             as absent.
``ts``       when it was measured, in milliseconds since 1970 UTC; without it our receive time.
``boot``     optional; text of 1 to 64 characters that changes whenever the device restarts.
``seq``      optional; whole number that rises by one with each reading of a ``boot``.
``confirm``  optional; ``true`` asks for an answer once the message is stored.

Other keys are ignored. A value, or a reading in a list, that is wrong is refused alone.

The answer comes on ``mw/v1/{device}/confirm``, one for each message that asks: ``boot``, ``seq``
and ``ts`` of the last reading of the message that asks (null where it had none), ``stored`` = how
many values were stored and ``rejected`` = how many faults were found. It is sent after the store's
commit; a device that gets none sends again, and repeats are absorbed where ``ts`` is given.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec

from devices.readings import Reading, Rejection, RejectionCode, is_device_key, quote
from devices.wire.contract import ConfirmationRequest, Decoded
from devices.wire.native_decoding import decode_payload
from foundation.errors import Invalid

MAX_PAYLOAD_BYTES = 256 * 1024

_TOPIC = re.compile(r"mw/v1/([^/]*)/telemetry")


def telemetry_topic(device: str) -> str:
    """Where the device publishes its readings."""
    return f"mw/v1/{_checked(device)}/telemetry"


def confirm_topic(device: str) -> str:
    """Where the device hears what was stored."""
    return f"mw/v1/{_checked(device)}/confirm"


def _checked(device: str) -> str:
    if not is_device_key(device):
        raise Invalid(f"{device!r} is no device key: use 1 to 64 of A-Z a-z 0-9 . _ -")
    return device


def encode_telemetry(readings: Sequence[Reading], *, confirm: bool = False) -> bytes:
    """The payload for these readings; with `confirm` the last one asks for a confirmation.

    One reading makes an object, several make a list.

    Raises:
        Invalid: when there is nothing to send or a value is not finite.
    """
    if not readings:
        raise Invalid("There is no reading to send.")
    items = [_item(reading) for reading in readings]
    if confirm:
        items[-1]["confirm"] = True
    return msgspec.json.encode(items[0] if len(items) == 1 else items)


def _item(reading: Reading) -> dict[str, Any]:
    if not reading.values or not all(map(isfinite, reading.values.values())):
        raise Invalid(f"A reading of {reading.source} has no values, or one that is not finite.")
    item: dict[str, Any] = {"values": dict(reading.values)}
    if reading.is_stamped:
        item["ts"] = reading.observed_at_ms
    if reading.boot is not None:
        item["boot"] = reading.boot
    if reading.seq is not None:
        item["seq"] = reading.seq
    return item


def encode_confirmation(request: ConfirmationRequest, *, stored: int, rejected: int) -> bytes:
    """The answer to a device that asked: numbers of stored values and of faults in its message."""
    answer = {"boot": request.boot, "seq": request.seq, "ts": request.ts_ms}
    return json.dumps({**answer, "stored": stored, "rejected": rejected}).encode()


@dataclass(frozen=True, slots=True)
class NativeFormat:
    """The wire format of this module."""

    name: str = "native-json-v1"
    topic_filter: str = "mw/v1/+/telemetry"
    max_payload_bytes: int = MAX_PAYLOAD_BYTES

    def matches(self, topic: str) -> bool:
        return topic.startswith("mw/v1/") and topic.endswith("/telemetry")

    def decode(self, topic: str, payload: bytes, received_at_ms: int) -> Decoded:
        device = _find_device(topic)
        if device is None:
            detail = f"The topic {quote(topic)} names no device."
            return Decoded(rejections=(Rejection(None, RejectionCode.BAD_TOPIC, detail),))
        if len(payload) > self.max_payload_bytes:
            detail = f"{len(payload)} bytes; at most {self.max_payload_bytes} are read."
            return Decoded(rejections=(Rejection(device, RejectionCode.TOO_LARGE, detail),))
        return decode_payload(device, payload, received_at_ms)


@lru_cache(maxsize=8192)
def _find_device(topic: str) -> str | None:
    found = _TOPIC.fullmatch(topic)
    return found[1] if found and is_device_key(found[1]) else None
