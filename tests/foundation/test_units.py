"""Conversions between units go there and back, and never between different quantities."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Invalid
from foundation.units import Conversion, get_conversion, is_unit, list_units, symbol


def is_convertible(source: str, target: str) -> bool:
    try:
        get_conversion(source, target)
    except Invalid:
        return False
    return True


def convert(value: float, source: str, target: str) -> float:
    line = get_conversion(source, target)
    return value * line.scale + line.offset


PAIRS = [pair for pair in itertools.permutations(list_units(), 2) if is_convertible(*pair)]


@pytest.mark.parametrize("code", list_units())
def test_every_code_converts_to_itself_unchanged(code):
    assert get_conversion(code, code) == Conversion(1.0, 0.0)


@given(st.sampled_from(PAIRS), st.floats(-1e6, 1e6))
def test_a_value_survives_the_round_trip(pair, value):
    source, target = pair
    back = convert(convert(value, source, target), target, source)
    # An offset (273.15 K) swallows digits of a small value, hence the absolute part.
    assert math.isclose(back, value, rel_tol=1e-9, abs_tol=1e-9)


@given(st.sampled_from(PAIRS))
def test_no_conversion_turns_a_scale_round_or_flattens_it(pair):
    assert get_conversion(*pair).scale > 0


@given(st.sampled_from(PAIRS))
def test_only_temperatures_have_an_offset(pair):
    if not set(pair) <= {"Cel", "K", "[degF]"}:
        assert get_conversion(*pair).offset == 0


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (100.0, "Cel", "[degF]", 212.0),
        (-40.0, "[degF]", "Cel", -40.0),
        (0.0, "K", "Cel", -273.15),
        (1.0, "bar", "kPa", 100.0),
        (1.0, "bar", "[psi]", 14.503773773),
        (50.0, "%", "1", 0.5),
        (1.0, "kW.h", "J", 3.6e6),
        (1.0, "[g]", "m/s2", 9.80665),
        (60.0, "L/min", "m3/h", 3.6),
        (3000.0, "{rpm}", "Hz", 50.0),
    ],
)
def test_known_values(value, source, target, expected):
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("source", "target"),
    [("Cel", "bar"), ("kW", "kW.h"), ("mm", "mm/s"), ("A", "V"), ("kg", "N"), ("1", "K")],
)
def test_different_quantities_are_refused_by_name(source, target):
    with pytest.raises(Invalid, match=f"{source} cannot be converted to {target}"):
        get_conversion(source, target)


@pytest.mark.parametrize(("source", "target"), [("degC", "Cel"), ("Cel", "°C"), ("", "")])
def test_unknown_codes_are_refused(source, target):
    with pytest.raises(Invalid, match="UCUM"):
        get_conversion(source, target)


@pytest.mark.parametrize("hostile", ["__import__('os')", "kilometer", "meter", "Cel\n", "cel"])
def test_only_listed_codes_are_units(hostile):
    assert not is_unit(hostile)


def test_every_listed_code_is_a_unit():
    assert all(is_unit(code) for code in list_units())


@pytest.mark.parametrize(("code", "shown"), [("Cel", "°C"), ("1", ""), ("furlong", "furlong")])
def test_a_code_is_shown_by_its_symbol(code, shown):
    assert symbol(code) == shown
