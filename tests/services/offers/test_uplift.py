"""Rates and changes are told with their n, and as unknown below ten."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from devices.registration import AssetEntry, register_asset
from services.offers.models import Offer
from services.offers.rules import OfferState
from services.offers.uplift import LEAST_N, Change, Rate, Uplift, measure_uplift


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_rate_lies_within_its_interval(hits, misses):
    rate = Rate(hits, hits + misses)
    low, high = rate.interval
    assert 0.0 <= low <= high <= 1.0
    if rate.value is not None:
        assert low <= rate.value <= high


@pytest.mark.parametrize("n", range(LEAST_N))
def test_of_few_nothing_is_said(n):
    assert Rate(n, n).value is None
    assert Change((0.5,) * n).value is None


def test_an_interval_known_from_the_literature():
    """81 of 263, Wilson: 25.5 % to 36.2 % (Newcombe 1998, table I)."""
    low, high = Rate(81, 263).interval
    assert (low, high) == (pytest.approx(0.2553, abs=1e-3), pytest.approx(0.3662, abs=1e-3))


def test_the_difference_needs_both_groups():
    many, few = Change((-0.5,) * 10), Change((0.0,) * 9)
    assert Uplift(Rate(0, 0), many, few).difference is None
    assert Uplift(Rate(0, 0), many, few).interval is None
    assert Uplift(Rate(0, 0), many, Change((-0.1,) * 12)).difference == pytest.approx(-0.4)


# Student, "The probable error of a mean", Biometrika 6 (1908): hours of sleep gained by two drugs.
DEXTRO = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
LAEVO = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)


def test_a_difference_known_from_the_literature():
    """As `t.test(extra ~ group, data = sleep)` of R tells it."""
    uplift = Uplift(Rate(0, 0), Change(DEXTRO), Change(LAEVO))
    assert uplift.difference == pytest.approx(-1.58)
    assert uplift.interval == (pytest.approx(-3.3654832), pytest.approx(0.2054832))


_SHARES = st.integers(-100, 100).map(lambda percent: percent / 100)
_GROUP = st.lists(_SHARES, min_size=LEAST_N, max_size=40)


@given(_GROUP, _GROUP)
def test_the_interval_is_that_of_welch(offered, held_out):
    uplift = Uplift(Rate(0, 0), Change(tuple(offered)), Change(tuple(held_out)))
    if max(map(len, map(set, (offered, held_out)))) < 2:
        assert uplift.interval == (uplift.difference, uplift.difference)
        return
    known = ttest_ind(offered, held_out, equal_var=False).confidence_interval()
    assert uplift.interval == (
        pytest.approx(known.low, abs=1e-6),
        pytest.approx(known.high, abs=1e-6),
    )


@pytest.fixture
def machines(offers):
    """Further machines of the network's model, as many as somebody takes."""
    with offers.network.transaction() as session:
        found = [_register(offers, session, number) for number in range(26)]
    return iter(found)


def _register(offers, session, number):
    entry = AssetEntry(
        equipment_model="idler",
        serial=f"M-{number}",
        name=f"Machine {number}",
        customer="Harbour Foods",
        dealer="North Service",
        site="Plant 1",
        time_zone="Europe/Berlin",
        device=f"m-{number}",
        commissioned_at=offers.now,
    )
    return register_asset(session, entry, at=offers.now)[0].id


def add_offers(offers, machines, state, later, *, is_sent=True, watched=4.0):
    """An offer on each machine, found in that state and measured again."""
    likeness = offers.offers()[0]
    kept = {each.key: getattr(likeness, each.key) for each in Offer.__mapper__.column_attrs}
    kept |= {"watched": watched, "state": state, "ended_at": offers.now}
    kept |= {"sent_at": offers.now if is_sent else None}
    kept |= {"accepted_version": 1 if state == OfferState.ACCEPTED else None}
    del kept["id"]
    with offers.network.transaction() as session:
        for asset_id, value in zip(machines, later, strict=True):
            session.add(Offer(**kept | {"asset_id": asset_id, "watched_later": value}))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_machine_counts_in_the_group_it_was_drawn_for(offers, machines):
    """Ten to be offered, half of them vetoed, and ten held out; then the same machines again."""
    rule_id = offers.get_rule(offers.rule()).id
    offers.find()
    vetoed, accepted, declined, held = (list(islice(machines, n)) for n in (5, 3, 2, 10))
    add_offers(offers, vetoed, OfferState.VETOED, [4.0] * 5, is_sent=False)
    add_offers(offers, accepted, OfferState.ACCEPTED, [2.0] * 3)
    add_offers(offers, declined, OfferState.DECLINED, [3.0, None])
    add_offers(offers, declined, OfferState.EXPIRED, [1.0, 3.0])
    add_offers(offers, held, OfferState.HELD_OUT, [3.8] * 10, is_sent=False)
    with offers.session("maker") as session:
        uplift = measure_uplift(session, rule_id)
    assert (uplift.ordered.hits, uplift.ordered.n) == (3, 7)
    # Vetoed 0, accepted -1/2, one declined the mean of -1/4 and -3/4, the other -1/4.
    assert sorted(uplift.offered.changes) == [-0.5] * 4 + [-0.25] + [0.0] * 5
    assert uplift.offered.value == pytest.approx(-0.225)
    assert uplift.held_out.value == pytest.approx(-0.05)
    low, high = uplift.interval
    assert uplift.difference == pytest.approx(-0.175)
    assert low < uplift.difference < high
