"""Rates and changes are told with their n, and as unknown below ten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.offers.uplift import LEAST_N, Change, Rate, Uplift


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
    assert Uplift(Rate(0, 0), many, Change((-0.1,) * 12)).difference == pytest.approx(-0.4)
