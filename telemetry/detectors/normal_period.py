"""The normal-period detector: how far an asset is from its normal; learning is normal_fitting.

This file judges with what was learned, for all assets of an equipment model in the same few array
operations, and needs numpy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foundation.errors import Invalid
from telemetry.detectors.contract import Scores
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.detectors.transitions import Crossing
from telemetry.features import window_means
from telemetry.store.contract import Samples
from telemetry.windows import Assets, Flags, Floats, Rows, find_windows

_CHUNK = 4_000_000  # numbers; bounds the memory of one whitening matrix per row
_ABSURD = 1e150  # means beyond score alike, so that nothing overflows
_FARTHEST = 1e9  # standard errors; likewise
_ARRAYS = ("centre", "spread", "per_window", "in_normal", "correlation")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class NormalModel:
    """What one asset's normal period taught about its k metrics; (k,) unless said.

    `centre` and `spread` are each metric's mean and standard deviation; `per_window` and
    `in_normal` the independent readings that a window and the whole normal period are worth;
    `correlation` (k, k) is positive definite; `threshold` is the distance that scores 0.5.
    `left_out` names metrics that taught nothing, with the reason.
    """

    settings: NormalPeriodSettings
    metrics: tuple[str, ...]
    centre: Floats
    spread: Floats
    per_window: Floats
    in_normal: Floats
    correlation: Floats
    threshold: float
    n_readings: int
    left_out: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and texts; reads back to the same scores, to the last bit."""
        return {
            "settings": self.settings.to_json(),
            "metrics": list(self.metrics),
            **{name: getattr(self, name).tolist() for name in _ARRAYS},
            "threshold": self.threshold,
            "n_readings": self.n_readings,
            "left_out": dict(self.left_out),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "NormalModel":
        """The model that `to_json` described."""
        return cls(
            settings=NormalPeriodSettings.from_json(stored["settings"]),
            metrics=tuple(stored["metrics"]),
            threshold=float(stored["threshold"]),
            n_readings=int(stored["n_readings"]),
            left_out=dict(stored["left_out"]),
            **{name: np.array(stored[name], dtype=np.float64) for name in _ARRAYS},
        )


@dataclass(frozen=True, eq=False, slots=True)
class NormalPeriodDetector:
    """The distance of a rolling mean from the asset's own normal, over all metrics together.

    Idea: a shrunken Mahalanobis distance. A metric's deviation z is its window's mean minus its
    normal mean, over the standard error of that difference, σ √(1/m + 1/n): m and n count
    *independent* readings in the window and in the normal period. A metric that wandered slowly
    in its normal period, such as a temperature, is worth few independent readings however often
    it was read, so its level says little later on; white noise is averaged away, so a small
    lasting shift says much. The correlated z are whitened by the inverse root of their
    correlation, w = C^-½ z; the distance is d = |w|, the score d / (d + threshold), and metric
    i's part of it w_i² / d². Of all whitenings this one keeps each w_i closest to its own metric.

    Parameters: the fitted models, by asset, all of the same settings; see `NormalPeriodSettings`.

    Shapes: metrics are the union of the models' k; judges m rows; contributions are (m, k).

    Missing metrics: the distance is taken over those present, which counts as if the others stood
    where these would lead one to expect. The threshold stays: a silent sensor makes no alarms.
    With fewer than half of a model's metrics there is no score. Nor before a window has filled,
    at the start and after a gap; nor for an asset without a model.

    Fails when: the normal period held a fault, or only one of several duties (load, season); the
    machine wanders on scales much longer than the normal period; a fault changes only the noise or
    the rhythm, not the mean.

    Reference: A. Kessy, A. Lewin, K. Strimmer, Optimal whitening and decorrelation, The American
    Statistician 72 (2018), "ZCA-cor".
    """

    settings: NormalPeriodSettings
    metrics: tuple[str, ...]
    models: Mapping[int, NormalModel]
    _stack: "_Stack"

    @classmethod
    def of(cls, models: Mapping[int, NormalModel]) -> "NormalPeriodDetector":
        """One detector for many assets.

        Raises:
            Invalid: when there is no model, or they were fitted with different settings.
        """
        settings = {model.settings for model in models.values()}
        if len(settings) != 1:
            raise Invalid("A detector needs models, all fitted with the same settings.")
        ordered = {asset: models[asset] for asset in sorted(models)}
        metrics = tuple(sorted({name for model in models.values() for name in model.metrics}))
        return cls(settings.pop(), metrics, ordered, _Stack.of(ordered, metrics))

    @property
    def name(self) -> str:
        return "normal_period"

    @property
    def lookback_ms(self) -> int:
        return self.settings.window_ms + self.settings.max_gap_ms

    @property
    def crossing(self) -> Crossing:
        return self.settings.crossing

    def score(self, samples: Samples, rows: Rows) -> Scores:
        """The score of each row and each metric's part of it."""
        parts, distance, threshold = self.distances(samples, rows)
        score = distance / (distance + threshold)
        total = np.nansum(parts, axis=1)
        factor = np.divide(score, total, out=np.zeros_like(score), where=total > 0)
        contributions = np.nan_to_num(parts * factor[:, np.newaxis])
        asset, at_ms = samples.asset[rows], samples.at_ms[rows]
        return Scores(asset, at_ms, score, score, contributions, self.metrics)

    def distances(self, samples: Samples, rows: Rows) -> tuple[Floats, Floats, Floats]:
        """Squared parts (m, k) of the distance, the distance (m,) and its threshold (m,).

        All NaN where there is no score.
        """
        deviations, place = self._deviations(samples, rows)
        stack = self._stack
        is_scored = stack.is_enough(deviations, place)
        parts = np.full(deviations.shape, np.nan)
        n_chunks = 1 + deviations.size * len(self.metrics) // _CHUNK
        for chunk in np.array_split(np.flatnonzero(is_scored), n_chunks):
            parts[chunk] = stack.whiten(deviations[chunk], place[chunk]) ** 2
        threshold = np.where(is_scored, stack.threshold[place], np.nan)
        return parts, np.sqrt(parts.sum(axis=1)), threshold

    def _deviations(self, samples: Samples, rows: Rows) -> tuple[Floats, Rows]:
        # z (m, k), NaN where absent, and each row's place in the stack.
        place, is_known = self._stack.places(samples.asset[rows])
        windows = find_windows(
            samples,
            rows,
            window_ms=self.settings.window_ms,
            max_gap_ms=self.settings.max_gap_ms,
        )
        is_judged = is_known & windows.is_filled
        deviations = np.full((len(rows), len(self.metrics)), np.nan)
        for column, metric in enumerate(self.metrics):
            if metric in samples.values:
                means, counts = window_means(samples.values[metric], windows)
                found = self._stack.deviation(column, place, means, counts)
                deviations[:, column] = np.where(is_judged, found, np.nan)
        return deviations, place

    def to_json(self) -> Mapping[str, Any]:
        models = {str(asset): model.to_json() for asset, model in self.models.items()}
        return {"detector": self.name, "models": models}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "NormalPeriodDetector":
        """The detector that `to_json` described."""
        models = stored["models"].items()
        return cls.of({int(asset): NormalModel.from_json(model) for asset, model in models})


@dataclass(frozen=True, eq=False, slots=True)
class _Stack:
    # The models of a assets on k metrics; a metric that a model lacks has `has` False there.
    assets: Assets
    has: Flags
    centre: Floats
    spread: Floats
    per_window: Floats
    in_normal: Floats
    correlation: Floats
    whitening: Floats
    threshold: Floats

    @classmethod
    def of(cls, models: Mapping[int, NormalModel], metrics: Sequence[str]) -> "_Stack":
        shape = (len(models), len(metrics))
        has = np.zeros(shape, dtype=np.bool_)
        centre, spread, per_window, in_normal = (np.ones(shape) for _ in range(4))
        correlation = np.tile(np.eye(len(metrics)), (len(models), 1, 1))
        for row, model in enumerate(models.values()):
            at = [metrics.index(name) for name in model.metrics]
            has[row, at] = True
            correlation[row][np.ix_(at, at)] = model.correlation
            centre[row, at], spread[row, at] = model.centre, model.spread
            per_window[row, at], in_normal[row, at] = model.per_window, model.in_normal
        threshold = np.array([model.threshold for model in models.values()])
        assets = np.array(list(models), dtype=np.uint32)
        return cls(
            assets=assets,
            has=has,
            centre=centre,
            spread=spread,
            per_window=per_window,
            in_normal=in_normal,
            correlation=correlation,
            whitening=inverse_root(correlation),
            threshold=threshold,
        )

    def places(self, asset: Assets) -> tuple[Rows, Flags]:
        place = np.minimum(np.searchsorted(self.assets, asset), len(self.assets) - 1)
        return place, self.assets[place] == asset

    def deviation(self, column: int, place: Rows, means: Floats, counts: Rows) -> Floats:
        # Fewer readings than usual in the window make its mean less certain.
        in_window = np.clip(counts, 1, self.per_window[place, column])
        error = np.sqrt(1.0 / in_window + 1.0 / self.in_normal[place, column])
        centre, spread = self.centre[place, column], self.spread[place, column]
        standard = (np.clip(means, -_ABSURD, _ABSURD) - centre) / (spread * error)
        found: Floats = np.where(self.has[place, column], standard, np.nan)
        return np.clip(found, -_FARTHEST, _FARTHEST)

    def is_enough(self, deviations: Floats, place: Rows) -> Flags:
        enough: Flags = 2 * np.isfinite(deviations).sum(axis=1) >= self.has[place].sum(axis=1)
        return enough

    def whiten(self, deviations: Floats, place: Rows) -> Floats:
        present = np.isfinite(deviations)
        known = np.where(present, deviations, 0.0)
        whitened: Floats = np.einsum("mij,mj->mi", self.whitening[place], known)
        lacking = np.flatnonzero((present != self.has[place]).any(axis=1))
        if len(lacking):
            whitened[lacking] = self._whiten_part(known[lacking], present[lacking], place[lacking])
        return whitened

    def _whiten_part(self, known: Floats, present: Flags, place: Rows) -> Floats:
        # Rows that lack the same metrics of the same model share a matrix: one per case.
        cases, case = np.unique(np.column_stack([place, present]), axis=0, return_inverse=True)
        keep = cases[:, 1:].astype(np.bool_)
        pairs = keep[:, :, np.newaxis] & keep[:, np.newaxis, :]
        correlation = np.where(pairs, self.correlation[cases[:, 0]], np.eye(keep.shape[1]))
        whitening = inverse_root(correlation)[case.ravel()]
        whitened: Floats = np.einsum("mij,mj->mi", whitening, known)
        return whitened


def inverse_root(matrices: Floats) -> Floats:
    """The symmetric M^-½ of each positive definite matrix (a, k, k)."""
    values, vectors = np.linalg.eigh(matrices)
    root: Floats = np.einsum("aij,aj,akj->aik", vectors, values**-0.5, vectors)
    return root
