"""What is carried between batches, and its way through a JSON column."""

import json

import numpy as np

from telemetry.detectors.carried import NEVER_MS, CarriedState


def test_an_asset_starts_without_alarm_at_its_watermark():
    state = CarriedState.starting({7: 5_000, 3: 9_000})
    assert state.asset.tolist() == [3, 7]
    assert state.to_json()[7] == {
        "active": False,
        "above_since_ms": None,
        "below_since_ms": None,
        "last_ms": None,
        "seen_ms": 5_000,
    }


def test_a_state_is_plain_json():
    entry = {
        "active": True,
        "above_since_ms": 1,
        "below_since_ms": None,
        "last_ms": 2,
        "seen_ms": 3,
    }
    state = CarriedState.from_json({4: entry})
    assert json.loads(json.dumps(state.to_json())) == {"4": entry}


def test_an_empty_entry_means_never():
    state = CarriedState.from_json({4: {}})
    assert state.seen_ms.tolist() == [NEVER_MS]
    assert not state.is_active.any()


def test_watermarks_of_unknown_assets_lie_before_all_time():
    state = CarriedState.starting({2: 50})
    rows = np.array([1, 2, 2, 3], dtype=np.uint32)
    assert state.watermarks(rows).tolist() == [NEVER_MS, 50, 50, NEVER_MS]
    assert CarriedState.starting({}).watermarks(rows).tolist() == [NEVER_MS] * 4


def test_covering_adds_assets_and_keeps_the_others():
    state = CarriedState.from_json({2: {"active": True, "seen_ms": 50}})
    wider = state.covering(np.array([1, 3], dtype=np.uint32))
    assert wider.asset.tolist() == [1, 2, 3]
    assert wider.is_active.tolist() == [False, True, False]
    assert wider.seen_ms.tolist() == [NEVER_MS, 50, NEVER_MS]
    assert wider.covering(np.array([2], dtype=np.uint32)) is wider


def test_rearming_leaves_the_other_assets_alone():
    entry = {"active": True, "above_since_ms": 5}
    state = CarriedState.from_json({1: entry, 2: entry}).rearmed([2, 99])
    assert state.is_active.tolist() == [True, False]
    assert state.above_since_ms.tolist() == [5, NEVER_MS]
