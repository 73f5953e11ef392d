"""What every detector promises, and the step that judges a batch; how each judges is in its file.

A detector looks at one equipment model, all assets at once, and is pure: arrays in, arrays out.
It gives every new row a score from 0 to 1, high is anomalous, 0.5 is the threshold, NaN where
nothing can be said; and each metric's share in it. `transitions` turns the level behind the score
into raises and clears. One tick of the scoring loop, for each detector of an equipment model::

    detector = load_detector(stored_detector)                  # registry
    carried = CarriedState.from_json(state_by_asset)           # per asset, plain JSON
    oldest_ms = int(carried.seen_ms.min())                     # the watermark, kept in the state
    samples = store.read(
        equipment_model,
        assets=carried.asset.tolist(),
        metrics=detector.metrics,
        start_ms=oldest_ms - detector.lookback_ms,
        end_ms=now_ms,
    )
    found = detect(detector, samples, carried)
    for change in found.transitions:
        evidence = found.scores.shares(change.row)             # metric → its part of the score
        (raise_alarm if change.is_raise else clear_alarm)(...)
    save(found.carried.to_json())                              # in the same transaction

A new asset is entered by `CarriedState.starting({asset: fitted_until_ms})`. Rows up to an asset's
`seen_ms` only fill windows, so late rows never raise and a tick that was rolled back can be run
again. How ticks cut the stream does not change what is found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from telemetry.detectors.carried import CarriedState
from telemetry.detectors.transitions import Crossing, Transitions, find_transitions
from telemetry.store.contract import Samples
from telemetry.windows import Assets, Floats, Rows, Times


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """A detector's judgement of m rows on k metrics.

    `score` (m,) is in 0..1 or NaN; `contributions` (m, k) are 0 or more and sum to the score, all
    0 where there is none; `level` (m,) is what the detector's crossing is applied to, NaN where
    the score is.
    """

    asset: Assets
    at_ms: Times
    score: Floats
    level: Floats
    contributions: Floats
    metrics: tuple[str, ...]

    def shares(self, row: int) -> dict[str, float]:
        """Each metric's part of that row's score, the largest first."""
        parts = self.contributions[row]
        return {self.metrics[i]: float(parts[i]) for i in np.argsort(-parts, kind="stable")}


class Detector(Protocol):
    """A detector ready to judge; it never learns from what it judges."""

    @property
    def name(self) -> str:
        """Its key in the registry."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """What it reads, ascending."""
        ...

    @property
    def lookback_ms(self) -> int:
        """How far before the oldest new row the samples must reach."""
        ...

    @property
    def crossing(self) -> Crossing:
        """When its level raises and clears."""
        ...

    def score(self, samples: Samples, rows: Rows) -> Scores:
        """Judges the given rows, ascending, by themselves and what came before them."""
        ...

    def to_json(self) -> Mapping[str, Any]:
        """Plain numbers and texts, from which the registry makes an equal detector."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Detection:
    """What one batch came to: scores of its new rows, their raises and clears, the next state."""

    scores: Scores
    transitions: Transitions
    carried: CarriedState


def detect(detector: Detector, samples: Samples, carried: CarriedState) -> Detection:
    """Judges the rows of the samples that are newer than each asset's `seen_ms`."""
    rows = np.flatnonzero(samples.at_ms > carried.watermarks(samples.asset))
    scores = detector.score(samples, rows)
    transitions, after = find_transitions(
        scores.asset, scores.at_ms, scores.level, crossing=detector.crossing, carried=carried
    )
    return Detection(scores, transitions, after)
