"""The DuckDB file under threads: lent cursors, opening anew, closing."""

import threading

import duckdb
import pytest

from foundation.errors import Unavailable
from telemetry.store import duckdb_file
from telemetry.store.duckdb_file import DuckDBFile


@pytest.fixture
def file(tmp_path):
    opened = DuckDBFile(tmp_path / "samples.duckdb", memory_limit="256MB", threads=1)
    yield opened
    opened.close()


def use(file):
    with file.cursor() as cursor:
        return cursor.execute("SELECT 1").fetchone()


def test_a_broken_file_is_opened_anew_at_the_next_use(file):
    file._is_broken = True
    assert use(file) == (1,)
    assert file.n_openings == 2
    assert use(file) == (1,)
    assert file.n_openings == 2


def test_opening_anew_waits_for_the_cursors_in_use(file):
    with file.cursor() as held:
        file._is_broken = True
        others = [threading.Thread(target=use, args=(file,)) for _ in range(3)]
        for other in others:
            other.start()
        others[0].join(0.1)
        assert all(other.is_alive() for other in others)
        assert held.execute("SELECT 2").fetchone() == (2,)
    for other in others:
        other.join(5)
    assert not any(other.is_alive() for other in others)
    assert file.n_openings == 2


def test_closing_waits_for_the_cursors_in_use(file):
    with file.cursor() as held:
        closer = threading.Thread(target=file.close)
        closer.start()
        closer.join(0.1)
        assert closer.is_alive()
        with pytest.raises(Unavailable):
            use(file)
        assert held.execute("SELECT 3").fetchone() == (3,)
    closer.join(5)
    assert not closer.is_alive()


def test_what_was_not_committed_is_undone(file):
    with file.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INTEGER)")
    with file.cursor() as cursor:
        cursor.begin()
        cursor.execute("INSERT INTO t VALUES (1)")
    with file.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_our_own_mistakes_are_not_called_a_failure_of_the_store(file):
    with file.cursor() as cursor, pytest.raises(duckdb.ParserException):
        cursor.execute("SELEC 1")
    with pytest.raises(duckdb.CatalogException), file.cursor() as cursor:
        cursor.execute("SELECT * FROM missing")
    assert use(file) == (1,)


def test_who_waits_too_long_for_the_opening_is_told(file, monkeypatch):
    monkeypatch.setattr(duckdb_file, "_PATIENCE_S", 0.05)
    with file.cursor():
        file._is_broken = True
        with pytest.raises(Unavailable, match="opened anew"):
            use(file)
    assert use(file) == (1,)
