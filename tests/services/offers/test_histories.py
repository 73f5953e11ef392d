"""From stored samples to histories: local time over the change of clocks, units, gaps."""

from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from foundation.clock import from_ms, to_ms
from services.offers.histories import Readings, Window, held_seconds, zone_offsets
from services.offers.kinds.contract import Facts
from telemetry.store.contract import SampleBatch

START = to_ms(datetime(2026, 3, 28, tzinfo=UTC))
STEP = 600_000


@pytest.fixture
def readings(store):
    at_ms = START + np.arange(288, dtype=np.int64) * STEP
    for asset, pressure in ((1, 7.0), (2, 8.0)):
        values = {"pressure": np.full(288, pressure), "state": np.full(288, 2.0)}
        values["state"][100] = np.nan
        assets = np.full(288, asset, dtype=np.uint32)
        store.write([SampleBatch("press", assets, at_ms, values)])
    metrics = [
        SimpleNamespace(name=name, unit=unit, interval_s=600)
        for name, unit in (("pressure", "bar"), ("state", "1"))
    ]
    return Readings(
        store,
        SimpleNamespace(key="press", metrics=metrics),
        metrics=["pressure", "state"],
        assets=[1, 2],
        start_ms=START,
        end_ms=START + 288 * STEP,
    )


def window(asset, start_ms=START, end_ms=START + 288 * STEP):
    return Window(asset, "Europe/Berlin", start_ms, end_ms, Facts(serviced_hours=5.0))


def test_each_asset_gets_its_own_rows_in_the_unit_asked_for(readings):
    seen = readings.history(window(2), {"pressure": "mbar"})
    assert len(seen) == 288
    assert set(np.round(seen.values["pressure"])) == {8000.0}
    assert seen.facts.serviced_hours == 5.0


def test_rows_that_lack_a_metric_are_left_out(readings):
    seen = readings.history(window(1), {"pressure": "bar", "state": "1"})
    assert len(seen) == 287
    assert seen.held_s.max() == 1200.0


def test_a_part_is_cut_by_time(readings):
    seen = readings.history(window(1, START + 10 * STEP, START + 20 * STEP), {"pressure": "bar"})
    assert list(seen.at_ms) == [START + row * STEP for row in range(10, 20)]


def test_local_time_follows_the_change_of_clocks(readings):
    """On 29 March 2026 at 01:00 UTC clocks in Berlin go from 2 to 3."""
    seen = readings.history(window(1), {"pressure": "bar"})
    ahead = (seen.local_ms - seen.at_ms) // 3_600_000
    change = (to_ms(datetime(2026, 3, 29, 1, tzinfo=UTC)) - START) // STEP
    assert set(ahead[:change]) == {1}
    assert set(ahead[change:]) == {2}


def test_offsets_come_by_the_hour():
    assert set(zone_offsets(START, START + 86_400_000, "Asia/Seoul")) == {9 * 3_600_000}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Toronto", "Australia/Lord_Howe"])
def test_offsets_follow_every_change_of_clocks_to_the_hour(zone):
    hours = range(START // 3_600_000, START // 3_600_000 + 24 * 400)
    spans = [from_ms(hour * 3_600_000).astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    found = zone_offsets(hours[0] * 3_600_000, hours[-1] * 3_600_000, zone)
    assert [each.total_seconds() * 1000 for each in spans] == found.tolist()


@pytest.mark.parametrize(
    ("times_s", "interval_s", "held"),
    [
        ([], 600, []),
        ([0], 600, [600]),
        ([0, 600, 1200], 600, [600, 600, 600]),
        ([0, 600, 1200, 1800, 9000], 600, [600, 600, 600, 1800, 600]),
        ([0, 600, 1200], 10, [600, 600, 600]),
    ],
)
def test_a_reading_stands_for_as_long_as_its_rhythm_allows(times_s, interval_s, held):
    at_ms = np.asarray(times_s, dtype=np.int64) * 1000
    assert list(held_seconds(at_ms, interval_s)) == held
