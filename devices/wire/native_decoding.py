"""How one message of native JSON becomes readings and rejections; see `devices.wire.native`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devices.readings import (
    MAX_NAME_LENGTH,
    Reading,
    Rejection,
    RejectionCode,
    is_signal_name,
    quote,
)
from devices.wire.contract import LAST_MS, ConfirmationRequest, Decoded
from devices.wire.json_trees import NotJson, parse_json

MAX_READINGS = 10_000  # per message
MAX_VALUES = 1000  # per reading
MAX_REJECTIONS = 100  # per message; what follows is counted in one more
MAX_BOOT_LENGTH = 64
MAX_SEQ = 2**63 - 1

_LARGEST = sys.float_info.max
_NUMBER = (int, float)

_Fault = tuple[RejectionCode, str, str | None]  # code, detail, signal


@dataclass(slots=True)
class _Message:
    """A message being read: where the findings gather; equal faults are counted, not repeated."""

    source: str
    received_at_ms: int
    readings: list[Reading] = field(default_factory=list)
    faults: dict[_Fault, int] = field(default_factory=dict)
    n_further: int = 0
    confirmation: ConfirmationRequest | None = None

    def refuse(self, code: RejectionCode, detail: str, signal: str | None = None) -> None:
        if len(self.faults) >= MAX_REJECTIONS:
            self.n_further += 1
            return
        fault = (code, detail, signal)
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def as_decoded(self) -> Decoded:
        if not self.faults:
            return Decoded(tuple(self.readings), (), self.confirmation)
        rejections = tuple(
            Rejection(self.source, *fault, count=count) for fault, count in self.faults.items()
        )
        if self.n_further:
            detail = f"{self.n_further} further faults in the same message."
            code = RejectionCode.FURTHER_FAULTS
            rejections += (Rejection(self.source, code, detail, count=self.n_further),)
        return Decoded(tuple(self.readings), rejections, self.confirmation)


def decode_payload(source: str, payload: bytes, received_at_ms: int) -> Decoded:
    """The readings and faults of one message of `source`; never raises."""
    try:
        tree = parse_json(payload)
    except NotJson as fault:
        return Decoded(rejections=(Rejection(source, fault.code, str(fault)),))
    message = _Message(source, received_at_ms)
    items = tree if isinstance(tree, list) else [tree]
    if len(items) > MAX_READINGS:
        detail = f"{len(items)} readings; a message has at most {MAX_READINGS}."
        message.refuse(RejectionCode.TOO_LARGE, detail)
    elif not items:
        message.refuse(RejectionCode.MISSING_VALUES, "The list of readings is empty.")
    else:
        _read_items(message, items)
    return message.as_decoded()


def _read_items(message: _Message, items: list[Any]) -> None:
    for item in items:
        if isinstance(item, dict):
            _read_item(message, item)
        else:
            detail = f"A reading is an object, not {_kind(item)}."
            message.refuse(RejectionCode.NOT_AN_OBJECT, detail)


def _read_item(message: _Message, item: dict[str, Any]) -> None:
    boot, seq = _read_boot(message, item.get("boot")), _read_seq(message, item.get("seq"))
    ts = item.get("ts")
    observed_at_ms = message.received_at_ms if ts is None else _as_ms(ts)
    if item.get("confirm") is True:
        message.confirmation = ConfirmationRequest(boot, seq, observed_at_ms)
    if observed_at_ms is None:
        detail = "ts is no number of milliseconds between 1970 and 9999."
        message.refuse(RejectionCode.BAD_TIMESTAMP, detail)
        return
    values = _read_values(message, item.get("values"))
    if values:
        reading = Reading(message.source, observed_at_ms, values, boot, seq, ts is not None)
        message.readings.append(reading)


def _as_ms(ts: Any) -> int | None:
    is_number = isinstance(ts, _NUMBER) and not isinstance(ts, bool)
    return int(ts) if is_number and 0 <= ts <= LAST_MS else None


def _read_boot(message: _Message, boot: Any) -> str | None:
    if boot is None:
        return None
    if isinstance(boot, str) and 0 < len(boot) <= MAX_BOOT_LENGTH and boot.isprintable():
        return boot
    detail = f"boot is no printable text of 1 to {MAX_BOOT_LENGTH} characters; it is left out."
    message.refuse(RejectionCode.BAD_SEQUENCE, detail, "boot")
    return None


def _read_seq(message: _Message, seq: Any) -> int | None:
    if seq is None:
        return None
    if isinstance(seq, int) and not isinstance(seq, bool) and 0 <= seq <= MAX_SEQ:
        return seq
    detail = "seq is no whole number from 0 on; it is left out."
    message.refuse(RejectionCode.BAD_SEQUENCE, detail, "seq")
    return None


def _read_values(message: _Message, values: Any) -> Mapping[str, float]:
    present = _find_present(values)
    if not present:
        detail = "A reading needs an object `values` with at least one number."
        message.refuse(RejectionCode.MISSING_VALUES, detail)
    if len(present) > MAX_VALUES:
        detail = f"{len(present)} values; a reading has at most {MAX_VALUES}."
        message.refuse(RejectionCode.TOO_MANY_VALUES, detail)
        return {}
    kept = {}
    for name, value in present.items():
        # What nearly every value is, in one look.
        if type(value) is float and -_LARGEST <= value <= _LARGEST and is_signal_name(name):
            kept[name] = value
            continue
        code = _find_fault(name, value)
        if code is None:
            kept[name] = float(value)
        else:
            _refuse_value(message, code, name, value)
    return kept


def _find_present(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        return {}
    if None not in values.values():
        return values
    return {name: value for name, value in values.items() if value is not None}


def _find_fault(name: str, value: Any) -> RejectionCode | None:
    if not is_signal_name(name):
        return RejectionCode.BAD_NAME
    if not isinstance(value, _NUMBER):
        return RejectionCode.VALUE_NOT_A_NUMBER
    # Holds for whole numbers of any size, which float() would refuse, and not for NaN.
    is_finite = -_LARGEST <= value <= _LARGEST
    return None if is_finite else RejectionCode.VALUE_NOT_FINITE


def _refuse_value(message: _Message, code: RejectionCode, name: str, value: Any) -> None:
    if code is RejectionCode.BAD_NAME:
        detail = f"{quote(name)} is no name of 1 to {MAX_NAME_LENGTH} printable characters."
        message.refuse(code, detail)
    elif code is RejectionCode.VALUE_NOT_A_NUMBER:
        message.refuse(code, f"{quote(name)} is {_kind(value)}, not a number.", name)
    else:
        message.refuse(code, f"{quote(name)} is not finite, or beyond a double.", name)


_KINDS = {
    str: "text",
    dict: "an object",
    list: "a list",
    type(None): "null",
    bool: "a truth value",
}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a number")
