"""Made-up histories with a known answer: ten-minute readings of days alike but for noise."""

import numpy as np

from services.offers.kinds.contract import Facts, History

MONDAY_MS = 1_772_409_600_000  # 2 March 2026, 00:00 UTC
STEP_S = 600
DAY = 24 * 3600 // STEP_S


def history(days, facts=None, start_ms=MONDAY_MS, **columns):
    """`columns` are (rows,) arrays, or functions of hour of day, day and random numbers."""
    rows = np.arange(days * DAY)
    at_ms = start_ms + rows * STEP_S * 1000
    hour, day = rows % DAY * STEP_S / 3600, rows // DAY
    values = {
        name: np.asarray(each(hour, day) if callable(each) else each, dtype=float)
        for name, each in columns.items()
    }
    held = np.full(len(rows), float(STEP_S))
    return History(at_ms, at_ms, held, values, facts or Facts())


def at_work(hour, day, start=6, end=18):
    return (hour >= start) & (hour < end) & (day % 7 < 5)


def states(hour, day, *, idle_hours=4.0, seed=0, spread=0.5):
    """Loaded (2) in working hours of all seven days, then idle (1) for about `idle_hours`."""
    days = int(day.max()) + 1
    lengths = idle_hours + spread * np.random.default_rng(seed).standard_normal(days)
    loaded = (hour >= 6) & (hour < 14)
    idle = (hour >= 14) & (hour < 14 + np.clip(lengths, 0, 10)[day.astype(int)])
    return np.where(loaded, 2.0, np.where(idle, 1.0, 0.0))
