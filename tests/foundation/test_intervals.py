"""Half-open intervals: what overlaps, what only touches, and what lies inside."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Invalid
from foundation.intervals import Interval

ZERO = datetime(2026, 3, 2, tzinfo=UTC)


def hour(number):
    return None if number is None else ZERO + timedelta(hours=number)


def interval(start, end):
    return Interval(hour(start), hour(end))


hours = st.integers(0, 12)
intervals = st.builds(
    lambda start, length: interval(start, None if length is None else start + length),
    hours,
    st.none() | st.integers(0, 6),
)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((2, 4), (5, 7), False),  # before, with a gap
        ((2, 4), (4, 6), False),  # ends where the other starts
        ((2, 4), (3, 6), True),  # overlaps the other's start
        ((2, 6), (2, 6), True),  # the same
        ((2, 6), (3, 5), True),  # holds the other
        ((2, 6), (2, 4), True),  # starts together, ends later
        ((2, 6), (4, 6), True),  # starts earlier, ends together
        ((2, 4), (2, 6), True),  # starts together, ends earlier
        ((2, None), (5, 7), True),  # goes on, the other starts later
        ((2, None), (0, 2), False),  # goes on from where the other ends
        ((2, None), (5, None), True),  # both go on
        ((3, 3), (2, 4), False),  # empty, inside the other
        ((3, 3), (3, None), False),  # empty, at the other's start
        ((3, 3), (3, 3), False),  # both empty, at one instant
    ],
)
def test_overlap(one, other, expected):
    assert interval(*one).overlaps(interval(*other)) is expected
    assert interval(*other).overlaps(interval(*one)) is expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (1, False),  # before it starts
        (2, True),  # its start is included
        (3, True),  # inside
        (4, False),  # its end is not included
        (5, False),  # after it ended
    ],
)
def test_contains(instant, expected):
    assert (hour(instant) in interval(2, 4)) is expected


def test_an_open_interval_never_ends():
    assert datetime(9999, 1, 1, tzinfo=UTC) in interval(2, None)


def test_a_period_cannot_end_before_it_starts():
    with pytest.raises(Invalid):
        interval(4, 2)


@given(intervals, intervals)
def test_intervals_overlap_exactly_when_an_instant_lies_in_both(one, other):
    # Whole hours are the only bounds here, so half hours meet every piece between them.
    halves = [ZERO + timedelta(minutes=30 * step) for step in range(60)]
    assert one.overlaps(other) == any(each in one and each in other for each in halves)


@given(intervals, intervals, hours)
def test_the_intersection_holds_exactly_the_common_instants(one, other, number):
    common, instant = one.intersection(other), hour(number)
    assert (common is not None and instant in common) == (instant in one and instant in other)


@given(intervals, intervals)
def test_the_intersection_does_not_depend_on_the_order(one, other):
    assert one.intersection(other) == other.intersection(one)
