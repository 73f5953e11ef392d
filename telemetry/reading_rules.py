"""How a reading counts, told by its time and its values; pure decisions, no clock and no tables.

| observed, seen from the receive time                   | counts as    | stored at |
|--------------------------------------------------------|--------------|-----------|
| at most `accept_future_s` ahead … `late_after_s` behind | on time      | observed  |
| further behind, up to `accept_past_days`               | late         | observed  |
| ahead by up to `clock_fault_days`                      | clock fault  | received  |
| ahead by more (a counter that overflowed: year 2106)   | rejected     | –         |
| too far behind, but within the window if it were in seconds | clock fault | received |
| too far behind and before 2000 (a clock never set: 1970) | clock fault | received  |
| too far behind otherwise                               | rejected     | –         |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from sys import float_info

from devices.readings import Rejection, RejectionCode

_DAY_S = 86_400
_YEAR_2000_MS = 946_684_800_000
_LARGEST = float_info.max


class Standing(StrEnum):
    """What a reading's time makes of it."""

    ON_TIME = "on_time"
    LATE = "late"
    CLOCK_FAULT = "clock_fault"
    REJECTED = "rejected"


class ClockFault(StrEnum):
    """What is wrong with a source's clock."""

    AHEAD = "clock_ahead"
    NEVER_SET = "clock_never_set"
    IN_SECONDS = "clock_in_seconds"


@dataclass(frozen=True, slots=True)
class TimeWindows:
    """How far a reading's time may lie from its receive time.

    A clock that runs faster than the machine's (replay, demo) needs windows as much wider, as
    the way from device to us takes that many more of its seconds.
    """

    late_after_s: float = 900.0
    accept_past_days: float = 31.0
    accept_future_s: float = 120.0
    clock_fault_days: float = 366.0


@dataclass(frozen=True, slots=True)
class TimeDecision:
    """How a reading counts and at which time (epoch ms) it is stored; None when it is not.

    `ahead_ms` says by how much the source's clock, or its patience, is off: above 0 when ahead.
    """

    standing: Standing
    stored_at_ms: int | None
    becomes_latest: bool
    ahead_ms: int
    clock_fault: ClockFault | None = None
    rejection: RejectionCode | None = None

    @property
    def may_alarm(self) -> bool:
        """Late readings complete the record; nobody is called out for what is long past."""
        return self.standing in (Standing.ON_TIME, Standing.CLOCK_FAULT)


@dataclass(frozen=True, slots=True)
class PlausibleRange:
    """What a metric can be at all; None = no bound. Both ends belong to it, infinity never."""

    minimum: float | None = None
    maximum: float | None = None
    low: float = field(init=False, repr=False, compare=False)
    high: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A scale may have carried a finite value beyond a double; no store takes that.
        low = -_LARGEST if self.minimum is None else max(self.minimum, -_LARGEST)
        high = _LARGEST if self.maximum is None else min(self.maximum, _LARGEST)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def describe(self) -> str:
        low = "-∞" if self.minimum is None else f"{self.minimum:g}"
        high = "∞" if self.maximum is None else f"{self.maximum:g}"
        return f"{low} … {high}"


_UNLIMITED = PlausibleRange()


def decide_time(
    observed_at_ms: int,
    received_at_ms: int,
    *,
    newest_ms: int | None,
    windows: TimeWindows,
) -> TimeDecision:
    """How a reading counts by the table above; `newest_ms` = newest known time of the asset.

    A reading that came out of order is stored at its time, but does not become the latest.
    """
    ahead_ms = observed_at_ms - received_at_ms
    if ahead_ms > windows.accept_future_s * 1000:
        return _decide_ahead(ahead_ms, received_at_ms, newest_ms, windows)
    if -ahead_ms <= windows.late_after_s * 1000:
        is_newest = newest_ms is None or observed_at_ms >= newest_ms
        return TimeDecision(Standing.ON_TIME, observed_at_ms, is_newest, ahead_ms)
    if _is_within_past(ahead_ms, windows):
        return TimeDecision(Standing.LATE, observed_at_ms, becomes_latest=False, ahead_ms=ahead_ms)
    fault = _find_clock_fault(observed_at_ms, received_at_ms, windows)
    if fault is not None:
        return _at_receive_time(fault, ahead_ms, received_at_ms, newest_ms)
    return _rejected(RejectionCode.TOO_OLD, ahead_ms)


def _is_within_past(ahead_ms: int, windows: TimeWindows) -> bool:
    return -ahead_ms <= windows.accept_past_days * _DAY_S * 1000


def _decide_ahead(
    ahead_ms: int, received_at_ms: int, newest_ms: int | None, windows: TimeWindows
) -> TimeDecision:
    if ahead_ms <= windows.clock_fault_days * _DAY_S * 1000:
        return _at_receive_time(ClockFault.AHEAD, ahead_ms, received_at_ms, newest_ms)
    return _rejected(RejectionCode.IN_FUTURE, ahead_ms)


def _find_clock_fault(
    observed_at_ms: int, received_at_ms: int, windows: TimeWindows
) -> ClockFault | None:
    ahead_as_seconds_ms = observed_at_ms * 1000 - received_at_ms
    is_future = ahead_as_seconds_ms > windows.accept_future_s * 1000
    if not is_future and _is_within_past(ahead_as_seconds_ms, windows):
        return ClockFault.IN_SECONDS
    return ClockFault.NEVER_SET if observed_at_ms < _YEAR_2000_MS else None


def _at_receive_time(
    fault: ClockFault, ahead_ms: int, received_at_ms: int, newest_ms: int | None
) -> TimeDecision:
    is_newest = newest_ms is None or received_at_ms >= newest_ms
    return TimeDecision(Standing.CLOCK_FAULT, received_at_ms, is_newest, ahead_ms, fault)


def _rejected(code: RejectionCode, ahead_ms: int) -> TimeDecision:
    return TimeDecision(
        Standing.REJECTED, None, becomes_latest=False, ahead_ms=ahead_ms, rejection=code
    )


def reject_time(source: str, decision: TimeDecision) -> Rejection | None:
    """The Rejection of a reading whose time was refused; None when it was not."""
    if decision.rejection is None:
        return None
    days = abs(decision.ahead_ms) / 1000 / _DAY_S
    side = "ahead" if decision.ahead_ms > 0 else "behind"
    detail = f"The time lies {days:.0f} days {side}."
    return Rejection(source, decision.rejection, detail)


def check_ranges(
    source: str, values: Mapping[str, float], ranges: Mapping[str, PlausibleRange]
) -> tuple[dict[str, float], tuple[Rejection, ...]]:
    """The plausible values, and a Rejection for each of the others.

    `values` by metric in the metric's own unit; a metric without a range may have any finite one.
    """
    kept, rejections = {}, []
    for name, value in values.items():
        limits = ranges.get(name, _UNLIMITED)
        if limits.low <= value <= limits.high:
            kept[name] = value
        else:
            detail = f"{name} = {value:g} lies outside {limits.describe()}."
            rejections.append(Rejection(source, RejectionCode.OUT_OF_RANGE, detail, name))
    return kept, tuple(rejections)
