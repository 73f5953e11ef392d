"""Evidence and likely causes are read from whatever JSON was stored."""

from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from services.tickets.evidence import CauseHint, Contribution, Evidence

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FIELDS = ("detector", "top_metric", "metrics", "value", "unit", "score", "from_ms", "parts")
STORED = st.dictionaries(st.sampled_from(FIELDS), JSON)


@given(STORED)
def test_malformed_evidence_is_absent_never_an_error(stored):
    read = Evidence.read(stored)
    assert all(0.0 <= each.share <= 1.0 for each in read.metrics)
    assert read.value is None or abs(read.value) < float("inf")


@given(STORED)
def test_a_malformed_cause_is_empty_never_an_error(stored):
    read = CauseHint.read(stored)
    assert (read is None) == (not stored)


def test_evidence_keeps_the_window_and_orders_by_share():
    read = Evidence.read(
        {
            "detector": "normal_period",
            "top_metric": "pressure",
            "metrics": [
                {"metric": "flow", "share": 0.2},
                {"metric": "pressure", "share": 0.7},
                {"share": 0.1},
            ],
            "score": 0.83,
            "from_ms": 1000,
            "to_ms": 2000,
        }
    )
    assert read.metrics == (Contribution("pressure", 0.7), Contribution("flow", 0.2))
    assert (read.top_metric, read.score, read.from_ms, read.to_ms) == (
        "pressure",
        0.83,
        1000,
        2000,
    )


def test_the_top_metric_stands_alone_when_there_are_no_shares():
    assert Evidence.read({"top_metric": "flow"}).metrics == (Contribution("flow", 1.0),)


@given(
    st.builds(
        CauseHint,
        condition=st.text(min_size=1, max_size=9),
        metric=st.none() | st.text(min_size=1, max_size=9),
        parts=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    )
)
def test_a_cause_survives_being_stored(hint):
    assert CauseHint.read(hint.to_json()) == hint
    assert asdict(hint)["parts"] == hint.parts
