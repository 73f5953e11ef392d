"""JSON bytes to plain Python trees, or the reason why not; what they mean is not known here."""

import json
from typing import Any

import msgspec

from devices.readings import RejectionCode

_LONG_INTEGER = 30

_decoder = msgspec.json.Decoder()


class NotJson(Exception):
    """The bytes are no JSON text that we read; `code` says in which way."""

    def __init__(self, code: RejectionCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def parse_json(payload: bytes) -> Any:
    """The tree of a JSON text in UTF-8; of equal keys in an object the last one counts.

    NaN, Infinity and numbers beyond a double come back as floats that are not finite, so that
    the caller can refuse that one value and keep its neighbours.

    Raises:
        NotJson: when it is no JSON, or nested deeper than the interpreter goes.
    """
    try:
        try:
            return _decoder.decode(payload)
        except ValueError as error:
            return _parse_tolerantly(payload, error)
    except RecursionError as error:
        raise NotJson(RejectionCode.TOO_DEEP, "The JSON is nested too deeply.") from error


def _parse_tolerantly(payload: bytes, first: ValueError) -> Any:
    # msgspec gives up the whole text over one NaN or 1e999; many senders print NaN for a broken
    # sensor. The slower parser is asked only then.
    try:
        return json.loads(payload.decode("utf-8"), parse_int=_integer)
    except UnicodeDecodeError as error:
        raise NotJson(RejectionCode.MALFORMED_JSON, "The payload is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise NotJson(RejectionCode.MALFORMED_JSON, f"No JSON: {first}"[:200]) from error


def _integer(digits: str) -> int | float:
    # int() refuses thousands of digits with an error of its own; float() answers inf.
    return int(digits) if len(digits) <= _LONG_INTEGER else float(digits)
