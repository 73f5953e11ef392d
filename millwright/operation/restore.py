"""Puts a backup back on an empty machine and proves it: counts, checksums, the audit's chain."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sqlalchemy import func, select

from foundation import audit
from foundation.audit_seals import Verification, verify
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, Invalid
from foundation.identity.scope import Scope
from millwright.operation.backup import ROWS, SAMPLES, Manifest, read_manifest
from millwright.operation.portable import Tell, import_tables, read_tables
from millwright.schema import migrate
from telemetry.store.contract import SampleBatch, Store

ROWS_AT_ONCE = 100_000


def restore(
    database: Database, store: Store, backup: Path, clock: Clock, tell: Tell
) -> tuple[Manifest, Verification]:
    """Fills empty databases from a backup, checks what is there then, and notes it in the audit.

    Raises:
        Invalid: when the backup is damaged, or what came back is not what it says.
        Conflict: when the databases are not empty.
    """
    manifest = read_manifest(backup)
    _refuse_unless_empty(database, store)
    migrate(database, manifest.revision)
    with database.engine.begin() as connection:
        tables = import_tables(connection, backup / ROWS, tell)
    samples = _fill_store(store, backup / SAMPLES, manifest, tell)
    _compare(manifest, tables, samples)
    migrate(database)
    found = _verify_audit(database, manifest)
    _note(database, manifest, clock)
    return manifest, found


def _refuse_unless_empty(database: Database, store: Store) -> None:
    with database.engine.connect() as connection:
        tables = read_tables(connection)
        filled = [
            each.name for each in tables if connection.execute(select(each).limit(1)).first()
        ]
    with store.snapshot() as snapshot:
        filled += [model for model, rows in snapshot.count_rows().items() if rows]
    if filled:
        raise Conflict(
            "There is data already (%(where)s). Restore into an empty database and folder.",
            where=", ".join(filled[:5]),
        )


def _fill_store(store: Store, folder: Path, manifest: Manifest, tell: Tell) -> dict[str, int]:
    done, total = 0, sum(manifest.samples.values())
    with duckdb.connect() as reader:
        for model in manifest.samples:
            for path in sorted((folder / model).glob("*.parquet")):
                for batch in _read_part(reader, model, path):
                    store.write([batch])
                    done += batch.asset.size
                    tell("samples", done, total)
    with store.snapshot() as snapshot:
        return snapshot.count_rows()


def _read_part(reader: Any, model: str, path: Path) -> list[SampleBatch]:
    columns = reader.execute("SELECT * FROM read_parquet($path)", {"path": str(path)}).fetchnumpy()
    asset = np.asarray(columns.pop("asset"), dtype=np.uint32)
    at_ms = np.asarray(columns.pop("at_ms"), dtype=np.int64)
    values = {name: np.ma.filled(column, np.nan) for name, column in columns.items()}
    return [
        SampleBatch(
            model,
            asset[first : first + ROWS_AT_ONCE],
            at_ms[first : first + ROWS_AT_ONCE],
            {name: column[first : first + ROWS_AT_ONCE] for name, column in values.items()},
        )
        for first in range(0, asset.size, ROWS_AT_ONCE)
    ]


def _compare(manifest: Manifest, tables: dict[str, int], samples: dict[str, int]) -> None:
    wrong = [name for name, rows in manifest.tables.items() if tables.get(name) != rows]
    wrong += [model for model, rows in manifest.samples.items() if samples.get(model, 0) != rows]
    if tables.get("audit_row", 0) < manifest.start.audit_rows:
        wrong.append("audit rows since the start")
    begun = manifest.start.samples.items()
    wrong += [model for model, rows in begun if samples.get(model, 0) < rows]
    if wrong:
        raise Invalid("Not everything came back: %(what)s", what=", ".join(sorted(set(wrong))))


def _verify_audit(database: Database, manifest: Manifest) -> Verification:
    with database.session(Scope.system("restore")) as session:
        found = verify(session)
        rows = session.scalar(select(func.count()).select_from(audit.AuditRow)) or 0
    if found.faults or found.head != manifest.audit_head or rows < manifest.start.audit_rows:
        said = "; ".join(found.faults) or "its head is another"
        raise Invalid("The audit of the backup does not hold: %(faults)s", faults=said)
    return found


def _note(database: Database, manifest: Manifest, clock: Clock) -> None:
    with database.transaction(Scope.system("restore")) as session:
        audit.record(
            session,
            at=clock.now(),
            action="command:backup:restore",
            subject_kind="backup",
            subject_id=manifest.made_at,
            details={"revision": manifest.revision, "audit_head": manifest.audit_head},
        )
