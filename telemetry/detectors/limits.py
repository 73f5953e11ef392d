"""The limit detector: one metric beyond one bound; delays and hysteresis live in transitions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from telemetry.detectors.contract import Scores
from telemetry.detectors.transitions import Crossing, Direction
from telemetry.store.contract import Samples
from telemetry.windows import Floats, Rows

# Without a hysteresis, the score's scale is this part of the threshold.
_RELATIVE_SCALE = 0.05
_ABSURD = 1e150  # values beyond score alike, so that nothing overflows


@dataclass(frozen=True, slots=True)
class LimitDetector:
    """A metric above or below a threshold.

    Idea: the maker knows a bound that holds for every asset of the model; nothing is learned.

    Parameters: `metric`; `crossing` in the metric's unit (threshold, direction, hysteresis, delays
    in seconds, the longest gap that does not break a delay).

    Shapes: reads (n,) of its metric, judges m rows; contributions are (m, 1).

    Fails when: the bound depends on load or season; a normal period fits that better.

    Example: `LimitDetector("oil_temperature", Crossing(threshold=95, on_delay_s=60))`
    """

    metric: str
    crossing: Crossing

    @property
    def name(self) -> str:
        return "limits"

    @property
    def metrics(self) -> tuple[str, ...]:
        return (self.metric,)

    @property
    def lookback_ms(self) -> int:
        return 0

    def score(self, samples: Samples, rows: Rows) -> Scores:
        """Scores the excess e over the threshold as e / (hysteresis + |e|), moved to 0..1."""
        values = samples.values.get(self.metric)
        level = np.full(len(rows), np.nan) if values is None else values[rows]
        score = self._score(level)
        shares = np.nan_to_num(score)[:, np.newaxis]
        return Scores(samples.asset[rows], samples.at_ms[rows], score, level, shares, self.metrics)

    def _score(self, level: Floats) -> Floats:
        bound = self.crossing
        sign = 1.0 if bound.direction == Direction.HIGH else -1.0
        scale = bound.hysteresis or _RELATIVE_SCALE * abs(bound.threshold) or 1.0
        excess = sign * (np.clip(level, -_ABSURD, _ABSURD) - bound.threshold)
        return 0.5 + 0.5 * excess / (scale + np.abs(excess))

    def to_json(self) -> Mapping[str, Any]:
        return {"detector": self.name, "metric": self.metric, "crossing": asdict(self.crossing)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "LimitDetector":
        """The detector that `to_json` described."""
        crossing = dict(stored["crossing"])
        direction = Direction(crossing.pop("direction"))
        return cls(stored["metric"], Crossing(direction=direction, **crossing))
