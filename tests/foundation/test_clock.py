"""Clocks tell aware UTC instants and wait in their own seconds; milliseconds keep the instant."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import ManualClock, ScaledClock, SystemClock, from_ms, stopwatch_s, to_ms

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
CLOCKS = {
    "system": SystemClock,
    "scaled": lambda: ScaledClock(START, 1000.0),
    "manual": lambda: ManualClock(START),
}
aware_instants = st.datetimes(
    min_value=datetime(1900, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone itself
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@pytest.fixture(params=CLOCKS.values(), ids=CLOCKS)
def any_clock(request):
    return request.param()


def test_every_clock_tells_aware_utc(any_clock):
    assert any_clock.now().utcoffset() == timedelta(0)


def test_every_clock_moves_by_the_seconds_slept(any_clock):
    before = any_clock.now()
    any_clock.sleep(0.01)
    assert any_clock.now() - before >= timedelta(seconds=0.01)


def test_every_clock_returns_at_once_when_the_event_is_set(any_clock):
    event = threading.Event()
    event.set()
    began = stopwatch_s()
    assert any_clock.wait(event, 5.0) is True
    assert stopwatch_s() - began < 1.0


def test_every_clock_gives_up_waiting_after_its_seconds(any_clock):
    before = any_clock.now()
    assert any_clock.wait(threading.Event(), 0.01) is False
    assert any_clock.now() - before >= timedelta(seconds=0.009)


@pytest.mark.parametrize("seconds", [0.0, -1.0, -1e9])
def test_no_clock_goes_back_or_fails_for_time_already_past(any_clock, seconds):
    before = any_clock.now()
    any_clock.sleep(seconds)
    any_clock.wait(threading.Event(), seconds)
    assert any_clock.now() >= before


def test_system_clock_tells_the_machines_time():
    before = datetime.now(UTC)
    assert before <= SystemClock().now() <= datetime.now(UTC)


def test_scaled_clock_runs_speed_times_as_fast():
    outer = stopwatch_s()
    clock = ScaledClock(START, 600.0)
    inner = stopwatch_s()
    time.sleep(0.02)
    least_s = stopwatch_s() - inner
    shown_s = (clock.now() - START).total_seconds()
    most_s = stopwatch_s() - outer
    assert 600 * least_s * 0.999 <= shown_s <= 600 * most_s * 1.001


def test_scaled_clock_sleeps_in_its_own_seconds():
    began = stopwatch_s()
    ScaledClock(START, 6000.0).sleep(60.0)
    assert 0.009 <= stopwatch_s() - began < 1.0


def test_scaled_clock_wakes_when_another_thread_sets_the_event():
    event = threading.Event()
    threading.Timer(0.01, event.set).start()
    assert ScaledClock(START, 10.0).wait(event, 100.0) is True


def test_manual_clock_stands_still():
    clock = ManualClock(START)
    time.sleep(0.002)
    assert clock.now() == START


def test_manual_clock_is_moved_and_set():
    clock = ManualClock(START)
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)
    clock.set(START - timedelta(days=1))
    assert clock.now() == START - timedelta(days=1)


def test_waiting_on_a_manual_clock_moves_it():
    clock = ManualClock(START)
    clock.wait(threading.Event(), 30)
    assert clock.now() == START + timedelta(seconds=30)


@given(st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999))
def test_milliseconds_survive_the_round_trip(ms):
    assert to_ms(from_ms(ms)) == ms


@given(aware_instants)
def test_an_instant_loses_less_than_a_millisecond(instant):
    lost = instant - from_ms(to_ms(instant))
    assert timedelta(0) <= lost < timedelta(milliseconds=1)


@given(aware_instants, aware_instants)
def test_milliseconds_keep_the_order_of_instants(one, other):
    if one <= other:
        assert to_ms(one) <= to_ms(other)


@given(aware_instants)
def test_milliseconds_do_not_depend_on_the_zone(instant):
    assert to_ms(instant) == to_ms(instant.astimezone(UTC))


def test_a_naive_instant_has_no_milliseconds():
    with pytest.raises(TypeError):
        to_ms(START.replace(tzinfo=None))
