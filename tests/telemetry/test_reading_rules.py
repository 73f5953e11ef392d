"""How a reading counts by its time and its values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.readings import RejectionCode
from foundation.clock import to_ms
from telemetry.reading_rules import (
    ClockFault,
    PlausibleRange,
    Standing,
    TimeWindows,
    check_ranges,
    decide_time,
    reject_time,
)

RECEIVED = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
RECEIVED_MS = to_ms(RECEIVED)
WINDOWS = TimeWindows(
    late_after_s=900, accept_past_days=31, accept_future_s=120, clock_fault_days=366
)
DAY_MS = 86_400_000


def decide(observed_at_ms: int, newest_ms: int | None = None):
    return decide_time(observed_at_ms, RECEIVED_MS, newest_ms=newest_ms, windows=WINDOWS)


OFFSETS = [
    # (ahead of the receive time, standing, clock fault, rejection)
    (timedelta(0), Standing.ON_TIME, None, None),
    (timedelta(seconds=120), Standing.ON_TIME, None, None),
    (timedelta(seconds=120, milliseconds=1), Standing.CLOCK_FAULT, ClockFault.AHEAD, None),
    (timedelta(hours=1), Standing.CLOCK_FAULT, ClockFault.AHEAD, None),
    (timedelta(days=366), Standing.CLOCK_FAULT, ClockFault.AHEAD, None),
    (timedelta(days=366, milliseconds=1), Standing.REJECTED, None, RejectionCode.IN_FUTURE),
    (timedelta(seconds=-900), Standing.ON_TIME, None, None),
    (timedelta(seconds=-900, milliseconds=-1), Standing.LATE, None, None),
    (timedelta(hours=-1), Standing.LATE, None, None),
    (timedelta(days=-30), Standing.LATE, None, None),
    (timedelta(days=-31), Standing.LATE, None, None),
    (timedelta(days=-31, milliseconds=-1), Standing.REJECTED, None, RejectionCode.TOO_OLD),
    (timedelta(days=-3650), Standing.REJECTED, None, RejectionCode.TOO_OLD),
]


@pytest.mark.parametrize(("ahead", "standing", "fault", "rejection"), OFFSETS)
def test_the_distance_to_the_receive_time_decides(ahead, standing, fault, rejection):
    decision = decide(to_ms(RECEIVED + ahead))
    assert (decision.standing, decision.clock_fault, decision.rejection) == (
        standing,
        fault,
        rejection,
    )
    assert decision.ahead_ms == ahead // timedelta(milliseconds=1)


INSTANTS = [
    # A clock that was never set counts from 1970 or from a date of manufacture before 2000.
    (0, Standing.CLOCK_FAULT, ClockFault.NEVER_SET, None),
    (3_600_000, Standing.CLOCK_FAULT, ClockFault.NEVER_SET, None),
    (946_684_799_999, Standing.CLOCK_FAULT, ClockFault.NEVER_SET, None),
    (946_684_800_000, Standing.REJECTED, None, RejectionCode.TOO_OLD),
    # Seconds where milliseconds belong: 20 January 1970.
    (RECEIVED_MS // 1000, Standing.CLOCK_FAULT, ClockFault.IN_SECONDS, None),
    (RECEIVED_MS // 1000 - 30 * 86_400, Standing.CLOCK_FAULT, ClockFault.IN_SECONDS, None),
    (RECEIVED_MS // 1000 - 32 * 86_400, Standing.CLOCK_FAULT, ClockFault.NEVER_SET, None),
    (RECEIVED_MS // 1000 + 121, Standing.CLOCK_FAULT, ClockFault.NEVER_SET, None),
    # 32 bits of seconds, full: 7 February 2106.
    (4_294_967_295_000, Standing.REJECTED, None, RejectionCode.IN_FUTURE),
]


@pytest.mark.parametrize(("observed_at_ms", "standing", "fault", "rejection"), INSTANTS)
def test_each_typical_wrong_clock_has_one_rule(observed_at_ms, standing, fault, rejection):
    decision = decide(observed_at_ms)
    assert (decision.standing, decision.clock_fault, decision.rejection) == (
        standing,
        fault,
        rejection,
    )


def test_a_clock_fault_is_stored_at_the_receive_time():
    assert decide(RECEIVED_MS + DAY_MS).stored_at_ms == RECEIVED_MS


def test_a_reading_out_of_order_is_on_time_but_not_the_latest():
    decision = decide(RECEIVED_MS - 2000, newest_ms=RECEIVED_MS - 1000)
    assert (decision.standing, decision.becomes_latest) == (Standing.ON_TIME, False)


def test_the_same_time_again_is_the_latest_again():
    assert decide(RECEIVED_MS, newest_ms=RECEIVED_MS).becomes_latest


def test_a_refused_time_becomes_a_rejection_that_says_how_far_off():
    rejection = reject_time("d1", decide(RECEIVED_MS - 400 * DAY_MS))
    assert (rejection.source, rejection.code) == ("d1", RejectionCode.TOO_OLD)
    assert "400 days behind" in rejection.detail
    assert reject_time("d1", decide(RECEIVED_MS)) is None


times = st.integers(0, 253_402_300_799_999)
windows = st.builds(
    TimeWindows,
    late_after_s=st.floats(0, 1e5),
    accept_past_days=st.floats(1, 4000),
    accept_future_s=st.floats(0, 1e5),
    clock_fault_days=st.floats(1, 4000),
)


@given(observed=times, received=times, newest=st.none() | times, chosen=windows)
def test_every_time_gets_one_consistent_decision(observed, received, newest, chosen):
    decision = decide_time(observed, received, newest_ms=newest, windows=chosen)
    stored_at = {
        Standing.ON_TIME: observed,
        Standing.LATE: observed,
        Standing.CLOCK_FAULT: received,
        Standing.REJECTED: None,
    }
    assert decision.stored_at_ms == stored_at[decision.standing]
    assert (decision.clock_fault is not None) == (decision.standing is Standing.CLOCK_FAULT)
    assert (decision.rejection is not None) == (decision.standing is Standing.REJECTED)


@given(observed=times, received=times, newest=st.none() | times, chosen=windows)
def test_late_and_refused_readings_neither_lead_nor_alarm(observed, received, newest, chosen):
    decision = decide_time(observed, received, newest_ms=newest, windows=chosen)
    if decision.standing in (Standing.LATE, Standing.REJECTED):
        assert not decision.becomes_latest
        assert not decision.may_alarm
    else:
        assert decision.may_alarm


@given(observed=times, received=times, newest=times, chosen=windows)
def test_the_latest_never_moves_back(observed, received, newest, chosen):
    decision = decide_time(observed, received, newest_ms=newest, windows=chosen)
    assert not decision.becomes_latest or decision.stored_at_ms >= newest


@given(observed=times, received=times, chosen=windows)
def test_no_stored_time_lies_further_ahead_than_the_small_skew(observed, received, chosen):
    decision = decide_time(observed, received, newest_ms=None, windows=chosen)
    if decision.stored_at_ms is not None:
        assert decision.stored_at_ms - received <= chosen.accept_future_s * 1000


RANGES = {"temp": PlausibleRange(-40.0, 150.0), "flow": PlausibleRange(minimum=0.0)}


def test_a_value_outside_its_range_is_refused_alone():
    kept, rejections = check_ranges("d1", {"temp": 151.0, "flow": 3.0, "rpm": 1e9}, RANGES)
    assert kept == {"flow": 3.0, "rpm": 1e9}
    (rejection,) = rejections
    assert (rejection.code, rejection.signal) == (RejectionCode.OUT_OF_RANGE, "temp")
    assert rejection.detail == "temp = 151 lies outside -40 … 150."


@pytest.mark.parametrize(
    ("value", "holds"), [(-40.0, True), (150.0, True), (-40.001, False), (150.001, False)]
)
def test_both_ends_belong_to_the_range(value, holds):
    assert RANGES["temp"].holds(value) == holds


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize(
    "limits", [{}, {"a": PlausibleRange()}, RANGES | {"a": PlausibleRange(0)}]
)
def test_what_is_not_finite_is_never_plausible(value, limits):
    kept, (rejection,) = check_ranges("d1", {"a": value, "b": 1.0}, limits)
    assert (kept, rejection.signal) == ({"b": 1.0}, "a")


bounds = st.none() | st.floats(-1e6, 1e6)
values = st.dictionaries(
    st.sampled_from("abcd"), st.floats(allow_nan=False, allow_infinity=False), max_size=4
)
ranges = st.dictionaries(st.sampled_from("abcd"), st.builds(PlausibleRange, bounds, bounds))


@given(given_values=values, limits=ranges)
def test_each_value_is_kept_or_refused(given_values, limits):
    kept, rejections = check_ranges("d", given_values, limits)
    refused = {rejection.signal for rejection in rejections}
    assert kept.keys() | refused == given_values.keys()
    assert not kept.keys() & refused
    assert all(kept[name] == given_values[name] for name in kept)
    for name, value in kept.items():
        limit = limits.get(name, PlausibleRange())
        assert limit.minimum is None or value >= limit.minimum
        assert limit.maximum is None or value <= limit.maximum
