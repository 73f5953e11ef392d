"""Labelled measurements of a simulated fleet as Parquet, a file per kind of machine."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np

from foundation.errors import Conflict, Unavailable
from simulators.faults import Fault, FaultKind
from simulators.fleet import DAY_MS, Chunk, Fleet, make_fleet

# A Monday, the second of March 2026, so that the same words always write the same values.
START_MS = 1_772_409_600_000
_CHUNK_S = 10 * 86_400


def write_dataset(
    out: Path, *, days: int, seed: int, assets: int, interval_s: int, with_flaws: bool = False
) -> Iterator[tuple[Path, int]]:
    """Writes `<kind>.parquet` for each kind of machine; gives each file with its number of rows.

    Columns: device, at_ms, every metric, `fault` (the kind of the worst present, empty when
    healthy) and `severity` (0 to 1). A sensor that was silent has NaN.

    Raises:
        Conflict: when a file is there already.
        Unavailable: when the folder cannot be written.
    """
    fleet = make_fleet(
        seed=seed,
        assets=assets,
        start_ms=START_MS,
        planned_days=days,
        interval_s=interval_s,
        with_flaws=with_flaws,
    )
    paths = {kind: out / f"{kind}.parquet" for kind in fleet.kinds}
    _check(out, paths)
    with duckdb.connect() as connection:
        _gather(connection, fleet, START_MS + days * DAY_MS)
        for kind, path in paths.items():
            table = connection.table(kind)
            try:
                table.order("device, at_ms").write_parquet(str(path))
            except duckdb.IOException as error:
                raise Unavailable(f"{path} cannot be written.") from error
            yield path, len(table)


def _check(out: Path, paths: dict[str, Path]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{out} cannot be made: {error.strerror}.") from error
    for path in paths.values():
        if path.exists():
            raise Conflict(f"{path} is there already. Take it away or choose another folder.")


def _gather(connection: duckdb.DuckDBPyConnection, fleet: Fleet, end_ms: int) -> None:
    """A table per kind, named like it."""
    assets = {asset.device: asset for asset in fleet.assets}
    made: set[str] = set()
    for chunk in fleet.simulate(fleet.start_ms, end_ms, chunk_s=_CHUNK_S):
        asset = assets[chunk[0]]
        connection.register("chunk", _label(chunk, asset.faults))
        if asset.kind in made:
            connection.view("chunk").insert_into(asset.kind)
        else:
            connection.view("chunk").create(asset.kind)
            made.add(asset.kind)
        connection.unregister("chunk")


def _label(chunk: Chunk, faults: tuple[Fault, ...]) -> dict[str, np.ndarray]:
    """The chunk's columns with what was wrong at each time."""
    device, times_ms, values = chunk
    severity = np.zeros(times_ms.shape)
    worst = np.full(times_ms.shape, "", dtype=object)
    for fault in faults:
        of_fault = fault.measure_severity(times_ms)
        worst[of_fault > severity] = FaultKind(fault.kind).value
        severity = np.maximum(severity, of_fault)
    devices = np.full(times_ms.shape, device, dtype=object)
    return {"device": devices, "at_ms": times_ms, **values, "fault": worst, "severity": severity}
