"""Cursors come back as the key they were made of; a damaged one is refused, never guessed at."""

import base64
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Invalid
from foundation.paging import decode_cursor, encode_cursor

key_parts = (
    st.none()
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
keys = st.lists(key_parts, min_size=1, max_size=4).map(tuple)


def made_of(value) -> str:
    """A cursor for any JSON, well-formed or not."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(keys)
def test_a_key_survives_the_round_trip(key):
    assert decode_cursor(encode_cursor(key), len(key)) == key


@given(keys)
def test_a_cursor_can_stand_in_an_address(key):
    assert set(encode_cursor(key)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


@given(keys, st.integers(1, 5))
def test_a_cursor_of_another_list_is_refused(key, length):
    if length != len(key):
        with pytest.raises(Invalid):
            decode_cursor(encode_cursor(key), length)


@given(keys, st.data())
def test_a_tampered_cursor_is_refused_or_still_a_plain_key(key, data):
    cursor = list(encode_cursor(key))
    place = data.draw(st.integers(0, len(cursor) - 1))
    cursor[place] = data.draw(st.characters(codec="utf-8"))
    assert_plain_or_refused("".join(cursor), len(key))


@given(st.text(max_size=60))
def test_any_text_is_refused_or_a_plain_key(text):
    assert_plain_or_refused(text, 1)


def assert_plain_or_refused(cursor: str, length: int) -> None:
    try:
        key = decode_cursor(cursor, length)
    except Invalid:
        return
    assert len(key) == length
    assert all(type(part) in (str, int, float, type(None)) for part in key)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"id": 1},
        "seven",
        7,
        None,
        [],
        [[7]],
        [{"id": 7}],
        [True],  # a truth value is no number
        [7, 8],
    ],
)
def test_wrong_shapes_are_refused(value):
    with pytest.raises(Invalid):
        decode_cursor(made_of(value), 1)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30, math.inf, -math.inf, math.nan])
def test_numbers_no_column_can_hold_are_refused(number):
    with pytest.raises(Invalid):
        decode_cursor(made_of([number]), 1)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_no_column_can_hold_is_refused(text):
    with pytest.raises(Invalid):
        decode_cursor(made_of([text]), 1)


def test_deep_nesting_is_refused():
    hostile = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(Invalid):
        decode_cursor(hostile, 1)
