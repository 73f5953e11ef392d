"""Pure rules of telling: which entry of a ticket or event of an offer is told to which groups."""

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
    VISIT = "visit"
    SOLVED = "solved"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELLED = "cancelled"
    OFFER_TO_CHECK = "offer_to_check"
    OFFER_SENT = "offer_sent"
    OFFER_CHANGED = "offer_changed"
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_DECLINED = "offer_declined"
    OFFER_WITHDRAWN = "offer_withdrawn"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_DONE = "order_done"
    ORDER_CANCELLED = "order_cancelled"


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
    NoticeKind.VISIT: _ALL,
    NoticeKind.SOLVED: frozenset({Group.MANAGERS, Group.CUSTOMER}),
    NoticeKind.CLOSED: frozenset({Group.MANAGERS, Group.CUSTOMER}),
    NoticeKind.REOPENED: _ALL,
    NoticeKind.CANCELLED: _ALL,
    NoticeKind.OFFER_TO_CHECK: frozenset({Group.MANAGERS}),
    NoticeKind.OFFER_SENT: frozenset({Group.CUSTOMER}),
    NoticeKind.OFFER_CHANGED: frozenset({Group.CUSTOMER}),
    NoticeKind.OFFER_ACCEPTED: frozenset({Group.MANAGERS}),
    NoticeKind.OFFER_DECLINED: frozenset({Group.MANAGERS}),
    NoticeKind.OFFER_WITHDRAWN: frozenset({Group.MANAGERS, Group.CUSTOMER}),
    NoticeKind.ORDER_CONFIRMED: frozenset({Group.CUSTOMER}),
    NoticeKind.ORDER_DONE: frozenset({Group.CUSTOMER}),
    NoticeKind.ORDER_CANCELLED: frozenset({Group.CUSTOMER}),
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
    EntryKind.VISIT: NoticeKind.VISIT,
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


_OF_OFFER_ACT = {
    "found": NoticeKind.OFFER_TO_CHECK,
    "send": NoticeKind.OFFER_SENT,
    "edit": NoticeKind.OFFER_CHANGED,
    "accept": NoticeKind.OFFER_ACCEPTED,
    "decline": NoticeKind.OFFER_DECLINED,
    "withdraw": NoticeKind.OFFER_WITHDRAWN,
    "order_confirm": NoticeKind.ORDER_CONFIRMED,
    "order_complete": NoticeKind.ORDER_DONE,
    "order_cancel": NoticeKind.ORDER_CANCELLED,
}


def decide_offer_notice(act: str, *, is_for_customer: bool) -> Notice | None:
    """The notice of an offer's event; what the customer was never shown they do not hear of."""
    kind = _OF_OFFER_ACT.get(act)
    if kind is None:
        return None
    groups = GROUPS[kind] if is_for_customer else GROUPS[kind] - {Group.CUSTOMER}
    return Notice(kind, groups) if groups else None
