"""Windows against a plain loop: gaps, several assets, no more history than needed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.store.contract import Samples
from telemetry.windows import find_windows, row_of_last, segment_starts

WINDOW_MS = 10_000
GAP_MS = 4_000

# Per asset the steps between its rows, around the window's and the gap's length.
streams = st.lists(
    st.lists(st.integers(1, 6_000) | st.sampled_from([1, 1_000, 4_000, 4_001]), max_size=25),
    min_size=1,
    max_size=4,
)


def make_samples(steps_by_asset):
    asset = [place * 7 for place, steps in enumerate(steps_by_asset) for _ in steps]
    at_ms = [t for steps in steps_by_asset for t in np.cumsum(steps)]
    return Samples(np.array(asset, dtype=np.uint32), np.array(at_ms, dtype=np.int64), {})


def slow_window(samples, row):
    """First row of the window and whether it is filled, one row at a time."""
    segment = row
    while (
        segment > 0
        and samples.asset[segment - 1] == samples.asset[row]
        and samples.at_ms[segment] - samples.at_ms[segment - 1] <= GAP_MS
    ):
        segment -= 1
    first = segment
    while samples.at_ms[first] <= samples.at_ms[row] - WINDOW_MS:
        first += 1
    return first, samples.at_ms[row] - samples.at_ms[segment] >= WINDOW_MS


def find(samples, rows):
    return find_windows(samples, rows, window_ms=WINDOW_MS, max_gap_ms=GAP_MS)


@given(streams)
def test_windows_are_what_a_plain_loop_finds(steps):
    samples = make_samples(steps)
    rows = np.arange(len(samples.asset))
    found = find(samples, rows)
    expected = [slow_window(samples, row) for row in rows]
    assert list(zip(found.first.tolist(), found.is_filled.tolist(), strict=True)) == expected
    assert (found.last == rows).all()


@given(streams, st.integers(0, 60_000))
def test_a_window_and_a_gap_of_history_are_enough(steps, seen_ms):
    samples = make_samples(steps)
    near = samples.at_ms >= seen_ms - WINDOW_MS - GAP_MS
    cut = Samples(samples.asset[near], samples.at_ms[near], {})
    rows, rows_cut = (np.flatnonzero(each.at_ms > seen_ms) for each in (samples, cut))
    whole, part = find(samples, rows), find(cut, rows_cut)
    assert (whole.is_filled == part.is_filled).all()
    assert (samples.at_ms[whole.first] == cut.at_ms[part.first]).all()


def test_the_older_end_of_a_window_is_excluded():
    samples = make_samples([[1_000] * 11])
    found = find(samples, np.array([10]))
    assert (found.first[0], bool(found.is_filled[0])) == (1, True)


def test_no_samples_have_no_windows():
    found = find(make_samples([[]]), np.array([], dtype=np.intp))
    assert len(found.first) == len(found.last) == len(found.is_filled) == 0


def test_a_segment_starts_with_an_asset_and_after_a_gap():
    samples = make_samples([[1, 4_000, 4_001], [1]])
    starts = segment_starts(samples.asset, samples.at_ms, GAP_MS)
    assert starts.tolist() == [True, False, True, True]


def test_row_of_last_looks_back_only():
    flags = np.array([False, True, False, True, False])
    assert row_of_last(flags).tolist() == [-1, 1, 1, 3, 3]
