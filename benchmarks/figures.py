"""What a benchmark reports: repeated values with their spread, held against a mark."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Below this many values the 95th percentile says no more than the largest one does.
_ENOUGH_FOR_P95 = 20


@dataclass(frozen=True, slots=True)
class Mark:
    """What is wanted: a statistic (`p50`, `p95` or `highest`) of at most so much."""

    statistic: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured: `values` in `unit`, in the order they came."""

    name: str
    unit: str
    values: Sequence[float]
    mark: Mark | None = None
    note: str = ""

    @property
    def p50(self) -> float:
        return float(np.median(self.values))

    @property
    def p95(self) -> float:
        if len(self.values) < _ENOUGH_FOR_P95:
            return self.highest
        return float(np.quantile(self.values, 0.95))

    @property
    def lowest(self) -> float:
        return float(min(self.values))

    @property
    def highest(self) -> float:
        return float(max(self.values))

    def judge(self) -> str:
        """Whether the mark was met, in words; empty where there is none."""
        if self.mark is None:
            return ""
        over = float(getattr(self, self.mark.statistic)) - self.mark.at_most
        wanted = f"{self.mark.statistic} ≤ {self.mark.at_most:g} {self.unit}"
        return f"mark {wanted}: {'met' if over <= 0 else f'missed by {over:.3g} {self.unit}'}"

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "n": len(self.values),
            "p50": self.p50,
            "p95": self.p95,
            "lowest": self.lowest,
            "highest": self.highest,
            "mark": self.judge(),
            "note": self.note,
            "values": list(self.values),
        }
