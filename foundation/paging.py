"""Keyset paging: a page is asked for by the last row seen, so deep pages cost as the first.

A cursor is opaque to the browser; a broken one is refused, never guessed at.
"""

import base64
import json
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


def decode_cursor(cursor: str, length: int) -> Key:
    """The sort key in a cursor.

    Raises:
        Invalid: when it is not one of ours for a key of that length.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, RecursionError) as error:
        raise Invalid("This page address is damaged; start from the first page.") from error
    plain = (str, int, float, type(None))
    if not isinstance(key, list) or len(key) != length or not all(type(k) in plain for k in key):
        raise Invalid("This page address is damaged; start from the first page.")
    return tuple(key)
