"""A copy of the DuckDB file's rows as of one instant, read part by part in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from telemetry.store import duckdb_sql as sql
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_file import DuckDBFile

ROWS_AT_ONCE = 200_000


class DuckDBSnapshot:
    """Reads through one cursor whose transaction sees no later writes."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._metrics: dict[str, list[str]] = {}
        for table, column in cursor.execute(sql.LIST_COLUMNS).fetchall():
            self._metrics.setdefault(sql.model_of_table(table), []).append(column)

    def count_rows(self) -> dict[str, int]:
        return {
            model: int(self._cursor.execute(sql.count_rows(model)).fetchone()[0])
            for model in self._metrics
        }

    def batches(self, equipment_model: str) -> Iterator[SampleBatch]:
        metrics = self._metrics[equipment_model]
        last = self._cursor.execute(sql.select_last_row(equipment_model)).fetchone()[0]
        query = sql.select_rows(equipment_model, metrics)
        for first in range(0, 0 if last is None else int(last) + 1, ROWS_AT_ONCE):
            bounds = {"first": first, "last": first + ROWS_AT_ONCE - 1}
            columns = self._cursor.execute(query, bounds).fetchnumpy()
            if len(columns["asset"]):
                yield SampleBatch(
                    equipment_model,
                    np.asarray(columns["asset"], dtype=np.uint32),
                    np.asarray(columns["at_ms"], dtype=np.int64),
                    {name: np.ma.filled(columns[name], np.nan) for name in metrics},
                )


@contextmanager
def open_snapshot(file: DuckDBFile) -> Iterator[DuckDBSnapshot]:
    """A snapshot of the file that lasts as long as the block."""
    with file.cursor() as cursor:
        cursor.begin()
        try:
            yield DuckDBSnapshot(cursor)
        finally:
            cursor.rollback()
