"""When simulated people visit: at hours when every one of them works, told in the site's time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from simulators.browser import Page
from simulators.people.visits import choose_begin, fill_in, find_begin

INSTANTS = st.integers(0, 330 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
ZONES = st.sampled_from(["Europe/Berlin", "Asia/Seoul", "America/New_York"])
SITES = st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/Los_Angeles"])


@given(ZONES, INSTANTS, st.floats(0.0, 20.0))
def test_a_visit_begins_at_a_half_hour_of_a_working_day(zone, now, hours):
    begins = choose_begin(zone, now, hours)
    local = begins.astimezone(ZoneInfo(zone))
    assert begins >= now
    assert local.weekday() < 5
    assert 8.5 <= local.hour + local.minute / 60 <= 14.0
    assert (local.minute % 30, local.second, local.microsecond) == (0, 0, 0)


@given(SITES, INSTANTS)
def test_it_is_told_as_the_clock_on_site_shows_it(zone, now):
    begins = choose_begin("Europe/Berlin", now, 1.0)
    mark = f'<div id="ticket-head" data-zone="{zone}" data-visit="{begins.isoformat()}"></div>'
    page = Page("/tickets/1", 200, mark)
    told = fill_in(page, begins)
    ends = (begins + timedelta(hours=2)).astimezone(ZoneInfo(zone))
    assert (told["to"], find_begin(page)) == (ends.strftime("%H:%M"), begins)


def test_where_no_visit_is_planned_nobody_is_expected():
    assert (
        find_begin(Page("/tickets/1", 200, '<div id="ticket-head" data-visit=""></div>')) is None
    )
