"""What is computed in windows of a metric's samples; which windows there are lives in windows."""

import numpy as np

from telemetry.windows import Floats, Rows, Windows

Counts = Rows


def window_means(values: Floats, windows: Windows) -> tuple[Floats, Counts]:
    """Mean (m,) and number (m,) of the present samples in each window; the mean of none is NaN.

    `values` is (n,), NaN where absent. Each window is summed by itself, which costs samples per
    window instead of two look-ups in a running sum; in return a mean depends on nothing outside
    its window, to the last bit, however the stream was cut, and large values lose no digits.
    """
    present = np.isfinite(values)
    sums = _window_sums(np.where(present, values, 0.0), windows)
    counts = _window_sums(present.astype(np.float64), windows).astype(np.intp)
    means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return means, counts


def _window_sums(values: Floats, windows: Windows) -> Floats:
    if not len(windows.last):
        return np.zeros(0)
    # reduceat sums values[a:b] for each pair of neighbouring indices; every second pair is ours.
    bounds = np.column_stack([windows.first, windows.last + 1]).ravel()
    # Absurd values may overflow to an infinite mean, which is an absurd mean: no warning needed.
    with np.errstate(over="ignore", invalid="ignore"):
        sums: Floats = np.add.reduceat(np.append(values, 0.0), bounds)[::2]
    return sums


def independent_count(series: Floats) -> float:
    """How many independent readings an evenly spaced series (n,) is worth: 1 to n, finite values.

    n / (1 + 2 Σ autocorrelation). The sum runs over pairs of lags until a pair sums to nothing, as
    in Geyer's initial positive sequence, so that one noisy lag does not end it. A series that
    wanders slowly is worth few readings, however often it was read.

    Reference: C. J. Geyer, Practical Markov Chain Monte Carlo, Statistical Science 7 (1992).
    """
    n = len(series)
    centred = series - series.mean()
    power = float(centred @ centred)
    if power <= 0.0:
        return float(n)
    spectrum = np.fft.rfft(centred, 2 * n)
    lags = np.fft.irfft(spectrum * np.conj(spectrum))[1:n] / power
    pairs = lags[: len(lags) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0.0)
    total = float(pairs[: ends[0]].sum() if len(ends) else pairs.sum())
    return float(np.clip(n / (1.0 + 2.0 * total), 1.0, n))
