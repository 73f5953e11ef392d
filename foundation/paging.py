"""Keyset paging: a page is asked for by the last row seen, so deep pages cost as the first.

A cursor is opaque to the browser; a broken one is refused, never guessed at.
"""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from foundation.errors import Invalid

Row = TypeVar("Row")
Key = tuple[str | int | float | None, ...]

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page; `next_cursor` is None on the last."""

    rows: Sequence[Row]
    next_cursor: str | None = None
    total: int | None = None


def encode_cursor(key: Key) -> str:
    """The cursor for a row's sort key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int, *kinds: type) -> Key:
    """The sort key in a cursor; `kinds` are its columns' types, where they must fit.

    Raises:
        Invalid: when it is not one of ours for a key of that length.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, RecursionError) as error:
        raise Invalid("This page address is damaged; start from the first page.") from error
    if not isinstance(key, list) or len(key) != length or not all(map(_can_be_stored, key)):
        raise Invalid("This page address is damaged; start from the first page.")
    if kinds and tuple(map(type, key)) != kinds:
        raise Invalid("This page address is damaged; start from the first page.")
    return tuple(key)


def _can_be_stored(part: object) -> bool:
    # Beyond this the databases fail instead of finding nothing, each in its own way.
    if type(part) is int:
        return -(2**63) <= part < 2**63
    if type(part) is float:
        return math.isfinite(part)
    if type(part) is str:
        return "\x00" not in part and _is_unicode(part)
    return part is None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)
