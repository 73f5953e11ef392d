"""The DuckDB store: who may own the file, and what its writer does with new and known rows."""

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import numpy as np
import pytest

from foundation.errors import Conflict, Invalid, Unavailable
from telemetry.store import duckdb_sql as sql
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore

ROOT = Path(__file__).resolve().parents[3]
T0 = 1_772_400_000_000


def rows(n, start_ms=T0, *, model="pump", asset=1, metric="temp"):
    at_ms = np.arange(start_ms, start_ms + n, dtype=np.int64)
    return SampleBatch(model, np.full(n, asset, np.uint32), at_ms, {metric: np.arange(n) * 1.0})


@pytest.fixture
def store(tmp_path):
    opened = DuckDBStore(tmp_path / "samples.duckdb", memory_limit="256MB")
    yield opened
    opened.close()


def test_a_second_store_in_this_process_is_told_to_share(store, tmp_path):
    with pytest.raises(Conflict, match="share it"):
        DuckDBStore(tmp_path / "." / "samples.duckdb")
    store.write([rows(1)])
    assert store.span("pump", 1) == (T0, T0, 1)


def test_a_second_process_is_told_the_way_out(store, tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from foundation.errors import Conflict\n"
        "from telemetry.store.duckdb_store import DuckDBStore\n"
        "try: DuckDBStore(Path(sys.argv[1]))\n"
        "except Conflict as refusal: print(refusal)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "samples.duckdb")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "belongs to another running process" in done.stdout
    assert "ask that one, or stop it first" in done.stdout


def test_after_closing_the_file_is_free(tmp_path):
    for n in range(3):
        opened = DuckDBStore(tmp_path / "samples.duckdb")
        opened.write([rows(1, T0 + n)])
        opened.close()
    reopened = DuckDBStore(tmp_path / "samples.duckdb")
    assert reopened.span("pump", 1) == (T0, T0 + 2, 3)
    reopened.close()


@pytest.mark.parametrize("content", [b"no database" * 1000, b"x"])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "samples.duckdb"
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(Unavailable, match="cannot be opened"):
            DuckDBStore(path)
    assert path.read_bytes() == content


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(Unavailable, match="cannot be opened"):
        DuckDBStore(tmp_path / "missing" / "samples.duckdb")


def test_memory_and_threads_are_limited(tmp_path):
    opened = DuckDBStore(tmp_path / "samples.duckdb", memory_limit="300MB", threads=1)
    with opened._file.cursor() as cursor:
        query = "SELECT current_setting('memory_limit'), current_setting('threads')"
        limit, threads = cursor.execute(query).fetchone()
    assert (limit, threads) == ("286.1 MiB", 1)
    opened.close()


def test_the_engine_reaches_no_other_file(store, tmp_path):
    (tmp_path / "other.csv").write_text("a\n1\n")
    with store._file.cursor() as cursor, pytest.raises(duckdb.PermissionException):
        cursor.execute(f"SELECT * FROM read_csv('{tmp_path / 'other.csv'}')")


def newest_ms(store):
    return store._writer._newest_ms


def test_the_newest_time_of_each_asset_is_remembered(store):
    store.write([rows(5), rows(2, asset=2)])
    store.write([rows(1, T0 - 100)])
    assert newest_ms(store) == {"pump": {1: T0 + 4, 2: T0 + 1}}


def test_the_newest_times_are_known_again_after_opening(tmp_path):
    first = DuckDBStore(tmp_path / "samples.duckdb")
    first.write([rows(5), rows(3, model="fan", asset=7)])
    first.close()
    second = DuckDBStore(tmp_path / "samples.duckdb")
    assert newest_ms(second) == {"pump": {1: T0 + 4}, "fan": {7: T0 + 2}}
    second.close()


def test_the_newest_times_are_read_again_when_the_file_was_opened_anew(store):
    # A commit that failed towards us may have reached the disk all the same.
    store.write([rows(1)])
    with store._file.cursor() as cursor:
        statement = sql.append("pump", ["temp"]).replace(sql.INCOMING, "range(1, 5) AS r (n)")
        cursor.execute(statement.replace('SELECT asset, at_ms, "temp"', f"SELECT 1, {T0} + n, n"))
    store._file._is_broken = True
    store.write([rows(5)])
    assert store.span("pump", 1) == (T0, T0 + 4, 5)


def test_a_refused_batch_does_not_stop_the_writer(store):
    with pytest.raises(Invalid):
        store.write([rows(1, metric="Bad Name")])
    store.write([rows(1)])
    assert store.span("pump", 1) == (T0, T0, 1)


def test_the_writer_thread_ends_with_the_store(tmp_path):
    before = set(threading.enumerate())
    opened = DuckDBStore(tmp_path / "samples.duckdb")
    opened.write([rows(1)])
    (writer,) = set(threading.enumerate()) - before
    assert writer.name.startswith("store-writer")
    opened.close()
    assert not writer.is_alive()


def test_readers_see_whole_writes_while_rows_arrive(store):
    store.write([rows(1, asset=1), rows(1, asset=2)])
    torn, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            one = store.read("pump", assets=None, metrics=["temp"], start_ms=T0, end_ms=T0 + 9999)
            if (one.asset == 1).sum() != (one.asset == 2).sum():
                torn.append(one)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(1, 40):
        store.write([rows(1, T0 + n, asset=1), rows(1, T0 + n, asset=2)])
    stop.set()
    for reader in readers:
        reader.join()
    assert torn == []
