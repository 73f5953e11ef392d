"""Native JSON v1 fed with any JSON at all, not only with bytes."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.readings import is_signal_name
from devices.wire.native import NativeFormat

TOPIC = "mw/v1/d/telemetry"

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
items = anything | st.fixed_dictionaries(
    {"values": st.dictionaries(st.text(max_size=8), anything) | anything},
    optional={"ts": anything, "boot": anything, "seq": anything, "confirm": anything},
)


def decode(tree: object):
    return NativeFormat().decode(TOPIC, json.dumps(tree).encode(), 5)


@given(tree=items | st.lists(items, max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_json_gives_a_reading_or_a_rejection(tree):
    decoded = decode(tree)
    assert decoded.readings or decoded.rejections


@given(bad=items, good=st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=150, deadline=None)
def test_a_good_reading_survives_any_neighbour(bad, good):
    decoded = decode([bad, {"values": {"good": good}, "ts": 7}])
    assert decoded.readings[-1].values == {"good": good}
    assert decoded.readings[-1].observed_at_ms == 7


@given(
    name=st.text(max_size=8), bad=anything, good=st.floats(allow_nan=False, allow_infinity=False)
)
@settings(max_examples=150, deadline=None)
def test_a_good_value_survives_any_neighbour(name, bad, good):
    decoded = decode({"values": {name: bad, "good": good}})
    assert decoded.readings[0].values["good"] == good


@given(values=st.dictionaries(st.text(max_size=8), anything, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_each_value_is_kept_refused_or_null(values):
    decoded = decode({"values": values})
    kept = sum(len(reading.values) for reading in decoded.readings)
    n_null = sum(value is None for value in values.values())
    n_refused = sum(rejection.count for rejection in decoded.rejections)
    # Values that are all null are one fault: the reading says nothing.
    assert kept + n_refused == max(len(values) - n_null, 1)


@given(values=st.dictionaries(st.text(max_size=8), anything, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_is_kept_has_the_value_that_was_sent(values):
    for reading in decode({"values": values}).readings:
        for name, value in reading.values.items():
            assert is_signal_name(name)
            assert value == float(values[name])
