"""Pure rules of a ticket: its states, who may make which move, and what a close-out must say.

Nothing here reads or writes; the moves themselves are in moves.py and close_out.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from foundation.identity.scope import Role
from foundation.reasons import Reason
from services.tickets.codes import FailureCause, FailureMode


class TicketState(StrEnum):
    """Where a ticket stands; the order is the way it goes."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    SOLVED = "solved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Origin(StrEnum):
    """Who noticed the problem first: the machine, or somebody who reported it."""

    MACHINE = "machine"
    CUSTOMER = "customer"


class Audience(StrEnum):
    """Who reads an entry: all parties, or only the dealer who wrote it."""

    EVERYONE = "everyone"
    DEALER = "dealer"


class EntryKind(StrEnum):
    """What an entry of the ticket's story tells."""

    OPENED = "opened"
    ALARM = "alarm"
    REPORT = "report"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    MOVED = "moved"
    COMMENT = "comment"
    VISIT = "visit"


class Move(StrEnum):
    """Something that takes a ticket from one state to another."""

    ACKNOWLEDGE = "acknowledge"
    START = "start"
    WAIT = "wait"
    SOLVE = "solve"
    CLOSE = "close"
    CANCEL = "cancel"
    REOPEN = "reopen"


FINAL_STATES = frozenset({TicketState.CLOSED, TicketState.CANCELLED})
OPEN_STATES = tuple(state for state in TicketState if state not in FINAL_STATES)
REOPEN_DAYS = 14
MAX_TEXT = 4000
_STAFF = frozenset({Role.DEALER_MANAGER, Role.TECHNICIAN})


@dataclass(frozen=True, slots=True)
class MoveRule:
    """From which states a move leads where; `roles` may make it, the platform if `by_platform`."""

    from_states: frozenset[TicketState]
    to_state: TicketState
    roles: frozenset[Role] = _STAFF
    by_platform: bool = False
    needs_note: bool = False


def _states(*states: TicketState) -> frozenset[TicketState]:
    return frozenset(states)


MOVES: dict[Move, MoveRule] = {
    Move.ACKNOWLEDGE: MoveRule(_states(TicketState.NEW), TicketState.ACKNOWLEDGED),
    Move.START: MoveRule(
        _states(TicketState.ACKNOWLEDGED, TicketState.WAITING), TicketState.IN_PROGRESS
    ),
    Move.WAIT: MoveRule(_states(TicketState.IN_PROGRESS), TicketState.WAITING, needs_note=True),
    Move.SOLVE: MoveRule(_states(TicketState.IN_PROGRESS), TicketState.SOLVED),
    Move.CLOSE: MoveRule(_states(TicketState.IN_PROGRESS, TicketState.SOLVED), TicketState.CLOSED),
    Move.CANCEL: MoveRule(
        _states(TicketState.NEW, TicketState.ACKNOWLEDGED),
        TicketState.CANCELLED,
        roles=frozenset({Role.DEALER_MANAGER}),
        needs_note=True,
    ),
    Move.REOPEN: MoveRule(
        _states(TicketState.SOLVED, TicketState.CLOSED),
        TicketState.IN_PROGRESS,
        roles=_STAFF | {Role.CUSTOMER},
        by_platform=True,
    ),
}


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What the rules must know of a ticket."""

    state: TicketState
    has_alarms: bool = False
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MoveDecision:
    """Whether a move may be made now; `reason` says why not."""

    move: Move
    to_state: TicketState
    reason: Reason | None = None
    needs_note: bool = False

    @property
    def is_allowed(self) -> bool:
        return self.reason is None


def decide_move(ticket: TicketFacts, move: Move, role: Role | None, at: datetime) -> MoveDecision:
    """Whether somebody in `role` (None: the platform itself) may make the move at `at`."""
    rule = MOVES[move]
    reason = _refuse_role(rule, move, role) or _refuse_state(rule, move, ticket, at)
    return MoveDecision(move, rule.to_state, reason, rule.needs_note)


def decide_moves(ticket: TicketFacts, role: Role | None, at: datetime) -> tuple[MoveDecision, ...]:
    """Every move with whether it may be made now."""
    return tuple(decide_move(ticket, move, role, at) for move in Move)


def _refuse_role(rule: MoveRule, move: Move, role: Role | None) -> Reason | None:
    if role in rule.roles or (role is None and rule.by_platform):
        return None
    return Reason("role_may_not", {"move": move, "role": role or "platform"})


def _refuse_state(rule: MoveRule, move: Move, ticket: TicketFacts, at: datetime) -> Reason | None:
    if ticket.state not in rule.from_states:
        return Reason("wrong_state", {"move": move, "state": ticket.state})
    if move == Move.CANCEL and ticket.has_alarms:
        return Reason("alarms_need_verdicts")
    if ticket.closed_at is not None and at > ticket.closed_at + timedelta(days=REOPEN_DAYS):
        return Reason("reopen_too_late", {"days": REOPEN_DAYS})
    return None


def is_path(before: TicketState, after: TicketState, role: Role) -> bool:
    """Whether some move that the role may make leads from one state to the other."""
    return any(
        before in rule.from_states and rule.to_state == after and role in rule.roles
        for rule in MOVES.values()
    )


# A visit is planned once somebody accepted the ticket; with these moves it was made, or is void.
VISIT_STATES = frozenset({TicketState.ACKNOWLEDGED, TicketState.IN_PROGRESS, TicketState.WAITING})
ENDS_VISIT = frozenset({Move.WAIT, Move.SOLVE, Move.CLOSE, Move.CANCEL})
MAX_VISIT_HOURS = 24
MAX_VISIT_DAYS_AHEAD = 366


@dataclass(frozen=True, slots=True)
class Visit:
    """When somebody is to come to the machine: not before the one time, nor after the other."""

    from_at: datetime
    to_at: datetime


def refuse_visit(
    state: TicketState, before: Visit | None, after: Visit | None, at: datetime
) -> Reason | None:
    """Why a ticket's visit may not be changed so at `at`; `after` None takes it back."""
    if state not in VISIT_STATES:
        return Reason("wrong_state", {"move": "visit", "state": state})
    if after is None:
        return None if before else Reason("no_visit")
    return _refuse_window(after, at)


def _refuse_window(after: Visit, at: datetime) -> Reason | None:
    if after.to_at <= after.from_at:
        return Reason("visit_backwards")
    if after.to_at <= at:
        return Reason("visit_past")
    if after.to_at - after.from_at > timedelta(hours=MAX_VISIT_HOURS):
        return Reason("visit_too_long", {"hours": MAX_VISIT_HOURS})
    if after.from_at - at > timedelta(days=MAX_VISIT_DAYS_AHEAD):
        return Reason("visit_too_far", {"days": MAX_VISIT_DAYS_AHEAD})
    return None


@dataclass(frozen=True, slots=True)
class CloseOut:
    """What a technician says at the end; verdicts by alarm id (right, false, unclear)."""

    failure_mode: str | None
    failure_cause: str | None
    verdicts: Mapping[int, str]
    note: str = ""


_VERDICTS = ("right", "false", "unclear")


def check_close_out(
    close_out: CloseOut, *, open_alarms: frozenset[int], closed_alarms: frozenset[int]
) -> tuple[Reason, ...]:
    """What is missing or contradictory; empty when the ticket may be closed with it."""
    return (
        *_check_codes(close_out),
        *_check_verdicts(close_out, open_alarms, open_alarms | closed_alarms),
        *([Reason("note_too_long", {"max": MAX_TEXT})] if len(close_out.note) > MAX_TEXT else []),
    )


def _check_codes(close_out: CloseOut) -> list[Reason]:
    faults = []
    if close_out.failure_mode not in list(FailureMode):
        faults.append(Reason("failure_mode_missing"))
    if close_out.failure_cause not in list(FailureCause):
        faults.append(Reason("failure_cause_missing"))
    says_nothing = close_out.failure_mode == FailureMode.NFF
    if not faults and says_nothing != (close_out.failure_cause == FailureCause.NO_FAULT_FOUND):
        faults.append(Reason("no_fault_needs_both_codes"))
    if not faults and says_nothing and "right" in close_out.verdicts.values():
        faults.append(Reason("right_alarm_needs_fault"))
    return faults


def _check_verdicts(
    close_out: CloseOut, needed: frozenset[int], known: frozenset[int]
) -> list[Reason]:
    given = close_out.verdicts
    missing = [Reason("verdict_missing", {"alarm": each}) for each in sorted(needed - set(given))]
    unknown = [
        Reason("verdict_unknown", {"alarm": alarm})
        for alarm, verdict in sorted(given.items())
        if alarm not in known or verdict not in _VERDICTS
    ]
    return missing + unknown


PRIORITIES = (1, 2, 3, 4)
# Elapsed hours to the first answer and to the end of the fault. One table for all until service
# contracts bring their own hours and calendars.
_ALLOWED_HOURS = {1: (1, 8), 2: (4, 24), 3: (24, 72), 4: (72, 240)}


@dataclass(frozen=True, slots=True)
class Due:
    """Until when somebody should have answered, and until when the machine should be well."""

    response_due_at: datetime
    due_at: datetime


def decide_due(priority: int, at: datetime) -> Due:
    """The due times of a ticket that has its priority since `at`."""
    response, end = _ALLOWED_HOURS[priority]
    return Due(at + timedelta(hours=response), at + timedelta(hours=end))


_FIRST_NUMBER = 1000
_NUMBER = re.compile(r"[Tt]-?([0-9]{1,15})")


def ticket_number(ticket_id: int) -> str:
    """The number that people say, such as T-1042."""
    return f"T-{_FIRST_NUMBER + ticket_id}"


def parse_number(text: str) -> int | None:
    """The id behind a ticket number, or None when the text is none."""
    match = _NUMBER.fullmatch(text.strip())
    number = int(match[1]) - _FIRST_NUMBER if match else 0
    return number if number > 0 else None
