import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from devices.readings import is_device_key
from simulators.faults import FaultKind
from simulators.fleet import make_fleet
from simulators.ledger import Act, Ledger, Row
from simulators.machines.registry import FAULTS_OF, KINDS
from simulators.sensor_faults import SensorFault, SensorFaultKind
from simulators.sites import Region

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
    for attribute in ("device", "serial", "seed"):
        assert len({getattr(asset, attribute) for asset in assets}) == 200
    assert len({(asset.site.key, asset.name) for asset in assets}) == 200


def test_sixty_assets_stand_at_many_sites_of_all_regions_and_are_of_all_kinds():
    fleet = _fleet(assets=60)
    assert set(fleet.kinds) == set(KINDS)
    assert {asset.site.region for asset in fleet.assets} == set(Region)
    assert len({asset.site.key for asset in fleet.assets}) >= 12
    for asset in fleet.assets:
        assert asset.make_machine().equipment_model == asset.kind
        assert asset.batch.code in asset.serial


def test_faults_fit_their_machines_and_weak_batches_exist():
    assets = _fleet(assets=60).assets
    assert all(fault.kind in FAULTS_OF[asset.kind] for asset in assets for fault in asset.faults)
    assert 10 < sum(asset.batch.weakness is not None for asset in assets) < 40


def test_each_device_reports_at_its_own_interval():
    fleet = _fleet(assets=3, interval_s=600)
    slow = replace(fleet.assets[0], interval_s=1800)
    mixed = replace(fleet, assets=(slow, *fleet.assets[1:]))
    reported = _join(mixed.simulate(START_MS, START_MS + DAY_MS))
    assert [len(times_ms) for times_ms, _ in reported.values()] == [48, 144, 144]


def test_the_ledger_holds_the_plan_once_and_tells_the_same(tmp_path):
    ledger = Ledger.of_folder(tmp_path)
    told = _fleet(assets=20, ledger=ledger)
    size = ledger.size
    assert [asset.faults for asset in told.assets] == [
        asset.faults for asset in _fleet(assets=20).assets
    ]
    assert _fleet(assets=20, ledger=ledger) == told
    assert ledger.size == size > 0


def test_what_is_done_while_it_runs_shows_from_the_next_stretch_on(tmp_path):
    ledger = Ledger.of_folder(tmp_path)
    fleet, healthy = _fleet(assets=1, ledger=ledger), _fleet(assets=1)
    cut_ms, end_ms = START_MS + DAY_MS, START_MS + 3 * DAY_MS
    stretches = fleet.simulate_stretches(START_MS, end_ms, chunk_s=86_400)
    chunks = next(stretches)
    asset = fleet.assets[0]
    times = {"onset_ms": cut_ms + 8 * HOUR_MS, "full_ms": cut_ms + 10 * HOUR_MS, "at_ms": cut_ms}
    wear = FaultKind.BEARING_WEAR
    ledger.append(Row(act=Act.INJECT, device=asset.device, kind=wear, **times))
    chunks += next(stretches)
    ledger.append(Row(act=Act.REPAIR, device=asset.device, at_ms=end_ms - DAY_MS))
    chunks += next(stretches)
    ((times_ms, values),) = _join(chunks).values()
    ((_, usual),) = _join(healthy.simulate(START_MS, end_ms)).values()
    differs = times_ms[values["vibration"] != usual["vibration"]]
    assert times["onset_ms"] < differs.min() < times["full_ms"]
    assert differs.max() < end_ms - DAY_MS


def test_a_fleet_that_starts_later_knows_what_was_done_before(tmp_path):
    ledger = Ledger.of_folder(tmp_path)
    fleet = _fleet(assets=1, ledger=ledger)
    times = {"onset_ms": START_MS, "full_ms": START_MS + 1, "at_ms": START_MS}
    device = fleet.assets[0].device
    wear = FaultKind.BEARING_WEAR
    ledger.append(Row(act=Act.INJECT, device=device, kind=wear, **times))
    ill = _join(fleet.simulate(START_MS + DAY_MS, START_MS + 2 * DAY_MS))
    well = _join(_fleet(assets=1).simulate(START_MS + DAY_MS, START_MS + 2 * DAY_MS))
    difference = ill[device][1]["vibration"] - well[device][1]["vibration"]
    assert difference.max() > 5


def test_with_flaws_some_sensors_lie_after_the_healthy_part():
    flawed, sound = (_fleet(assets=60, planned_days=90, with_flaws=flag) for flag in (True, False))
    lies = [lie for asset in flawed.assets for lie in asset.sensor_faults]
    assert len(lies) > 3
    assert min(lie.from_ms for lie in lies) >= START_MS + 27 * DAY_MS
    assert len({asset.clock for asset in flawed.assets}) == 60
    assert not any(asset.sensor_faults for asset in sound.assets)
    assert [asset.faults for asset in flawed.assets] == [asset.faults for asset in sound.assets]


def test_a_lying_sensor_shows_in_what_is_reported_and_not_in_the_machine():
    fleet = _fleet(assets=1)
    lie = SensorFault(
        "power", SensorFaultKind.DROP_OUT, START_MS + HOUR_MS, START_MS + 2 * HOUR_MS
    )
    lying = replace(fleet, assets=(replace(fleet.assets[0], sensor_faults=(lie,)),))
    ((times_ms, told),) = _join(lying.simulate(START_MS, START_MS + DAY_MS)).values()
    ((_, true),) = _join(fleet.simulate(START_MS, START_MS + DAY_MS)).values()
    np.testing.assert_array_equal(np.isnan(told["power"]), lie.is_present(times_ms))
    np.testing.assert_array_equal(told["energy"], true["energy"])


def test_a_month_of_ten_assets_takes_seconds():
    """Mark: 432,000 readings in at most 10 s on one core."""
    fleet = _fleet(assets=10)
    began = time.process_time()
    readings = sum(len(chunk[1]) for chunk in fleet.simulate(START_MS, START_MS + 30 * DAY_MS))
    assert readings == 432_000
    assert time.process_time() - began < 10
