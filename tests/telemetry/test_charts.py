"""The chart block: groups, aligned buckets, and only what the scope may read."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.access import Visible, set_visibility
from devices.assets import get_asset
from devices.equipment_models import Metric
from foundation.clock import to_ms
from foundation.errors import Invalid
from foundation.intervals import Interval
from telemetry.alarms.lifecycle import clear_alarm, raise_alarm
from telemetry.alarms.models import Severity
from telemetry.charts import (
    MAX_BUCKETS,
    MAX_WINDOW_MS,
    Window,
    _joined,
    build_chart,
    group_metrics,
    read_samples,
)
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore

HOUR_MS = 3_600_000


@pytest.fixture
def store(tmp_path):
    opened = DuckDBStore(tmp_path / "telemetry.duckdb")
    yield opened
    opened.close()


@pytest.fixture
def hour(network, store):
    """The window of the last hour, with a reading of the machine every ten seconds."""
    end_ms = to_ms(network.clock.now())
    at_ms = np.arange(end_ms - HOUR_MS, end_ms, 10_000, dtype=np.int64)
    values = {"temperature": at_ms / 1e6 % 50, "pressure": np.full(at_ms.size, 8.0)}
    asset = np.full(at_ms.size, network.asset, dtype=np.uint32)
    store.write([SampleBatch("pump", asset, at_ms, values)])
    return Window(end_ms - HOUR_MS, end_ms, 400)


def chart(network, store, window, person="customer", **chosen):
    with network.database.session(network.scope(person)) as session:
        asset = get_asset(session, network.asset)
        return build_chart(session, store, asset, window, **chosen)


windows = st.builds(
    lambda start, length, points: (start, start + length, points),
    st.integers(0, 2_000_000_000_000),
    st.integers(1, MAX_WINDOW_MS),
    st.integers(-5, 10_000),
)


@given(windows)
def test_a_bucket_has_a_round_width_and_there_are_never_too_many(given_window):
    start, end, points = given_window
    width = Window(start, end, points).width_ms
    assert width % 1_000 == 0
    assert (end - start) / width <= max(min(points, MAX_BUCKETS), 1) or width == 672 * HOUR_MS


@pytest.mark.parametrize(("start", "end"), [(5, 5), (9, 1), (0, MAX_WINDOW_MS + 1)])
def test_a_window_that_is_none_is_refused(start, end):
    with pytest.raises(Invalid):
        Window(start, end)


def test_buckets_begin_at_multiples_of_their_width(network, store, hour):
    found = chart(network, store, hour)
    series = found.groups[0].series[0]
    assert set(series.at_ms % hour.width_ms) == {0}
    assert series.at_ms.size == 360
    assert (series.minimum <= series.mean).all()
    assert (series.mean <= series.maximum).all()


def test_a_gap_is_wider_than_some_intervals_or_buckets(network, store, hour):
    assert chart(network, store, hour).gap_ms == 35_000
    wide = Window(hour.end_ms - 90 * 24 * HOUR_MS, hour.end_ms, 600)
    assert chart(network, store, wide).gap_ms == 3.5 * wide.width_ms


def test_metrics_of_one_group_and_unit_stand_together_with_their_limits(network, store, hour):
    temperature, pressure = chart(network, store, hour).groups
    assert (temperature.label, temperature.unit) == ("Bearing temperature", "°C")
    assert [limit.threshold for limit in temperature.limits] == [80.0]
    assert pressure.limits == ()


def metric(number, group, unit="Cel"):
    return Metric(name=f"m{number}", label=f"M {number}", unit=unit, group=group)


def test_a_group_with_two_units_is_two_and_a_long_one_is_cut():
    metrics = [metric(n, "oil") for n in range(8)] + [metric(9, "oil", "bar"), metric(10, "air")]
    found = group_metrics(metrics)
    assert [len(group.metrics) for group in found] == [6, 2, 1, 1]
    assert [group.unit for group in found] == ["°C", "°C", "bar", "°C"]
    assert len({group.key for group in found}) == 4
    assert found[0].label == "Oil"
    assert found[3].label == "M 10"


def test_the_system_reads_everything_and_a_new_owner_from_their_day_on(network, store, hour):
    half = network.clock.now() - timedelta(minutes=30)
    with network.transaction() as session:
        owner = network.organisations["customer"]
        set_visibility(session, network.asset, [Visible(owner, Interval(half))])
    assert chart(network, store, hour, None).groups[0].series[0].at_ms.size == 360
    seen = chart(network, store, hour).groups[0].series[0].at_ms
    assert seen.min() >= to_ms(half)
    assert seen.size == 180


def test_a_period_that_ended_is_read_to_its_end_and_no_further(network, store, hour):
    owner, now = network.organisations["customer"], network.clock.now()
    first = Interval(now - timedelta(minutes=60), now - timedelta(minutes=45, seconds=5))
    again = Interval(now - timedelta(minutes=15))
    with network.transaction() as session:
        shown = [Visible(owner, first), Visible(owner, again)]
        set_visibility(session, network.asset, shown)
    seen = chart(network, store, hour).groups[0].series[0].at_ms
    between = (seen >= to_ms(first.end) - 9_999) & (seen < to_ms(again.start))
    assert not between.any()
    assert (np.diff(seen) > 0).all()


def test_samples_for_a_file_keep_to_the_same_periods(network, store, hour):
    half = network.clock.now() - timedelta(minutes=30)
    with network.transaction() as session:
        owner = network.organisations["customer"]
        set_visibility(session, network.asset, [Visible(owner, Interval(half))])
    with network.database.session(network.scope("customer")) as session:
        asset = get_asset(session, network.asset)
        (part,) = read_samples(session, store, asset, hour, ["temperature"])
    assert part.at_ms.min() >= to_ms(half)


def test_spans_are_the_times_that_conditions_held_inside_the_window(network, store, hour):
    now, condition = network.clock.now(), "limit:temperature:high:serious"
    with network.transaction() as session:
        for hours_ago in (5, 0.5):
            started = now - timedelta(hours=hours_ago)
            raise_alarm(
                session,
                asset_id=network.asset,
                condition=condition,
                detector="limits",
                severity=Severity.SERIOUS,
                started_at=started,
                raised_at=started,
                evidence={},
            )
            ended = started + timedelta(minutes=5)
            clear_alarm(session, asset_id=network.asset, condition=condition, at=ended)
    (span,) = chart(network, store, hour).spans
    assert span.since == now - timedelta(hours=0.5)
    assert span.until == span.since + timedelta(minutes=5)


START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 100).map(lambda hours: START + timedelta(hours=hours))


@dataclass(frozen=True)
class Periods:
    """Some intervals, and whether an instant lies in one of them."""

    all: list[Interval]

    def hold(self, instant):
        return any(instant in each for each in self.all)


def is_forward(pair):
    return pair[1] is None or pair[0] <= pair[1]


@given(st.lists(st.tuples(moments, moments | st.none()).filter(is_forward)))
def test_joining_periods_changes_no_instant_and_leaves_none_that_touch(pairs):
    periods = [Interval(start, end) for start, end in pairs]
    joined = _joined(periods)
    for hours in range(102):
        instant = START + timedelta(hours=hours)
        assert Periods(periods).hold(instant) == Periods(joined).hold(instant)
    for earlier, later in itertools.pairwise(joined):
        assert earlier.end is not None
        assert earlier.end < later.start
