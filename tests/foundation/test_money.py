"""Money is exact: shares add up, currencies never mix, and no decimal is lost unseen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Invalid
from foundation.money import Money, money

CURRENCIES = ("EUR", "USD", "CNY", "KRW", "JPY", "KWD")
minor_units = st.integers(-(10**15), 10**15)
currencies = st.sampled_from(CURRENCIES)


@given(minor_units, currencies, st.integers(1, 400))
def test_shares_add_up_to_the_whole(minor, currency, parts):
    shares = Money(minor, currency).split(parts)
    assert len(shares) == parts
    assert sum(share.minor for share in shares) == minor


@given(minor_units, currencies, st.integers(1, 400))
def test_shares_differ_by_at_most_one_minor_unit(minor, currency, parts):
    shares = [share.minor for share in Money(minor, currency).split(parts)]
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("parts", [0, -1])
def test_money_is_not_split_into_nothing(parts):
    with pytest.raises(Invalid):
        Money(100, "EUR").split(parts)


@given(minor_units, currencies)
def test_an_amount_in_major_units_comes_back_exactly(minor, currency):
    assert money(Money(minor, currency).amount, currency) == Money(minor, currency)


@given(minor_units, minor_units, currencies)
def test_adding_and_taking_away_cancel(one, other, currency):
    whole = Money(one, currency) + Money(other, currency)
    assert whole - Money(other, currency) == Money(one, currency)


@given(minor_units, minor_units)
def test_adding_minor_units_is_adding_amounts(one, other):
    total = Money(one, "EUR") + Money(other, "EUR")
    assert total.amount == Money(one, "EUR").amount + Money(other, "EUR").amount


@pytest.mark.parametrize("act", [Money.__add__, Money.__sub__])
def test_currencies_never_mix(act):
    with pytest.raises(Invalid, match="USD"):
        act(Money(1, "EUR"), Money(1, "USD"))


def test_equal_numbers_of_two_currencies_are_not_equal():
    assert Money(100, "EUR") != Money(100, "USD")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "EUR", 1234),
        ("-0.01", "EUR", -1),
        (12, "EUR", 1200),
        (Decimal("1e3"), "EUR", 100_000),
        ("1500", "KRW", 1500),  # the won has no minor unit
        ("1.234", "KWD", 1234),  # the dinar has three decimals
    ],
)
def test_amounts_become_minor_units(amount, currency, minor):
    assert money(amount, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency"), [("1.001", "EUR"), ("0.5", "KRW"), ("1.0001", "KWD"), ("NaN", "EUR")]
)
def test_too_many_decimals_are_refused_not_rounded(amount, currency):
    with pytest.raises(Invalid):
        money(amount, currency)


@pytest.mark.parametrize("text", ["", "12,5", "twelve", "1 000", "Infinity", "-Infinity"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(Invalid):
        money(text, "EUR")


@pytest.mark.parametrize("code", ["", "EU", "EURO", "eur", "E1R", "€€€", "ÄÖÜ", "   "])
def test_what_is_no_currency_code_is_refused(code):
    with pytest.raises(Invalid):
        Money(1, code)


@pytest.mark.parametrize(
    ("minor", "factor", "expected"),
    [
        (5, Decimal("0.5"), 2),  # 2.5 → 2, half to even
        (7, Decimal("0.5"), 4),  # 3.5 → 4, half to even
        (-5, Decimal("0.5"), -2),
        (100, Decimal("1.19"), 119),
        (333, 3, 999),
        (1, Decimal("0.51"), 1),
    ],
)
def test_a_product_is_rounded_half_to_even(minor, factor, expected):
    assert Money(minor, "EUR").times(factor).minor == expected


@given(minor_units, st.integers(-1000, 1000))
def test_a_whole_factor_never_rounds(minor, factor):
    assert Money(minor, "EUR").times(factor).minor == minor * factor


@given(minor_units, st.decimals(-10, 10, allow_nan=False, allow_infinity=False, places=4))
def test_a_product_is_off_by_half_a_minor_unit_at_most(minor, factor):
    off = Decimal(Money(minor, "EUR").times(factor).minor) - Decimal(minor) * factor
    assert abs(off) <= Decimal("0.5")
