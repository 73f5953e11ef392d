"""What a source says, once decoded: `Reading`s and `Rejection`s; plain values that no I/O made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

MAX_NAME_LENGTH = 100  # as long as a signal may be in a signal mapping

_DEVICE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class RejectionCode(StrEnum):
    """Why something a machine sent was not taken; each step of ingest has its own."""

    # decoding
    BAD_TOPIC = "bad_topic"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_VALUES = "missing_values"
    TOO_MANY_VALUES = "too_many_values"
    BAD_NAME = "bad_name"
    BAD_TIMESTAMP = "bad_timestamp"
    BAD_SEQUENCE = "bad_sequence"
    VALUE_NOT_A_NUMBER = "value_not_a_number"
    VALUE_NOT_FINITE = "value_not_finite"
    FURTHER_FAULTS = "further_faults"
    # resolving and checking
    UNKNOWN_DEVICE = "unknown_device"
    NOT_ASSIGNED = "not_assigned"
    UNKNOWN_METRIC = "unknown_metric"
    UNMAPPABLE_UNIT = "unmappable_unit"
    OUT_OF_RANGE = "out_of_range"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source measured at one time, in its own names and units.

    `values` holds finite numbers and is never empty. `is_stamped` is False when the source sent
    no time and `observed_at_ms` is our receive time. `boot` and `seq` let gaps be found.
    """

    source: str
    observed_at_ms: int
    values: Mapping[str, float]
    boot: str | None = None
    seq: int | None = None
    is_stamped: bool = True


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message, a reading or one value that was not taken.

    `signal` names the value; it is None when more than one value is meant. `detail` is one short
    printable line that quotes at most a name. `count` is above 1 where equal faults were summed.
    """

    source: str | None
    code: RejectionCode
    detail: str
    signal: str | None = None
    count: int = 1


def is_device_key(text: str) -> bool:
    """Whether `text` may stand for a device in a topic: 1 to 64 letters, digits, dots, _ or -."""
    return _DEVICE_KEY.fullmatch(text) is not None


@lru_cache(maxsize=8192)
def is_signal_name(text: str) -> bool:
    """Whether `text` may name a value: 1 to 100 printable characters, of any script.

    Control, invisible and direction-changing characters could forge log lines and tables.
    """
    return 0 < len(text) <= MAX_NAME_LENGTH and text.isprintable()


def quote(text: str) -> str:
    """`text` for a `detail`: short, in quotes, and escaped where it is not printable."""
    return repr(text[:MAX_NAME_LENGTH])[: MAX_NAME_LENGTH + 50]
