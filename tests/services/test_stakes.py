"""Money at stake: from the equipment model to the ticket, never added across currencies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.repair_costs import RepairCost, read_cost
from foundation.errors import Invalid
from foundation.money import Money, money
from services.tickets.evidence import CauseHint
from services.tickets.rules import Move
from services.tickets.stakes import Stakes, add_stakes, count_stakes

CURRENCIES = st.sampled_from(["EUR", "USD", "KRW"])


@st.composite
def costs(draw):
    currency = draw(CURRENCIES)
    amounts = st.none() | st.integers(0, 10**9).map(lambda minor: Money(minor, currency))
    return RepairCost(draw(amounts), draw(amounts))


@given(st.lists(costs(), max_size=20))
def test_each_currency_has_a_sum_of_its_own(given_costs):
    stakes = add_stakes(given_costs)
    known = [each.at_stake for each in given_costs if each.at_stake is not None]
    assert (stakes.known, stakes.unknown) == (len(known), len(given_costs) - len(known))
    assert [each.currency for each in stakes.sums] == sorted({each.currency for each in known})
    for total in stakes.sums:
        assert total.minor == sum(e.minor for e in known if e.currency == total.currency)


@given(costs())
def test_a_ticket_keeps_what_a_cause_says_of_its_cost(cost):
    hint = CauseHint("normal_period", None, "VIB", "misc", "Worn", "Look.", cost=cost)
    kept = CauseHint.read(hint.to_json())
    assert kept is not None
    assert kept.cost == cost


@pytest.mark.parametrize(
    "stored", [{"currency": "euro"}, {"currency": 3}, {"cost_now_minor": "x"}]
)
def test_a_damaged_cost_is_unknown(stored):
    hint = CauseHint.read({"condition": "x", "cost_now_minor": 1} | stored)
    assert hint is not None
    assert hint.cost.at_stake is None


@pytest.mark.parametrize(
    "said",
    [
        ("180", None, None),
        (None, None, "EUR"),
        ("180", "90", "EUR"),
        ("-1", None, "EUR"),
        ("1e999999999", None, "EUR"),
        ("1.005", None, "EUR"),
        ("10.5", None, "KRW"),
        ("180", None, "euro"),
    ],
)
def test_a_cost_that_does_not_fit_is_refused(said):
    with pytest.raises(Invalid):
        read_cost(*said)


def test_one_amount_alone_leaves_what_is_at_stake_unknown():
    assert read_cost("180.00", None, "EUR").at_stake is None
    assert read_cost("180", "2400", "EUR").at_stake == money("2220", "EUR")


def test_what_is_at_stake_is_on_the_ticket_until_it_is_solved(scene):
    ticket_id = scene.ticket_from_alarm()
    with scene.session("manager") as session:
        assert count_stakes(session) == Stakes((money("1110.00", "EUR"),), 1, 0)
    scene.start(ticket_id)
    scene.move(ticket_id, Move.SOLVE)
    with scene.session("manager") as session:
        assert count_stakes(session) == Stakes((), 0, 0)
        assert scene.detail(ticket_id).row.cost.at_stake == money("1110.00", "EUR")


def test_a_reported_problem_has_no_known_cost(scene):
    scene.report()
    with scene.session("manager") as session:
        assert count_stakes(session) == Stakes((), 0, 1)
