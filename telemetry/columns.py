"""Gathers accepted readings into column arrays, a set per equipment model; no object per point."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.store.contract import SampleBatch


@dataclass(slots=True)
class _Table:
    assets: list[int] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    # Of each set of metrics the rows that have just these, and their values: few sets, many rows.
    rows: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    values: dict[tuple[str, ...], list[tuple[float, ...]]] = field(default_factory=dict)

    def add(self, asset_id: int, at_ms: int, values: Mapping[str, float]) -> None:
        metrics = tuple(values)
        if metrics not in self.rows:
            self.rows[metrics], self.values[metrics] = [], []
        self.rows[metrics].append(len(self.assets))
        self.values[metrics].append(tuple(values.values()))
        self.assets.append(asset_id)
        self.times_ms.append(at_ms)

    def as_batch(self, equipment_model: str) -> SampleBatch:
        columns: dict[str, NDArray[np.float64]] = {}
        for metrics, rows in self.rows.items():
            block = np.array(self.values[metrics])
            for place, metric in enumerate(metrics):
                if metric not in columns:
                    columns[metric] = np.full(len(self.assets), np.nan)
                columns[metric][rows] = block[:, place]
        return SampleBatch(
            equipment_model,
            np.array(self.assets, dtype=np.uint32),
            np.array(self.times_ms, dtype=np.int64),
            columns,
        )


class Columns:
    """Accepted readings of one batch of messages."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}

    def add(
        self, equipment_model: str, asset_id: int, at_ms: int, values: Mapping[str, float]
    ) -> None:
        """Takes in one reading in the model's own metrics and units."""
        if equipment_model not in self._tables:
            self._tables[equipment_model] = _Table()
        self._tables[equipment_model].add(asset_id, at_ms, values)

    def as_batches(self) -> list[SampleBatch]:
        """The arrays for the store, one batch per equipment model."""
        return [table.as_batch(model) for model, table in self._tables.items()]
