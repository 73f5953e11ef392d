"""Learning an asset's normal period; judging by it is normal_period.

scikit-learn takes a second and a half to import; it is, once there is something to learn.
"""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from foundation.errors import Invalid
from telemetry.detectors.normal_period import NormalModel, NormalPeriodDetector
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.features import independent_count
from telemetry.store.contract import Samples
from telemetry.windows import Floats, Rows, Times

# The distance that the margin multiplies is exceeded by a window of regular noise this often.
_TAIL = 0.01
# No window of the normal period itself, judged by the rest of it, may come nearer than this.
_GUARD = 1.25
_BLOCKS = 5
_MIN_WINDOW_READINGS = 5
_MIN_WINDOWS = 4
_MIN_PRESENT = 0.5


def fit_normal_period(
    samples: Samples, *, asset: int, settings: NormalPeriodSettings | None = None
) -> NormalModel:
    """Learns one asset's normal from its samples, presumed normal; labels are never used.

    All metrics of `samples.values` take part, except those that hold still or are mostly absent.
    The threshold is the larger of two: `margin` times the distance that one window of regular,
    stationary noise in a hundred exceeds; and 1.25 times the largest distance in the normal period
    itself, each fifth of it judged by the mean of the rest.

    Raises:
        Invalid: when the samples are too few, too far apart for the window, or nothing moves.
    """
    settings = settings or NormalPeriodSettings()
    own = samples.choose(samples.asset == asset, samples.values)
    _check_length(own.at_ms, settings)
    learned, left_out = {}, {}
    for metric, series in sorted(own.values.items()):
        reason = _find_fault(series)
        if reason is None:
            learned[metric] = _learn_metric(series, own.at_ms, settings)
        else:
            left_out[metric] = reason
    if not learned:
        raise Invalid("No metric moves in the normal period: there is nothing to learn.")
    model = _combine(learned, settings, left_out)
    return replace(model, threshold=_find_threshold(model, own))


@dataclass(frozen=True, eq=False, slots=True)
class _Learned:
    centre: float
    spread: float
    per_window: float
    in_normal: float
    standard: Floats  # (n,) the readings in standard deviations from the mean, 0 where absent


def _check_length(at_ms: Times, settings: NormalPeriodSettings) -> None:
    if len(at_ms) < settings.normal_readings:
        raise Invalid(
            "The normal period holds %(found)s readings of %(normal_readings)s.",
            field="normal_readings",
            found=len(at_ms),
            normal_readings=settings.normal_readings,
        )
    interval_s = _interval_ms(at_ms) / 1000
    if interval_s * _MIN_WINDOW_READINGS > settings.window_s or interval_s > settings.max_gap_s:
        raise Invalid(
            "Readings come every %(interval_s)s s: too far apart for a window of %(window_s)s s "
            "and a longest gap of %(max_gap_s)s s.",
            field="window_s",
            interval_s=f"{interval_s:g}",
            window_s=f"{settings.window_s:g}",
            max_gap_s=f"{settings.max_gap_s:g}",
        )
    if interval_s * len(at_ms) < _MIN_WINDOWS * settings.window_s:
        raise Invalid(
            "The normal period must be as long as %(min_windows)s windows.",
            field="window_s",
            min_windows=_MIN_WINDOWS,
        )


def _interval_ms(at_ms: Times) -> float:
    return float(np.median(np.diff(at_ms)))


def _find_fault(series: Floats) -> str | None:
    present = series[np.isfinite(series)]
    if len(present) < _MIN_PRESENT * len(series):
        return "mostly_absent"
    # Rounding errors of a constant are no movement.
    if np.ptp(present) <= 1e-12 * np.abs(present).max():
        return "constant"
    return None


def _learn_metric(series: Floats, at_ms: Times, settings: NormalPeriodSettings) -> _Learned:
    is_present = np.isfinite(series)
    present = series[is_present]
    centre, spread = float(present.mean()), float(present.std())
    in_normal = independent_count(present)
    covered_ms = len(present) * _interval_ms(at_ms[is_present])
    return _Learned(
        centre=centre,
        spread=spread,
        per_window=max(1.0, in_normal * settings.window_ms / covered_ms),
        in_normal=in_normal,
        standard=np.where(is_present, (series - centre) / spread, 0.0),
    )


def _combine(
    learned: dict[str, _Learned],
    settings: NormalPeriodSettings,
    left_out: dict[str, str],
) -> NormalModel:
    each = list(learned.values())
    in_normal = np.array([metric.in_normal for metric in each])
    return NormalModel(
        settings=settings,
        metrics=tuple(learned),
        centre=np.array([metric.centre for metric in each]),
        spread=np.array([metric.spread for metric in each]),
        per_window=np.array([metric.per_window for metric in each]),
        in_normal=in_normal,
        correlation=_correlation(np.column_stack([metric.standard for metric in each]), in_normal),
        threshold=settings.margin * _regular_distance(len(each)),
        n_readings=len(each[0].standard),
        left_out=left_out,
    )


def _correlation(standard: Floats, in_normal: Floats) -> Floats:
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415 - every command would pay for it

    # Ledoit and Wolf assume independent readings. Two metrics that wander look correlated by
    # chance, so each is shrunken further towards none as n / (n + k) of its independent readings.
    covariance = ledoit_wolf(standard, assume_centered=True)[0]
    scale = np.sqrt(np.diag(covariance))
    trust = np.sqrt(in_normal / (in_normal + len(in_normal)))
    correlation: Floats = covariance / np.outer(scale, scale) * np.outer(trust, trust)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _regular_distance(k: int) -> float:
    """The root of the χ² quantile with k degrees of freedom, by Wilson and Hilferty (1931)."""
    ninth = 2.0 / (9.0 * k)
    cube_root = 1.0 - ninth + NormalDist().inv_cdf(1.0 - _TAIL) * ninth**0.5
    return float((k * cube_root**3) ** 0.5)


def _find_threshold(model: NormalModel, own: Samples) -> float:
    blocks = np.array_split(np.arange(len(own.at_ms)), _BLOCKS)
    largest = max(_largest_distance(model, own, block) for block in blocks)
    return max(model.threshold, _GUARD * largest)


def _largest_distance(model: NormalModel, own: Samples, block: Rows) -> float:
    # Windows that overlap the block's are left out of the mean it is judged by.
    near_ms = model.settings.window_ms
    first_ms, last_ms = own.at_ms[block[[0, -1]]]
    is_other = (own.at_ms < first_ms - near_ms) | (own.at_ms > last_ms + near_ms)
    centre = [
        _mean(own.values[metric][is_other], usual)
        for metric, usual in zip(model.metrics, model.centre.tolist(), strict=True)
    ]
    judge = NormalPeriodDetector.of({0: replace(model, centre=np.array(centre))})
    unnamed = replace(own, asset=np.zeros_like(own.asset))
    distance = judge.distances(unnamed, block)[1]
    return float(np.nanmax(distance, initial=0.0))


def _mean(series: Floats, otherwise: float) -> float:
    present = series[np.isfinite(series)]
    return float(present.mean()) if len(present) else otherwise
