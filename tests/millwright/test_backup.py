"""A backup while others write, and what comes back from it on an empty machine."""

import hashlib
import json
import threading

import numpy as np
import pytest
from sqlalchemy import select

from foundation import audit, audit_seals
from foundation.database import open_database
from foundation.errors import Conflict, Invalid, Unavailable
from foundation.identity.scope import Scope
from millwright.operation.backup import MANIFEST, PARTIAL, write_backup
from millwright.operation.portable import read_tables
from millwright.operation.restore import restore
from millwright.schema import check_schema, downgrade
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore
from tests.conftest import START

SYSTEM = Scope.system("test")


def quiet(*_told):
    pass


def batch(first, count, asset=1):
    """Rows with gaps: a metric that is there for every second row alone."""
    at_ms = np.arange(first, first + count, dtype=np.int64) * 1000
    values = {"temperature": at_ms / 7, "pressure": np.where(at_ms % 2000 == 0, 1.5, np.nan)}
    return SampleBatch("pump", np.full(count, asset, dtype=np.uint32), at_ms, values)


def note(database, count=1):
    with database.transaction(SYSTEM) as session:
        for number in range(count):
            audit.record(session, at=START, action="a:b:c", subject_kind="x", subject_id=number)


def seal(database):
    with database.transaction(SYSTEM) as session:
        audit_seals.seal_rows(session)


@pytest.fixture
def store(tmp_path):
    opened = DuckDBStore(tmp_path / "source.duckdb", memory_limit="256MB")
    opened.write([batch(0, 500), batch(0, 300, asset=2)])
    yield opened
    opened.close()


@pytest.fixture
def filled(network):
    note(network.database, 40)
    seal(network.database)
    return network.database


@pytest.fixture
def place(tmp_path):
    """An empty machine."""
    database = open_database(f"sqlite:///{tmp_path}/restored.db")
    opened = DuckDBStore(tmp_path / "restored.duckdb", memory_limit="256MB")
    yield database, opened
    opened.close()
    database.close()


@pytest.fixture
def backup(filled, store, clock, tmp_path):
    write_backup(filled, store, clock, tmp_path / "backup", quiet)
    return tmp_path / "backup"


def rows_of(database):
    with database.engine.connect() as connection:
        return {
            table.name: [
                [str(value).removesuffix("+00:00") for value in row]
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in read_tables(connection)
        }


def samples_of(store):
    return store.read(
        "pump", assets=None, metrics=["temperature", "pressure"], start_ms=0, end_ms=10**9
    )


def test_everything_comes_back(filled, store, backup, place, clock):
    before = rows_of(filled)
    manifest, found = restore(*place, backup, clock, quiet)
    after = rows_of(place[0])
    assert (found.sealed, found.faults) == (len(before["audit_row"]), ())
    assert found.sealed >= 40
    note_of_it = after["audit_row"].pop()
    assert note_of_it[4] == "command:backup:restore"
    assert after == before
    assert manifest.samples == {"pump": 800}
    for ours, theirs in zip(
        samples_of(store).values.values(), samples_of(place[1]).values.values(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.postgresql
def test_a_backup_of_sqlite_goes_on_in_postgresql(
    sqlite_database, postgresql, store, clock, tmp_path
):
    note(sqlite_database, 5)
    seal(sqlite_database)
    write_backup(sqlite_database, store, clock, tmp_path / "backup", quiet)
    url = _empty_postgresql(postgresql)
    database, opened = open_database(url), DuckDBStore(tmp_path / "new.duckdb")
    restore(database, opened, tmp_path / "backup", clock, quiet)
    # New rows are numbered after those that came back.
    note(database)
    opened.close()
    database.close()


def _empty_postgresql(postgresql):
    with postgresql.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS restored")
        connection.exec_driver_sql("CREATE DATABASE restored")
    return postgresql.engine.url.set(database="restored").render_as_string(hide_password=False)


def test_it_holds_at_least_what_was_there_when_it_began(filled, store, clock, tmp_path, place):
    stop = threading.Event()

    def go_on():
        at = 1000
        while not stop.is_set():
            note(filled)
            store.write([batch(at, 5)])
            at += 5

    writer = threading.Thread(target=go_on)
    writer.start()
    manifest = write_backup(filled, store, clock, tmp_path / "backup", quiet)
    stop.set()
    writer.join(20)
    assert manifest.tables["audit_row"] >= manifest.start.audit_rows >= 40
    assert manifest.samples["pump"] >= manifest.start.samples["pump"] >= 800
    restore(*place, tmp_path / "backup", clock, quiet)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "add"])
def test_damage_is_found_before_anything_is_restored(backup, place, clock, harm):
    victim = backup / "rows" / "audit_row.jsonl"
    whole = victim.read_bytes()
    acts = {
        "flip": lambda: victim.write_bytes(whole[:50] + b"X" + whole[51:]),
        "cut": lambda: victim.write_bytes(whole[:-20]),
        "remove": victim.unlink,
        "add": lambda: (backup / "rows" / "further.jsonl").write_text("[]"),
    }
    acts[harm]()
    with pytest.raises(Invalid, match=r"damaged: rows/"):
        restore(*place, backup, clock, quiet)
    assert rows_of(place[0]) == {}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_forged_audit_row_with_a_right_checksum_is_found(backup, place, clock):
    victim = backup / "rows" / "audit_row.jsonl"
    victim.write_text(victim.read_text().replace('"a:b:c"', '"a:b:d"', 1))
    manifest = json.loads((backup / MANIFEST).read_text())
    digest = hashlib.sha256(victim.read_bytes()).hexdigest()
    manifest["files"]["rows/audit_row.jsonl"] = digest
    (backup / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Invalid, match=r"audit of the backup does not hold: Row \d+ was changed"):
        restore(*place, backup, clock, quiet)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_goes_into_empty_places_alone(backup, place, clock):
    restore(*place, backup, clock, quiet)
    with pytest.raises(Conflict, match="There is data already"):
        restore(*place, backup, clock, quiet)


def test_a_backup_of_an_older_schema_is_brought_up(sqlite_database, store, clock, tmp_path, place):
    note(sqlite_database, 3)
    downgrade(sqlite_database, "0003")
    manifest = write_backup(sqlite_database, store, clock, tmp_path / "backup", quiet)
    assert manifest.revision == "0003"
    restore(*place, tmp_path / "backup", clock, quiet)
    check_schema(place[0])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_cannot_be_written_leaves_nothing(filled, store, clock, tmp_path, backup):
    with pytest.raises(Conflict, match="choose a new folder"):
        write_backup(filled, store, clock, backup, quiet)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        write_backup(filled, store, clock, tmp_path / "file" / "backup", quiet)
    assert list(tmp_path.glob(f"*{PARTIAL}")) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_its_files_are_for_their_owner_alone(backup):
    assert backup.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_no_backup_is_refused(place, clock, tmp_path):
    with pytest.raises(Invalid, match="is no backup"):
        restore(*place, tmp_path, clock, quiet)
