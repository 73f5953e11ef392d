"""Pure rules of telling: which entry of a ticket is worth a notice, and to which groups."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from services.tickets.rules import Audience, EntryKind, Move


class NoticeKind(StrEnum):
    """What a person is told."""

    OPENED = "opened"
    REPORTED = "reported"
    RAISED = "raised"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    SOLVED = "solved"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELLED = "cancelled"


class Group(StrEnum):
    """Whose people are told; the assignee is one person of the dealer."""

    MANAGERS = "managers"
    ASSIGNEE = "assignee"
    CUSTOMER = "customer"
    MANUFACTURER = "manufacturer"


_DEALER = frozenset({Group.MANAGERS, Group.ASSIGNEE})
_ALL = _DEALER | {Group.CUSTOMER}

GROUPS: dict[NoticeKind, frozenset[Group]] = {
    NoticeKind.OPENED: frozenset({Group.MANAGERS, Group.CUSTOMER}),
    NoticeKind.REPORTED: _DEALER,
    NoticeKind.RAISED: _DEALER,
    NoticeKind.ASSIGNED: frozenset({Group.ASSIGNEE, Group.CUSTOMER}),
    NoticeKind.COMMENTED: _ALL,
    NoticeKind.SOLVED: frozenset({Group.MANAGERS, Group.CUSTOMER}),
    NoticeKind.CLOSED: frozenset({Group.MANAGERS, Group.CUSTOMER}),
    NoticeKind.REOPENED: _ALL,
    NoticeKind.CANCELLED: _ALL,
}

_OF_MOVE = {
    Move.SOLVE: NoticeKind.SOLVED,
    Move.CLOSE: NoticeKind.CLOSED,
    Move.CANCEL: NoticeKind.CANCELLED,
    Move.REOPEN: NoticeKind.REOPENED,
}
_OF_KIND = {
    EntryKind.OPENED: NoticeKind.OPENED,
    EntryKind.REPORT: NoticeKind.REPORTED,
    EntryKind.COMMENT: NoticeKind.COMMENTED,
}


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What the rules must know of an entry."""

    kind: EntryKind
    audience: Audience
    move: str | None = None
    reason_codes: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told to whom."""

    kind: NoticeKind
    groups: frozenset[Group]


def decide_notice(entry: EntryFacts, *, has_dealer: bool) -> Notice | None:
    """The notice of an entry, or None when nobody needs to be told.

    Without a dealer the manufacturer's people hear of what nobody else would take up.
    """
    kind = _choose_kind(entry)
    if kind is None:
        return None
    groups = GROUPS[kind]
    if entry.audience == Audience.DEALER:
        groups &= _DEALER
    if not has_dealer and Group.MANAGERS in groups:
        groups |= {Group.MANUFACTURER}
    return Notice(kind, groups)


def _choose_kind(entry: EntryFacts) -> NoticeKind | None:
    if entry.move is not None:
        return _OF_MOVE.get(Move(entry.move))
    if entry.kind == EntryKind.ASSIGNED:
        return NoticeKind.ASSIGNED if "assigned" in entry.reason_codes else None
    if entry.kind == EntryKind.ALARM:
        return NoticeKind.RAISED if "priority_raised" in entry.reason_codes else None
    return _OF_KIND.get(entry.kind)
