"""The array rule against a plain one that keeps its state sample by sample."""

import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foundation.errors import Invalid
from telemetry.detectors.carried import CarriedState
from telemetry.detectors.transitions import Crossing, Direction, find_transitions

steps = st.tuples(
    st.sampled_from([1, 500, 1_000, 2_000, 3_000, 3_001, 9_000]),
    st.sampled_from([0.0, 4.0, 4.5, 5.0, 5.5, 6.0, math.nan]),
)
streams = st.lists(st.lists(steps, max_size=30), min_size=1, max_size=4)
crossings = st.builds(
    Crossing,
    threshold=st.just(5.0),
    direction=st.sampled_from(Direction),
    hysteresis=st.sampled_from([0.0, 0.5, 1.0]),
    on_delay_s=st.sampled_from([0.0, 1.0, 2.5]),
    off_delay_s=st.sampled_from([0.0, 1.0, 4.0]),
    max_gap_s=st.just(3.0),
)


def make_columns(stream):
    """Flat arrays (asset, at_ms, level) of per-asset lists of (step ms, level)."""
    rows = []
    for place, points in enumerate(stream):
        at_ms = 0
        for step, level in points:
            at_ms += step
            rows.append((place + 10, at_ms, level))
    asset, at_ms, level = zip(*rows, strict=True) if rows else ((), (), ())
    kinds = (np.uint32, np.int64, np.float64)
    return tuple(
        np.array(column, dtype=kind)
        for column, kind in zip((asset, at_ms, level), kinds, strict=True)
    )


def slow_rule(columns, crossing):
    """(asset, is_raise, started, at, value) of each transition, one sample at a time."""
    found, kept = [], {}
    for asset, at_ms, level in zip(*(column.tolist() for column in columns), strict=True):
        if math.isnan(level):
            continue
        state = kept.setdefault(asset, {"active": False, "bad": None, "good": None, "last": at_ms})
        if at_ms - state["last"] > crossing.max_gap_s * 1000:
            state["bad"] = state["good"] = None
        state["last"] = at_ms
        sign = 1 if crossing.direction == Direction.HIGH else -1
        over = sign * (level - crossing.threshold)
        state["bad"] = (at_ms if state["bad"] is None else state["bad"]) if over > 0 else None
        is_back = over <= -crossing.hysteresis
        state["good"] = (at_ms if state["good"] is None else state["good"]) if is_back else None
        side = "good" if state["active"] else "bad"
        delay_s = crossing.off_delay_s if state["active"] else crossing.on_delay_s
        if state[side] is not None and at_ms - state[side] >= delay_s * 1000:
            state["active"] = not state["active"]
            found.append((asset, state["active"], state[side], at_ms, level))
    return found


def plain(transitions):
    return [
        (each.asset, each.is_raise, each.started_at_ms, each.at_ms, each.value)
        for each in transitions
    ]


def judge(stream, crossing):
    columns = make_columns(stream)
    return find_transitions(*columns, crossing=crossing, carried=CarriedState.starting({}))


@given(streams, crossings)
def test_the_arrays_find_what_the_plain_rule_finds(stream, crossing):
    transitions, _ = judge(stream, crossing)
    assert plain(transitions) == slow_rule(make_columns(stream), crossing)


@settings(max_examples=300)
@given(streams, crossings, st.lists(st.integers(0, 40_000), max_size=8), st.integers(0, 8_000))
def test_cuts_overlaps_and_saving_in_between_change_nothing(stream, crossing, cuts, overlap_ms):
    columns = make_columns(stream)
    whole, end = judge(stream, crossing)
    carried, pieces = CarriedState.starting({}), []
    for seen_ms, until_ms in zip([-1, *sorted(cuts)], [*sorted(cuts), 10**9], strict=True):
        part = (columns[1] > seen_ms - overlap_ms) & (columns[1] <= until_ms)
        found, carried = find_transitions(
            *(column[part] for column in columns), crossing=crossing, carried=carried
        )
        pieces += plain(found)
        stored = json.loads(json.dumps(carried.to_json()))
        carried = CarriedState.from_json({int(asset): entry for asset, entry in stored.items()})
    assert sorted(pieces) == sorted(plain(whole))
    assert carried.to_json() == end.to_json()


@given(streams, crossings)
def test_raises_and_clears_alternate(stream, crossing):
    transitions, _ = judge(stream, crossing)
    for asset in set(transitions.asset.tolist()):
        raises = transitions.is_raise[transitions.asset == asset]
        assert raises.tolist() == [place % 2 == 0 for place in range(len(raises))]


@given(streams, crossings)
@example([[(1_000, 9.0)]], Crossing(threshold=5.0))
def test_late_rows_have_no_effect(stream, crossing):
    columns = make_columns(stream)
    _, carried = judge(stream, crossing)
    late = (columns[0], columns[1], np.full(len(columns[0]), 99.0))
    transitions, after = find_transitions(*late, crossing=crossing, carried=carried)
    assert len(transitions) == 0
    assert after.to_json() == carried.to_json()


def test_a_raise_tells_when_it_began_and_when_it_was_due():
    stream = [[(1_000, 0.0), (1_000, 6.0), (1_000, 7.0), (1_000, 8.0)]]
    (raised,), _ = judge(stream, Crossing(threshold=5, on_delay_s=2))
    assert (raised.started_at_ms, raised.at_ms, raised.value, raised.row) == (2_000, 4_000, 8.0, 3)


def test_the_value_at_the_threshold_is_not_beyond_it():
    assert len(judge([[(1_000, 5.0)]], Crossing(threshold=5))[0]) == 0
    assert len(judge([[(1_000, 5.0)]], Crossing(threshold=5, direction=Direction.LOW))[0]) == 0


def test_the_band_of_the_hysteresis_holds_an_alarm_and_breaks_a_delay():
    crossing = Crossing(threshold=5, hysteresis=1, on_delay_s=1)
    holding = [(1_000, 6.0), (1_000, 6.0), (1_000, 4.5), (1_000, 4.1)]
    broken = [(1_000, 6.0), (500, 4.5), (500, 6.0), (500, 6.0)]
    assert [each.is_raise for each in judge([holding], crossing)[0]] == [True]
    assert len(judge([broken], crossing)[0]) == 0


def test_a_gap_restarts_the_delay_but_keeps_the_alarm():
    crossing = Crossing(threshold=5, on_delay_s=2, max_gap_s=3)
    waiting = [(1_000, 6.0), (3_001, 6.0), (1_000, 6.0)]
    active = [(1_000, 6.0), (2_000, 6.0), (9_000, 6.0)]
    assert len(judge([waiting], crossing)[0]) == 0
    transitions, carried = judge([active], crossing)
    assert (len(transitions), carried.is_active.tolist()) == (1, [True])


@pytest.mark.parametrize(
    ("levels", "is_raise"), [([0.0, 6.0, 6.0, 6.0], True), ([6.0, 6.0, 0.0, 0.0, 0.0], False)]
)
def test_a_delay_goes_on_from_batch_to_batch(levels, is_raise):
    crossing = Crossing(threshold=5, on_delay_s=1 if not is_raise else 2, off_delay_s=2)
    asset, at_ms, level = make_columns([[(1_000, level) for level in levels]])
    carried, last = CarriedState.starting({}), []
    for row in range(len(levels)):
        one = slice(row, row + 1)
        found, carried = find_transitions(
            asset[one], at_ms[one], level[one], crossing=crossing, carried=carried
        )
        last += list(found)
    assert last[-1].is_raise is is_raise
    assert (last[-1].started_at_ms, last[-1].at_ms) == (at_ms[-3], at_ms[-1])


def test_a_rearmed_asset_waits_for_its_delay_anew():
    crossing = Crossing(threshold=5, on_delay_s=2)
    first = make_columns([[(1_000, 6.0), (2_000, 6.0)], [(1_000, 6.0), (2_000, 6.0)]])
    _, carried = find_transitions(*first, crossing=crossing, carried=CarriedState.starting({}))
    more = (
        np.repeat(np.array([10, 11], dtype=np.uint32), 3),
        np.tile(np.array([4_000, 5_000, 6_000]), 2),
        np.full(6, 6.0),
    )
    again, _ = find_transitions(*more, crossing=crossing, carried=carried.rearmed([10]))
    assert [(each.asset, each.started_at_ms, each.at_ms) for each in again] == [(10, 4_000, 6_000)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": math.nan},
        {"threshold": math.inf},
        {"hysteresis": -1},
        {"on_delay_s": -0.1},
        {"off_delay_s": math.nan},
        {"max_gap_s": 0},
    ],
)
def test_a_crossing_outside_its_ranges_is_refused(wrong):
    with pytest.raises(Invalid) as refused:
        Crossing(**{"threshold": 1.0} | wrong)
    assert refused.value.field in wrong
