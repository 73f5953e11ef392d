"""Reasons survive a JSON column and know no language."""

import json

from hypothesis import given
from hypothesis import strategies as st

from foundation.reasons import Reason, from_json, to_json

parameters = st.dictionaries(
    st.text(min_size=1),
    st.none() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
reasons = st.lists(st.builds(Reason, st.text(min_size=1), parameters))


@given(reasons)
def test_reasons_come_back_from_json_as_they_were(given_reasons):
    stored = json.loads(json.dumps(to_json(given_reasons)))
    assert from_json(stored) == tuple(given_reasons)


def test_an_empty_column_has_no_reasons():
    assert from_json(None) == ()
    assert from_json([]) == ()


def test_a_reason_may_have_no_parameters():
    assert Reason("no_entitlement").to_json() == {"code": "no_entitlement", "parameters": {}}
    assert Reason.from_json({"code": "no_entitlement"}) == Reason("no_entitlement")


def test_stored_parameters_of_a_wrong_kind_are_dropped():
    assert Reason.from_json({"code": "late", "parameters": ["minutes"]}) == Reason("late")


def test_changing_what_was_stored_does_not_change_the_reason():
    stored = {"code": "limit_exceeded", "parameters": {"metric": "temperature"}}
    reason = Reason.from_json(stored)
    stored["parameters"]["metric"] = "pressure"
    assert reason.parameters["metric"] == "temperature"
