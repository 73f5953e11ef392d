"""The small form of a planned visit: a day and two times, as the site's clock shows them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from foundation.errors import Invalid
from services.tickets.rules import Visit
from web.wording.translate import gettext as _


def read_visit(sent: Mapping[str, str], zone: ZoneInfo) -> Visit | None:
    """The visit that was sent; None when it is to be taken back.

    Raises:
        Invalid: when day or times cannot be read.
    """
    if sent.get("take_back"):
        return None
    try:
        day = date.fromisoformat(sent.get("day", ""))
        begins, ends = (
            datetime.combine(day, time.fromisoformat(sent.get(name, "")), zone).astimezone(UTC)
            for name in ("from", "to")
        )
    except (ValueError, OverflowError) as error:
        raise Invalid(_("Give the day of the visit and both times.")) from error
    return Visit(begins, ends)


def show_visit(visit: Visit | None, zone: ZoneInfo) -> dict[str, str]:
    """What stands in the form: the planned visit, or nothing."""
    if visit is None:
        return {"day": "", "from": "", "to": ""}
    begins, ends = visit.from_at.astimezone(zone), visit.to_at.astimezone(zone)
    return {
        "day": begins.date().isoformat(),
        "from": begins.strftime("%H:%M"),
        "to": ends.strftime("%H:%M"),
    }
