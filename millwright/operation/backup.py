"""A backup while everything runs: a folder of rows, samples and a manifest with their checksums.

The relational rows are as of one instant, the samples as of one shortly after it, so that what is
told of a machine has its readings. Secrets are no part of it: whoever restores brings their own.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import func, select

from foundation.audit import AuditRow
from foundation.audit_seals import find_head
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Conflict, Invalid, Unavailable
from foundation.identity.scope import Scope
from millwright.operation.portable import Tell, begin_snapshot, export_tables
from millwright.schema import find_revision
from telemetry.store.contract import SampleBatch, Store

FORM = 1
MANIFEST = "manifest.json"
ROWS, SAMPLES = "rows", "samples"
PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Mark:
    """What there was when a backup began: it must hold at least that."""

    audit_rows: int
    samples: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; `files` are its files' SHA-256."""

    form: int
    made_at: str
    revision: str
    start: Mark
    audit_head: str
    tables: dict[str, int]
    samples: dict[str, int]
    files: dict[str, str]


def write_backup(
    database: Database, store: Store | None, clock: Clock, to: Path, tell: Tell
) -> Manifest:
    """Writes a backup into a folder that must not exist yet; it appears only when it is whole.

    Raises:
        Conflict: when the folder exists.
        Unavailable: when a database is away or the disk is full; nothing is left then.
    """
    if to.exists():
        raise Conflict("There is something at %(path)s already; choose a new folder.", path=to)
    partial = to.with_name(to.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(mode=0o700, parents=True)
        manifest = _write(database, store, clock, partial, tell)
        partial.rename(to)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError | duckdb.IOException):
            raise Unavailable("The backup cannot be written: %(why)s", why=error) from error
        raise
    return manifest


def _write(
    database: Database, store: Store | None, clock: Clock, folder: Path, tell: Tell
) -> Manifest:
    start = _mark(database, store)
    made_at = clock.now().isoformat()
    (folder / ROWS).mkdir()
    (folder / SAMPLES).mkdir()
    tables, head = _write_rows(database, folder / ROWS, tell)
    samples = {} if store is None else _write_samples(store, folder / SAMPLES, tell)
    revision = find_revision(database)
    assert revision is not None
    files = digest_files(folder)
    manifest = Manifest(FORM, made_at, revision, start, head, tables, samples, files)
    _write_safely(folder / MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


def _mark(database: Database, store: Store | None) -> Mark:
    with database.session(Scope.system("backup")) as session:
        rows = session.scalar(select(func.count()).select_from(AuditRow)) or 0
    if store is None:
        return Mark(rows, {})
    with store.snapshot() as snapshot:
        return Mark(rows, snapshot.count_rows())


def _write_rows(database: Database, folder: Path, tell: Tell) -> tuple[dict[str, int], str]:
    with database.session(Scope.system("backup")) as session:
        connection = session.connection()
        begin_snapshot(database, connection)
        head = find_head(session)
        return export_tables(connection, folder, tell), head


def _write_samples(store: Store, folder: Path, tell: Tell) -> dict[str, int]:
    with store.snapshot() as snapshot, duckdb.connect() as writer:
        counts = snapshot.count_rows()
        done, total = 0, sum(counts.values())
        for model in counts:
            (folder / model).mkdir()
            for number, batch in enumerate(snapshot.batches(model)):
                _write_part(writer, batch, folder / model / f"{number:06}.parquet")
                done += batch.asset.size
                tell("samples", done, total)
    return counts


def _write_part(writer: Any, batch: SampleBatch, path: Path) -> None:
    writer.register("part", {"asset": batch.asset, "at_ms": batch.at_ms, **batch.values})
    where = str(path).replace("'", "''")
    writer.execute(f"COPY part TO '{where}' (FORMAT parquet, COMPRESSION zstd)")
    writer.unregister("part")


def digest_files(folder: Path) -> dict[str, str]:
    """Path within the folder → SHA-256, of all but the manifest; each is safely on the disk."""
    found = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != MANIFEST:
            with path.open("rb") as file:
                os.fsync(file.fileno())
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _write_safely(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> Manifest:
    """What a backup says of itself, after its files were held against their checksums.

    Raises:
        Invalid: when it is none, of another form, or damaged; naming the files.
    """
    try:
        given = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**(given | {"start": Mark(**given["start"])}))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Invalid("%(path)s is no backup of Millwright.", path=folder) from error
    if manifest.form != FORM:
        raise Invalid("The backup has a form that this Millwright does not know.")
    found = digest_files(folder)
    names = sorted(found.keys() | manifest.files.keys())
    damaged = [each for each in names if found.get(each) != manifest.files.get(each)]
    if damaged:
        raise Invalid("The backup is damaged: %(files)s", files=", ".join(damaged[:10]))
    return manifest
