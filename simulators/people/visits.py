"""When simulated people go to machines: two hours of a morning or afternoon, told beforehand."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from simulators.browser import Page
from simulators.people.habits import Hours

# Everybody works until two hours after the last of these.
_FIRST_BEGIN, _LAST_BEGIN = 8.5, 13.5
_LASTS = timedelta(hours=2)
_GRID_S = 1800


def choose_begin(time_zone: str, now: datetime, hours: float) -> datetime:
    """The next half hour after so many hours in which visits begin."""
    due = Hours(time_zone, _FIRST_BEGIN, _LAST_BEGIN).add(now, hours)
    return due + timedelta(seconds=-due.timestamp() % _GRID_S)


def fill_in(page: Page, begins: datetime) -> Mapping[str, str]:
    """What a ticket's form wants to know of a visit, in the time of the machine's site."""
    local = begins.astimezone(ZoneInfo(page.get_mark("ticket-head", "zone")))
    day, times = local.date().isoformat(), (local, local + _LASTS)
    begin, end = (each.strftime("%H:%M") for each in times)
    return {"day": day, "from": begin, "to": end}


def find_begin(page: Page) -> datetime | None:
    """When the page says that somebody is expected."""
    told = page.get_mark("ticket-head", "visit")
    return datetime.fromisoformat(told) if told else None
