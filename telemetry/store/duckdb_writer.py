"""Writing to the DuckDB file: tables and columns on demand, new rows appended, others merged.

It must be called by one thread only: two merging the same rows would both insert them.
"""

from collections.abc import Sequence
from typing import Any

from telemetry.store import duckdb_sql as sql
from telemetry.store.batches import find_newest, plan_writes
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_file import DuckDBFile


class DuckDBWriter:
    """Applies batches to the file; remembers its columns and each asset's newest time."""

    def __init__(self, file: DuckDBFile) -> None:
        self._file = file
        self._n_openings = 0
        self._newest_ms: dict[str, dict[int, int]] = {}
        self._columns: dict[str, tuple[str, ...]] = {}
        with file.cursor() as cursor:
            self._remember(cursor)

    def columns(self, model: str) -> tuple[str, ...]:
        """The metrics that the model's table has; may be asked by any thread."""
        return self._columns.get(model, ())

    def write(self, batches: Sequence[SampleBatch]) -> None:
        """Stores combined batches in one commit, or nothing of them.

        Raises:
            Unavailable: when the machine fails; the next call may succeed.
        """
        with self._file.cursor() as cursor:
            if self._n_openings != self._file.n_openings:
                self._remember(cursor)
            for batch in batches:
                self._widen(cursor, batch)
            cursor.begin()
            # Without a commit, closing the cursor rolls back.
            for batch in batches:
                self._apply(cursor, batch)
            cursor.commit()
        for batch in batches:
            self._newest_ms[batch.equipment_model].update(self._risen(batch))

    def forget(self, assets: Sequence[int]) -> int:
        """Removes all rows of these assets in one commit; returns how many.

        Raises:
            Unavailable: when the machine fails; nothing was removed then.
        """
        removed = 0
        with self._file.cursor() as cursor:
            cursor.begin()
            for model in self._columns:
                query = sql.delete_assets(model)
                removed += int(cursor.execute(query, {"assets": list(assets)}).fetchone()[0])
            cursor.commit()
            # Gives the blocks back and takes the rows out of the write-ahead log as well.
            cursor.execute("CHECKPOINT")
        for newest in self._newest_ms.values():
            for asset in assets:
                newest.pop(asset, None)
        return removed

    def _remember(self, cursor: Any) -> None:
        columns: dict[str, list[str]] = {}
        for table, column in cursor.execute(sql.LIST_COLUMNS).fetchall():
            columns.setdefault(sql.model_of_table(table), []).append(column)
        self._newest_ms = {
            model: dict(cursor.execute(sql.select_newest(model)).fetchall()) for model in columns
        }
        self._columns = {model: tuple(names) for model, names in columns.items()}
        self._n_openings = self._file.n_openings

    def _widen(self, cursor: Any, batch: SampleBatch) -> None:
        model = batch.equipment_model
        present = self.columns(model)
        missing = [metric for metric in batch.values if metric not in present]
        if not missing:
            return
        cursor.execute(sql.create_table(model))
        for metric in missing:
            cursor.execute(sql.add_column(model, metric))
        self._newest_ms.setdefault(model, {})
        # Readers look here without a lock: the whole tuple changes at once, after the column is
        # there.
        self._columns[model] = (*present, *missing)

    def _apply(self, cursor: Any, batch: SampleBatch) -> None:
        model, metrics = batch.equipment_model, list(batch.values)
        plan = plan_writes(batch, self._newest_ms[model])
        if plan.new.asset.size:
            _run_on_rows(cursor, plan.new, sql.append(model, metrics))
        for part in plan.known:
            bounds = {"low": int(part.at_ms[0]), "high": int(part.at_ms[-1])}
            _run_on_rows(cursor, part, sql.merge(model, metrics), bounds)

    def _risen(self, batch: SampleBatch) -> dict[int, int]:
        known = self._newest_ms[batch.equipment_model]
        newest = find_newest(batch)
        return {asset: at_ms for asset, at_ms in newest.items() if at_ms > known.get(asset, -1)}


def _run_on_rows(
    cursor: Any, rows: SampleBatch, statement: str, parameters: dict[str, int] | None = None
) -> None:
    # NaN in these arrays arrives as NULL, which is how absence is stored.
    cursor.register(sql.INCOMING, {"asset": rows.asset, "at_ms": rows.at_ms, **rows.values})
    cursor.execute(statement, parameters or {})
    cursor.unregister(sql.INCOMING)
