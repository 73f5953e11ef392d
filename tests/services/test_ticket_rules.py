"""The rules of a ticket, tried on random sequences and values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.access import Act, may
from foundation.identity.scope import Role, Scope
from services.tickets.codes import (
    FAILURE_CAUSE_LABELS,
    FAILURE_MODE_LABELS,
    FailureCause,
    FailureMode,
)
from services.tickets.refusals import say
from services.tickets.rules import (
    FINAL_STATES,
    MOVES,
    OPEN_STATES,
    PRIORITIES,
    REOPEN_DAYS,
    CloseOut,
    Move,
    TicketFacts,
    TicketState,
    check_close_out,
    decide_due,
    decide_move,
    decide_moves,
    is_path,
    parse_number,
    ticket_number,
)
from telemetry.verdicts import VerdictKind

AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ROLES = st.sampled_from([*Role, None])
STEPS = st.lists(st.tuples(st.sampled_from(Move), ROLES), max_size=40)


def walk(steps, *, has_alarms):
    """The states a ticket goes through when whoever may move it does."""
    path = [TicketState.NEW]
    for move, role in steps:
        closed_at = AT if path[-1] in FINAL_STATES else None
        facts = TicketFacts(path[-1], has_alarms, closed_at)
        decision = decide_move(facts, move, role, AT)
        if decision.is_allowed:
            path.append(decision.to_state)
    return path


@given(STEPS, st.booleans())
def test_no_path_to_closed_skips_a_step(steps, has_alarms):
    path = walk(steps, has_alarms=has_alarms)
    if TicketState.CLOSED in path:
        before = path[: path.index(TicketState.CLOSED)]
        assert before[:3] == [
            TicketState.NEW,
            TicketState.ACKNOWLEDGED,
            TicketState.IN_PROGRESS,
        ]
        assert before[-1] in (TicketState.IN_PROGRESS, TicketState.SOLVED)


@given(STEPS, st.booleans())
def test_cancelled_is_the_end_and_never_for_a_ticket_with_alarms(steps, has_alarms):
    path = walk(steps, has_alarms=has_alarms)
    if TicketState.CANCELLED in path:
        assert not has_alarms
        assert path.index(TicketState.CANCELLED) == len(path) - 1


@given(STEPS)
def test_new_is_left_once_and_never_entered_again(steps):
    assert walk(steps, has_alarms=True).count(TicketState.NEW) == 1


@given(st.sampled_from(TicketState), ROLES, st.booleans())
def test_every_move_is_decided_with_a_reason_where_it_is_refused(state, role, has_alarms):
    closed_at = AT if state in FINAL_STATES else None
    decisions = decide_moves(TicketFacts(state, has_alarms, closed_at), role, AT)
    assert [decision.move for decision in decisions] == list(Move)
    for decision in decisions:
        assert decision.is_allowed == (decision.reason is None)
        assert decision.is_allowed or say(decision.reason)


@given(st.sampled_from(Role), st.sampled_from(Move), st.sampled_from(TicketState))
def test_only_who_works_on_tickets_moves_them_but_for_reopening(role, move, state):
    facts = TicketFacts(state, closed_at=AT if state in FINAL_STATES else None)
    if decide_move(facts, move, role, AT).is_allowed:
        is_staff = may(Scope.of_person(1, 1, role), Act.WORK_TICKETS)
        assert is_staff or (role == Role.CUSTOMER and move == Move.REOPEN)


@given(st.sampled_from(TicketState), st.sampled_from(TicketState), st.sampled_from(Role))
def test_is_path_agrees_with_the_moves(before, after, role):
    facts = TicketFacts(before, closed_at=AT if before in FINAL_STATES else None)
    leads = any(d.is_allowed and d.to_state == after for d in decide_moves(facts, role, AT))
    assert is_path(before, after, role) == leads


@pytest.mark.parametrize(("late", "is_allowed"), [(0, True), (1, False)])
def test_a_closed_ticket_reopens_until_the_last_day_is_over(late, is_allowed):
    facts = TicketFacts(TicketState.CLOSED, closed_at=AT)
    at = AT + timedelta(days=REOPEN_DAYS, microseconds=late)
    assert decide_move(facts, Move.REOPEN, Role.CUSTOMER, at).is_allowed == is_allowed


def test_the_platform_only_reopens():
    allowed = [move for move, rule in MOVES.items() if rule.by_platform]
    assert allowed == [Move.REOPEN]


def test_states_are_open_or_final():
    assert set(OPEN_STATES) | FINAL_STATES == set(TicketState)
    assert not set(OPEN_STATES) & FINAL_STATES


IDS = st.frozensets(st.integers(1, 6), max_size=4)
CLOSE_OUTS = st.builds(
    CloseOut,
    failure_mode=st.sampled_from([*FailureMode, None, "", "XXX"]),
    failure_cause=st.sampled_from([*FailureCause, None, "bad luck"]),
    verdicts=st.dictionaries(
        st.integers(1, 7), st.sampled_from([*VerdictKind, "perhaps"]), max_size=5
    ),
    note=st.sampled_from(["", "Replaced the bearing.", "x" * 4001]),
)


@given(CLOSE_OUTS, IDS, IDS)
def test_a_close_out_passes_only_when_it_is_whole(said, open_alarms, closed_alarms):
    faults = check_close_out(said, open_alarms=open_alarms, closed_alarms=closed_alarms)
    has_codes = said.failure_mode in set(FailureMode) and said.failure_cause in set(FailureCause)
    is_nothing = said.failure_mode == "NFF"
    expected = (
        has_codes
        and is_nothing == (said.failure_cause == "no_fault_found")
        and not (is_nothing and "right" in said.verdicts.values())
        and open_alarms <= set(said.verdicts) <= open_alarms | closed_alarms
        and set(said.verdicts.values()) <= {"right", "false", "unclear"}
        and len(said.note) <= 4000
    )
    assert (not faults) == expected
    assert all(say(fault) for fault in faults)


def test_every_code_has_a_label():
    assert set(FAILURE_MODE_LABELS) == set(FailureMode)
    assert set(FAILURE_CAUSE_LABELS) == set(FailureCause)


@given(st.integers(1, 10**12))
def test_a_number_leads_back_to_its_ticket(ticket_id):
    assert parse_number(ticket_number(ticket_id)) == ticket_id
    assert parse_number(f" t{1000 + ticket_id} ") == ticket_id


@given(st.one_of(st.text(max_size=30), st.sampled_from(["T-1000", "T-0", "T-", "1042", "T--5"])))
def test_other_text_is_no_number(text):
    found = parse_number(text)
    assert found is None or ticket_number(found)[2:] == text.strip()[1:].lstrip("-").lstrip("0")


@given(st.sampled_from(PRIORITIES), st.sampled_from(PRIORITIES))
def test_the_more_urgent_is_due_earlier(one, other):
    if one < other:
        early, late = decide_due(one, AT), decide_due(other, AT)
        assert early.response_due_at < late.response_due_at
        assert early.due_at < late.due_at
    assert AT < decide_due(one, AT).response_due_at < decide_due(one, AT).due_at
