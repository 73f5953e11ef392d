"""When a level beyond its threshold becomes a raise or a clear; detectors say what the level is.

One rule serves limits and scores alike. A condition that holds without a break for `on_delay_s`
of machine time raises; one that is gone, by the hysteresis at least, for `off_delay_s` clears. A
row between the two bounds breaks both. NaN is an absent sample: it changes nothing. After a gap
longer than `max_gap_s` between present samples nobody knows what happened, and both delays begin
anew; an alarm stays.

A run of rows beyond the bound cannot contain a clear, nor a run of rows back within it a raise, so
both delays can be judged without knowing whether the asset is in alarm: that is then whichever was
fulfilled last. Hence whole arrays are decided at once, and cutting a stream changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from foundation.errors import Invalid
from telemetry.detectors.carried import NEVER_MS, CarriedState
from telemetry.windows import Assets, Flags, Floats, Rows, Times, row_of_last


class Direction(StrEnum):
    """Which side of the threshold is bad."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A bound with its delays: threshold and hysteresis in the level's unit, delays in seconds.

    The condition holds beyond the threshold and is gone at threshold ∓ hysteresis.
    """

    threshold: float
    direction: Direction = Direction.HIGH
    hysteresis: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    max_gap_s: float = 300.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.threshold):
            raise Invalid("The threshold must be a finite number.", field="threshold")
        for name in ("hysteresis", "on_delay_s", "off_delay_s"):
            if not 0 <= getattr(self, name) < np.inf:
                raise Invalid("%(name)s must be 0 or more.", field=name, name=name)
        if not 0 < self.max_gap_s < np.inf:
            raise Invalid("max_gap_s must be more than 0.", field="max_gap_s")


@dataclass(frozen=True, slots=True)
class Transition:
    """One raise or clear. `row` is its place among the rows that were judged.

    `started_at_ms` is when the condition began (or was first gone), `at_ms` the sample that
    fulfilled the delay, `value` the level there.
    """

    row: int
    asset: int
    is_raise: bool
    started_at_ms: int
    at_ms: int
    value: float


@dataclass(frozen=True, eq=False, slots=True)
class Transitions:
    """All raises and clears of a batch, in the order of its rows; all arrays (t,)."""

    row: Rows
    asset: Assets
    is_raise: Flags
    started_at_ms: Times
    at_ms: Times
    value: Floats

    def __len__(self) -> int:
        return len(self.row)

    def __iter__(self) -> Iterator[Transition]:
        columns = (self.row, self.asset, self.is_raise, self.started_at_ms, self.at_ms, self.value)
        for fields in zip(*(column.tolist() for column in columns), strict=True):
            yield Transition(*fields)


@dataclass(frozen=True, eq=False, slots=True)
class _Runs:
    # The present rows of a batch: which asset (by place in the state), which side, since when.
    place: Rows
    at_ms: Times
    side: Rows
    since_ms: Times
    is_first: Flags


def find_transitions(
    asset: Assets, at_ms: Times, level: Floats, *, crossing: Crossing, carried: CarriedState
) -> tuple[Transitions, CarriedState]:
    """The raises and clears in new rows, and the state to carry on.

    `asset`, `at_ms`, `level` are (n,), sorted by (asset, time). Rows at or before an asset's
    `seen_ms` came late, or are context: they have no effect. Cost grows as n log a.
    """
    state = carried.covering(asset)
    is_new = at_ms > state.watermarks(asset)
    rows = np.flatnonzero(is_new & np.isfinite(level))
    place = np.searchsorted(state.asset, asset[rows])
    runs = _find_runs(place, at_ms[rows], _sides(level[rows], crossing), crossing, state)
    was_active, is_active = _latch(runs, crossing, state)
    changed = np.flatnonzero(was_active != is_active)
    chosen = rows[changed]
    transitions = Transitions(
        chosen,
        asset[chosen],
        is_active[changed],
        runs.since_ms[changed],
        at_ms[chosen],
        level[chosen],
    )
    seen = _newest(state.seen_ms, np.searchsorted(state.asset, asset[is_new]), at_ms[is_new])
    return transitions, _carry(state, runs, is_active, seen)


def _sides(level: Floats, crossing: Crossing) -> Rows:
    # 1: the condition holds; -1: it is gone; 0: in the band between.
    sign = 1.0 if crossing.direction == Direction.HIGH else -1.0
    bound = sign * crossing.threshold
    beyond = sign * level > bound
    back = sign * level <= bound - crossing.hysteresis
    return beyond.astype(np.intp) - back.astype(np.intp)


def _find_runs(
    place: Rows, at_ms: Times, side: Rows, crossing: Crossing, state: CarriedState
) -> _Runs:
    is_first = np.ones(len(place), dtype=np.bool_)
    is_first[1:] = place[1:] != place[:-1]
    above, below = state.above_since_ms[place], state.below_since_ms[place]
    carried_side = (above != NEVER_MS).astype(np.intp) - (below != NEVER_MS).astype(np.intp)
    previous_side = np.where(is_first, carried_side, np.roll(side, 1))
    previous_ms = np.where(is_first, state.last_ms[place], np.roll(at_ms, 1))
    goes_on = (side == previous_side) & (at_ms - previous_ms <= crossing.max_gap_s * 1000)
    carried_since = np.where(side > 0, above, below)
    begin_ms = np.where(is_first & goes_on, carried_since, at_ms)
    return _Runs(place, at_ms, side, begin_ms[row_of_last(is_first | ~goes_on)], is_first)


def _latch(runs: _Runs, crossing: Crossing, state: CarriedState) -> tuple[Flags, Flags]:
    held_ms = runs.at_ms - runs.since_ms
    raises = (runs.side > 0) & (held_ms >= crossing.on_delay_s * 1000)
    clears = (runs.side < 0) & (held_ms >= crossing.off_delay_s * 1000)
    carried = state.is_active[runs.place]
    decided = raises | (carried & ~clears)
    is_active = decided[row_of_last(raises | clears | runs.is_first)]
    return np.where(runs.is_first, carried, np.roll(is_active, 1)), is_active


def _newest(times: Times, place: Rows, at_ms: Times) -> Times:
    newest = times.copy()
    newest[place] = at_ms  # rows ascend in time, and the last write to a place stays
    return newest


def _carry(state: CarriedState, runs: _Runs, active: Flags, seen_ms: Times) -> CarriedState:
    is_last = np.roll(runs.is_first, -1)  # a row is its asset's last if the next begins another
    place, side, since_ms = runs.place[is_last], runs.side[is_last], runs.since_ms[is_last]
    is_active, above, below = (
        state.is_active.copy(),
        state.above_since_ms.copy(),
        state.below_since_ms.copy(),
    )
    is_active[place] = active[is_last]
    above[place] = np.where(side > 0, since_ms, NEVER_MS)
    below[place] = np.where(side < 0, since_ms, NEVER_MS)
    last_ms = _newest(state.last_ms, runs.place, runs.at_ms)
    return CarriedState(state.asset, is_active, above, below, last_ms, seen_ms)
