"""Pure rules: the life of an offer under any sequence of moves, the policy, the books."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.identity.scope import Role
from foundation.money import Money
from services.offers.policy_rules import (
    PolicyFacts,
    PolicyLimits,
    Rank,
    decide_policy,
    decide_sending,
    is_held_out,
    quarter_start,
    sort_ranks,
)
from services.offers.rules import (
    FINAL_STATES,
    MOVES,
    OF_VERSION,
    OPEN_STATES,
    OfferFacts,
    OfferMove,
    OfferState,
    Terms,
    Wish,
    check_wording,
    decide_move,
    is_path,
    list_moves,
)
from services.orders.rules import (
    ORDER_MOVES,
    OrderMove,
    OrderState,
    balances,
    decide_order_move,
    is_order_path,
    post_move,
    post_opening,
)

AT = datetime(2026, 3, 2, 6, tzinfo=UTC)
ROLES = (*Role, None)


def facts(state, version=1, valid_days=10):
    return OfferFacts(state, version, AT + timedelta(days=valid_days))


def wish(move, version=1):
    reasons = MOVES[move].reasons
    return Wish(move, version, next(iter(reasons)).value if reasons else None)


@given(st.lists(st.tuples(st.sampled_from(list(OfferMove)), st.sampled_from(ROLES))))
def test_no_sequence_of_moves_leaves_the_map(moves):
    state, version = OfferState.PROPOSED, 1
    for move, role in moves:
        to_state, refused = decide_move(facts(state, version), wish(move, version), role, AT)
        if refused is not None:
            continue
        assert state in OPEN_STATES
        assert role is None or is_path(state, to_state, role)
        version += move == OfferMove.EDIT
        state = to_state
    assert state in set(OfferState) - {OfferState.HELD_OUT}


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
@pytest.mark.parametrize("role", ROLES)
def test_what_ended_moves_no_more(state, role):
    assert list_moves(facts(state), role, AT) == ()


@given(st.sampled_from(sorted(OF_VERSION)), st.integers(-3, 5).filter(lambda each: each != 1))
def test_an_answer_to_another_version_is_refused(move, version):
    (role,) = MOVES[move].roles
    state = next(iter(MOVES[move].leads))
    _, refused = decide_move(facts(state), wish(move, version), role, AT)
    assert refused is not None
    assert refused.code == "offer_changed"


def test_a_customer_makes_no_move_before_it_was_sent():
    assert list_moves(facts(OfferState.PROPOSED), Role.CUSTOMER, AT) == ()


def test_technician_and_manufacturer_make_no_move_at_all():
    for role in (Role.TECHNICIAN, Role.MANUFACTURER):
        assert all(list_moves(facts(state), role, AT) == () for state in OfferState)


def test_nothing_is_accepted_after_its_time_and_nothing_expires_before():
    late, early = facts(OfferState.SEEN, valid_days=0), facts(OfferState.SEEN)
    assert decide_move(late, wish(OfferMove.ACCEPT), Role.CUSTOMER, AT)[1].code == "offer_over"
    assert decide_move(late, wish(OfferMove.EXPIRE), None, AT) == (OfferState.EXPIRED, None)
    assert decide_move(early, wish(OfferMove.EXPIRE), None, AT)[1].code == "offer_still_valid"


TERMS = Terms(Money(3_500_00, "EUR"), Money(4_000_00, "EUR"), Money(6_000_00, "EUR"))


@given(st.integers(1, 10_000_00))
def test_a_price_stands_exactly_within_its_bounds(minor):
    faults = check_wording("Drive", "", Money(minor, "EUR"), TERMS)
    assert (faults == ()) == (4_000_00 <= minor <= 6_000_00)


@pytest.mark.parametrize(
    ("title", "text", "currency", "field"),
    [
        (" ", "", "EUR", "title"),
        ("x" * 201, "", "EUR", "title"),
        ("Drive", "x" * 4001, "EUR", "description"),
        ("Drive", "", "USD", "price"),
    ],
)
def test_words_that_break_a_rule_are_named(title, text, currency, field):
    (fault,) = check_wording(title, text, Money(5_000_00, currency), TERMS)
    assert fault[0] == field


LIMITS = PolicyLimits(max_per_quarter=2, quiet_days=90, control_percent=10)
FREE = PolicyFacts(has_consent=True, has_dealer=True)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"has_consent": False}, "offer_no_consent"),
        ({"has_dealer": False}, "offer_no_dealer"),
        ({"has_open_alarm": True}, "offer_alarm_open"),
        ({"has_open_ticket": True}, "offer_ticket_open"),
        ({"has_open_offer": True}, "offer_open_already"),
        ({"in_quarter": 2}, "offer_quarter_full"),
        ({"last_ended_at": AT - timedelta(days=89)}, "offer_too_soon"),
    ],
)
def test_each_ground_alone_keeps_an_offer_back(changed, code):
    known = {"has_consent": True, "has_dealer": True} | changed
    assert [each.code for each in decide_policy(PolicyFacts(**known), LIMITS, AT)] == [code]


def test_without_a_ground_it_is_made_and_sent():
    rested = replace(FREE, last_ended_at=AT - timedelta(days=90), in_quarter=1)
    assert decide_policy(rested, LIMITS, AT) == ()
    assert decide_sending(FREE) == ()


@given(st.integers(0, 50))
def test_the_control_group_is_as_large_as_asked_and_grows_by_adding_alone(percent):
    held = {each for each in range(2_000) if is_held_out("drive", each, percent)}
    assert held <= {each for each in range(2_000) if is_held_out("drive", each, 50)}
    assert abs(len(held) / 2_000 - percent / 100) < 0.05


def test_rules_hold_out_different_machines():
    groups = [{each for each in range(500) if is_held_out(key, each, 30)} for key in "ab"]
    assert groups[0] != groups[1]


@pytest.mark.parametrize(("month", "first"), [(1, 1), (3, 1), (4, 4), (9, 7), (12, 10)])
def test_a_quarter_begins_in_the_customers_own_time(month, first):
    local = datetime(2026, month, 15, 13, tzinfo=ZoneInfo("Asia/Seoul"))
    assert quarter_start(local) == datetime(2026, first, 1, tzinfo=ZoneInfo("Asia/Seoul"))


def test_the_most_useful_comes_first_and_equals_in_a_fixed_order():
    ranks = [Rank(1.0, 2, 1), Rank(2.0, 1, 9), Rank(1.0, 1, 5), Rank(1.0, 1, 2)]
    assert sort_ranks(ranks) == [ranks[1], ranks[3], ranks[2], ranks[0]]
    assert sort_ranks(reversed(ranks)) == sort_ranks(ranks)


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.lists(st.sampled_from(list(OrderMove))))),
)
def test_the_books_hold_every_amount_once_in_the_account_of_its_state(orders):
    postings, expected = [], dict.fromkeys(OrderState, 0)
    for minor, moves in orders:
        state = OrderState.ORDERED
        postings += post_opening(minor)
        for move in moves:
            if decide_order_move(state, move, Role.DEALER_MANAGER, "because") is None:
                before, state = state, ORDER_MOVES[move].to_state
                assert is_order_path(before, state)
                postings += post_move(before, state, minor)
        expected[state] += minor
    assert balances(postings) == expected


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.TECHNICIAN, Role.MANUFACTURER, None])
def test_only_the_dealers_manager_moves_an_order(role):
    refused = decide_order_move(OrderState.ORDERED, OrderMove.CONFIRM, role)
    assert refused.code == "order_role_may_not"
