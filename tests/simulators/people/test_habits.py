"""Office hours in people's own zones, and traits that a seed gives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.people.habits import Habits, Hours, draw

BERLIN = Hours("Europe/Berlin", 8.0, 17.0)
# A Monday; Berlin is an hour ahead of UTC.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001 - made aware
    lambda each: each.replace(tzinfo=UTC)
)
HOURS = st.builds(
    Hours,
    st.sampled_from(["Europe/Berlin", "Asia/Seoul", "America/New_York"]),
    st.floats(6.0, 9.0),
    st.floats(14.0, 18.0),
)


@pytest.mark.parametrize(
    ("hour", "days", "is_open"),
    [(6.9, 0, False), (7, 0, True), (15.9, 4, True), (16, 4, False), (10, 5, False)],
)
def test_somebody_works_in_their_hours_of_their_zone(hour, days, is_open):
    assert BERLIN.is_open(MONDAY + timedelta(days=days, hours=hour)) is is_open


def test_what_is_left_of_an_evening_is_done_the_next_working_morning():
    friday_afternoon = MONDAY + timedelta(days=4, hours=15)
    assert BERLIN.add(friday_afternoon, 3.0) == MONDAY + timedelta(days=7, hours=9)


def test_in_the_week_when_clocks_change_people_begin_at_their_wall_clock():
    friday = datetime(2026, 3, 27, 20, tzinfo=UTC)
    begins = BERLIN.next_open(friday)
    assert begins.astimezone(ZoneInfo("Europe/Berlin")).isoformat() == "2026-03-30T08:00:00+02:00"


@given(HOURS, INSTANTS, st.floats(0.0, 60.0))
def test_work_ends_later_the_more_it_is_and_always_in_the_hours(hours, at, amount):
    begins, ends = hours.next_open(at), hours.add(at, amount)
    assert at <= begins <= ends
    assert hours.is_open(begins)
    assert ends == begins or hours.is_open(ends - timedelta(milliseconds=1))
    assert ends < hours.add(at, amount + 1.0)


@given(st.lists(st.text()))
def test_a_draw_is_the_same_for_the_same_words(words):
    assert draw(*words) == draw(*words)
    assert 0.0 <= draw(*words) < 1.0


def test_people_differ_and_stay_as_they_are():
    ann, bob = Habits(1, "ann"), Habits(1, "bob")
    assert ann.speed != bob.speed
    assert Habits(1, "ann").takes(1, 5, "x") == ann.takes(1, 5, "x") != ann.takes(1, 5, "y")
    assert 0.7 <= ann.speed <= 1.5
    assert sum(ann.happens(0.25, n) for n in range(1000)) == pytest.approx(250, abs=50)
