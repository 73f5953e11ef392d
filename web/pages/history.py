"""The history of one machine as a line of time: alarms, tickets and their moves, owners, dealers.

Each source gives its newest before an instant; they are merged here. The page before is asked for
by the time of the last one shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import url_for

from devices.history import list_party_changes
from devices.ownership import PartyKind
from foundation.clock import from_ms, to_ms
from foundation.errors import Invalid
from foundation.paging import decode_cursor, encode_cursor
from services.tickets.history import list_ticket_events
from services.tickets.rules import EntryKind, Move
from telemetry.alarms.queries import list_raised_before
from web import words
from web.request_scope import get_session, now
from web.wording import labels
from web.wording.alarms import title_of
from web.wording.translate import gettext as _

SHOWN = 12
_LAST_MS = 253_402_300_799_000  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Happening:
    """One line: when, what, its sign and colour, by whom, and where more of it is."""

    at: datetime
    title: str
    icon: str
    kind: str = ""
    by: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Lines, newest first; `earlier` leads to those before."""

    lines: Sequence[Happening]
    earlier: str


def load_history(asset_id: int, context: words.Context, cursor: str | None) -> History:
    """The newest lines of a machine's history before a cursor.

    Raises:
        Invalid: when the cursor is damaged.
    """
    before = _read_before(cursor)
    found = [
        *_alarms(asset_id, before, context),
        *_tickets(asset_id, before),
        *_parties(asset_id, before),
    ]
    found.sort(key=lambda each: each.at, reverse=True)
    shown = found[:SHOWN]
    # What happened at one instant stays on one page.
    shown += [each for each in found[SHOWN:] if each.at == shown[-1].at]
    if len(shown) == len(found):
        return History(shown, "")
    after = encode_cursor((to_ms(shown[-1].at),))
    return History(shown, url_for("machines.history", asset_id=asset_id, cursor=after))


def _read_before(cursor: str | None) -> datetime:
    if not cursor:
        return now() + timedelta(microseconds=1)
    (at_ms,) = decode_cursor(cursor, 1, int)
    if not isinstance(at_ms, int) or not 0 < at_ms < _LAST_MS:
        raise Invalid("This page address is damaged; start from the first page.")
    return from_ms(at_ms)


def _alarms(asset_id: int, before: datetime, context: words.Context) -> Iterator[Happening]:
    for alarm in list_raised_before(get_session(), asset_id, before=before, limit=SHOWN + 1):
        title = title_of(alarm.condition, alarm.evidence, context)
        kind = "stopped" if alarm.severity == "critical" else "service"
        by = str(labels.SEVERITIES[alarm.severity])
        yield Happening(alarm.raised_at, _("Alarm: %(what)s", what=title), "alarm", kind, by)


def _tickets(asset_id: int, before: datetime) -> Iterator[Happening]:
    for each in list_ticket_events(get_session(), asset_id, before=before, limit=SHOWN + 1):
        title, icon = _name_event(each.kind, each.move)
        url = url_for("tickets.show", ticket_id=each.ticket_id)
        yield Happening(each.at, f"{each.number}: {title}", icon, "accent", each.by or "", url)


def _name_event(kind: EntryKind, move: str | None) -> tuple[str, str]:
    if kind == EntryKind.MOVED and move is not None:
        return str(labels.MOVES_DONE[Move(move)]), labels.MOVE_ICONS[Move(move)]
    if kind == EntryKind.REPORT:
        return _("Reported again"), "flag"
    return _("Ticket opened"), "ticket"


def _parties(asset_id: int, before: datetime) -> Iterator[Happening]:
    for each in list_party_changes(get_session(), asset_id, before=before, limit=SHOWN + 1):
        is_owner = each.kind == PartyKind.OWNER
        title = (
            _("%(name)s became its owner", name=each.organisation)
            if is_owner
            else _("%(name)s began to serve it", name=each.organisation)
        )
        yield Happening(each.at, title, "organisations" if is_owner else "visit")
