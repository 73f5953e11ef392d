import itertools
import time

import numpy as np
import pytest

from devices.readings import is_device_key
from simulators.faults import FaultKind
from simulators.fleet import make_fleet, plan_faults

START_MS = 1_772_409_600_000
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def _fleet(**changed):
    return make_fleet(**{"seed": 1, "assets": 5, "start_ms": START_MS, **changed})


def _join(chunks):
    """Device → times and values of all its chunks."""
    joined = {}
    for device, times_ms, values in chunks:
        joined.setdefault(device, []).append((times_ms, values))
    return {
        device: (
            np.concatenate([part[0] for part in parts]),
            {name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]},
        )
        for device, parts in joined.items()
    }


def _assert_equal(first, second):
    assert first.keys() == second.keys()
    for device, (times_ms, values) in first.items():
        np.testing.assert_array_equal(times_ms, second[device][0])
        for name, column in values.items():
            np.testing.assert_array_equal(column, second[device][1][name], err_msg=name)


def test_every_device_reports_once_a_minute_in_the_period():
    fleet = _fleet()
    reported = _join(fleet.simulate(START_MS, START_MS + DAY_MS))
    assert list(reported) == [asset.device for asset in fleet.assets]
    for times_ms, _ in reported.values():
        assert len(times_ms) == 1440
        assert (np.diff(times_ms) == 60_000).all()
        assert times_ms[0] >= START_MS
        assert times_ms[-1] < START_MS + DAY_MS


def test_devices_speak_in_different_seconds():
    firsts = {
        int(times_ms[0])
        for times_ms, _ in _join(_fleet().simulate(START_MS, START_MS + HOUR_MS)).values()
    }
    assert len(firsts) == 5


@pytest.mark.parametrize("chunk_s", [60, 3_601, 86_400])
def test_the_size_of_chunks_makes_no_difference(chunk_s):
    fleet, end_ms = _fleet(assets=2), START_MS + 5 * HOUR_MS
    whole = _join(fleet.simulate(START_MS, end_ms, chunk_s=10 * 86_400))
    _assert_equal(whole, _join(fleet.simulate(START_MS, end_ms, chunk_s=chunk_s)))


def test_a_later_call_goes_on_where_the_time_is():
    fleet = _fleet(assets=2)
    cut_ms, end_ms = START_MS + 3 * DAY_MS + 5_000_123, START_MS + 4 * DAY_MS
    whole = _join(fleet.simulate(START_MS, end_ms))
    tail = _join(fleet.simulate(cut_ms, end_ms))
    for device, (times_ms, values) in whole.items():
        late = times_ms >= cut_ms
        np.testing.assert_array_equal(times_ms[late], tail[device][0])
        for name, column in values.items():
            np.testing.assert_array_equal(column[late], tail[device][1][name], err_msg=name)


def test_without_an_end_it_goes_on_for_ever():
    fleet = _fleet(assets=2)
    chunks = itertools.islice(fleet.simulate(START_MS, chunk_s=3600), 10)
    ends = [int(times_ms[-1]) for _, times_ms, _ in chunks]
    assert max(ends) > START_MS + 4 * HOUR_MS


def test_the_same_seed_makes_the_same_fleet_and_another_does_not():
    assert _fleet() == _fleet()
    assert _fleet() != _fleet(seed=2)


def test_devices_and_serials_are_valid_and_unique():
    assets = _fleet(assets=200).assets
    assert all(is_device_key(asset.device) for asset in assets)
    for attribute in ("device", "serial", "name", "seed"):
        assert len({getattr(asset, attribute) for asset in assets}) == 200


@pytest.mark.parametrize("seed", range(5))
def test_the_plan_leaves_the_first_days_healthy_and_has_every_kind(seed):
    end_ms = START_MS + 30 * DAY_MS
    plan = plan_faults(seed, 10, START_MS, end_ms)
    faults = [fault for asset in range(10) for fault in plan(asset)]
    within = [fault for fault in faults if fault.onset_ms < end_ms]
    assert {fault.kind for fault in within} == set(FaultKind)
    assert len(within) == 6
    for fault in within:
        assert START_MS + 12 * DAY_MS <= fault.onset_ms < fault.full_ms < end_ms


@pytest.mark.parametrize("seed", range(5))
def test_half_of_the_faults_were_mended_before_the_period_ends(seed):
    end_ms = START_MS + 30 * DAY_MS
    plan = plan_faults(seed, 10, START_MS, end_ms)
    mended = [fault for asset in range(10) for fault in plan(asset) if fault.cleared_ms]
    assert len(mended) == 3
    assert all(fault.full_ms < fault.cleared_ms < end_ms for fault in mended)


def test_a_month_of_ten_assets_takes_seconds():
    """Mark: 432,000 readings in at most 10 s on one core."""
    fleet = _fleet(assets=10)
    began = time.process_time()
    readings = sum(len(chunk[1]) for chunk in fleet.simulate(START_MS, START_MS + 30 * DAY_MS))
    assert readings == 432_000
    assert time.process_time() - began < 10
