"""Figures of a benchmark: printed as a table, written as JSON with the machine they came from."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value with its unit; `mark` is what we want it to stay below."""

    name: str
    value: float
    unit: str
    mark: float | None = None
    n: int = 1

    @property
    def verdict(self) -> str:
        """Whether the mark was met, or by how much it was missed."""
        if self.mark is None:
            return ""
        if self.value <= self.mark:
            return f"mark {self.mark:g} met"
        return f"mark {self.mark:g} missed by {self.value - self.mark:.3g}"


@dataclass(slots=True)
class Report:
    """All figures of one benchmark."""

    benchmark: str
    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, mark: float | None = None) -> None:
        self.figures.append(Figure(name, value, unit, mark))

    def add_times(self, name: str, times_s: Sequence[float], *, unit: str, mark: float) -> None:
        """Median and 95th percentile of some times; the mark is for the latter."""
        factor = 1000.0 if unit == "ms" else 1.0
        sorted_s = sorted(times_s)
        p95 = sorted_s[min(int(0.95 * len(sorted_s)), len(sorted_s) - 1)]
        n = len(sorted_s)
        self.figures.append(
            Figure(f"{name}, p50", statistics.median(sorted_s) * factor, unit, n=n)
        )
        self.figures.append(Figure(f"{name}, p95", p95 * factor, unit, mark, n))

    def show(self) -> None:
        """Prints the table and writes results/<benchmark>.json."""
        print(f"\n{self.benchmark} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")
        for each in self.figures:
            print(
                f"  {each.name:44} {each.value:10.3f} {each.unit:5} n={each.n:<5} {each.verdict}"
            )
        RESULTS.mkdir(exist_ok=True)
        machine = {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
        }
        written = {"benchmark": self.benchmark, "machine": machine}
        written["figures"] = [asdict(each) | {"verdict": each.verdict} for each in self.figures]
        path = RESULTS / f"{self.benchmark}.json"
        path.write_text(json.dumps(written, indent=2), encoding="utf-8")
