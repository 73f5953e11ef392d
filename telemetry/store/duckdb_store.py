"""The embedded store: one DuckDB file owned by this process, written by one thread."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from foundation.errors import Invalid, Unavailable
from telemetry.store import duckdb_sql as sql
from telemetry.store.batches import MAX_ASSET, combine
from telemetry.store.contract import (
    MAX_BUCKETS,
    Buckets,
    SampleBatch,
    Samples,
    check_metric_names,
    check_model_name,
    check_period,
)
from telemetry.store.duckdb_file import DuckDBFile
from telemetry.store.duckdb_results import as_buckets, as_samples
from telemetry.store.duckdb_snapshot import DuckDBSnapshot, open_snapshot
from telemetry.store.duckdb_writer import DuckDBWriter

Result = TypeVar("Result")


class DuckDBStore:
    """A `Store` in one file.

    Args:
        path: the file; made when missing, with a `.wal` file beside it while it is open.
        memory_limit: as DuckDB writes it; queries beyond it spill to disk.
        threads: of one query.

    Raises:
        Conflict: when another process or store has the file.
        Unavailable: when it cannot be opened.
    """

    def __init__(self, path: Path, *, memory_limit: str = "1GB", threads: int = 2) -> None:
        self._file = DuckDBFile(path, memory_limit=memory_limit, threads=threads)
        try:
            self._writer = DuckDBWriter(self._file)
        except BaseException:
            self._file.close()
            raise
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")

    def write(self, batches: Sequence[SampleBatch]) -> None:
        combined = combine(batches)
        if combined:
            self._submit(lambda: self._writer.write(combined)).result()

    def _submit(self, work: Callable[[], Result]) -> Future[Result]:
        try:
            return self._thread.submit(work)
        except RuntimeError as error:  # the thread was told to end
            raise Unavailable(f"The store {self._file.path.name} is closed.") from error

    def read(
        self,
        equipment_model: str,
        *,
        assets: Sequence[int] | None,
        metrics: Sequence[str],
        start_ms: int,
        end_ms: int,
    ) -> Samples:
        check_period(start_ms, end_ms)
        names, present = self._choose(equipment_model, metrics)
        parameters: dict[str, Any] = {"start_ms": start_ms, "end_ms": end_ms}
        if assets is not None:
            parameters["assets"] = [_check_asset(asset) for asset in assets]
        if not present:
            return as_samples({}, names)
        query = sql.select_samples(equipment_model, present, is_for_all=assets is None)
        with self._file.cursor() as cursor:
            columns = cursor.execute(query, parameters).fetchnumpy()
        return as_samples(columns, names)

    def buckets(
        self,
        equipment_model: str,
        *,
        asset: int,
        metrics: Sequence[str],
        start_ms: int,
        end_ms: int,
        n_buckets: int,
    ) -> Buckets:
        check_period(start_ms, end_ms)
        if not 0 < n_buckets <= MAX_BUCKETS:
            raise Invalid(f"A period is cut into 1 to {MAX_BUCKETS} buckets.")
        names, present = self._choose(equipment_model, metrics)
        period = {"start_ms": start_ms, "end_ms": end_ms, "n_buckets": n_buckets}
        columns = {}
        if present:
            query = sql.select_buckets(equipment_model, present)
            with self._file.cursor() as cursor:
                columns = cursor.execute(
                    query, {"asset": _check_asset(asset), **period}
                ).fetchnumpy()
        return as_buckets(columns, names, **period)

    def latest(
        self, equipment_model: str, *, metrics: Sequence[str], since_ms: int
    ) -> dict[int, tuple[int, dict[str, float]]]:
        _, present = self._choose(equipment_model, metrics)
        if not present:
            return {}
        with self._file.cursor() as cursor:
            query = sql.select_latest(equipment_model, present)
            rows = cursor.execute(query, {"since_ms": since_ms}).fetchall()
        return {
            asset: (
                at_ms,
                {name: v for name, v in zip(present, row, strict=True) if v is not None},
            )
            for asset, at_ms, *row in rows
        }

    def span(self, equipment_model: str, asset: int) -> tuple[int, int, int] | None:
        check_model_name(equipment_model)
        if not self._writer.columns(equipment_model):
            return None
        with self._file.cursor() as cursor:
            query = sql.select_span(equipment_model)
            row = cursor.execute(query, {"asset": _check_asset(asset)}).fetchone()
        return row if row[2] else None

    def snapshot(self) -> AbstractContextManager[DuckDBSnapshot]:
        return open_snapshot(self._file)

    def forget(self, assets: Collection[int]) -> int:
        chosen = [_check_asset(asset) for asset in assets]
        return self._submit(lambda: self._writer.forget(chosen)).result() if chosen else 0

    def check(self) -> None:
        with self._file.cursor() as cursor:
            cursor.execute("SELECT 1").fetchone()

    def close(self) -> None:
        self._thread.shutdown(wait=True)
        self._file.close()

    def _choose(self, model: str, metrics: Sequence[str]) -> tuple[list[str], list[str]]:
        """(the metrics asked for, those of them that were ever stored)."""
        check_model_name(model)
        names = check_metric_names(metrics)
        stored = set(self._writer.columns(model))
        return names, [name for name in names if name in stored]


def _check_asset(asset: int) -> int:
    if not 0 <= asset <= MAX_ASSET:
        raise Invalid(f"{asset} is no asset: 0 to {MAX_ASSET}.")
    return int(asset)
