"""A planned visit in words: who comes when, in the site's own time."""

from datetime import datetime, tzinfo

from services.tickets.queries import TicketRow
from services.tickets.rules import TicketState, Visit
from web.wording.translate import format_window
from web.wording.translate import gettext as _


def window_of(visit: Visit, zone: tzinfo) -> str:
    """From when to when."""
    return format_window(visit.from_at.astimezone(zone), visit.to_at.astimezone(zone))


def is_missed(row: TicketRow, at: datetime) -> bool:
    """Whether the planned time passed without anybody having begun."""
    is_over = row.visit is not None and row.visit.to_at < at
    return is_over and row.state != TicketState.IN_PROGRESS


def arrival_sentence(row: TicketRow, zone: tzinfo, at: datetime) -> str:
    """Who comes when, or should have come; empty where no visit is planned."""
    if row.visit is None:
        return ""
    window = window_of(row.visit, zone)
    if is_missed(row, at):
        return _("A visit was planned for %(window)s and has not begun.", window=window)
    if row.assignee is None:
        return _("Somebody comes %(window)s.", window=window)
    return _("%(person)s comes %(window)s.", person=row.assignee, window=window)
