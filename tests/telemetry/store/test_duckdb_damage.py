"""The DuckDB store on files that a power cut or a bad disk left behind: true rows or a refusal."""

import shutil
from contextlib import closing

import numpy as np
import pytest

from foundation.errors import Unavailable
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore

T0 = 1_772_400_000_000
N_WRITES = 20
N_ROWS = 200_000


def batch(start, n):
    noise = np.random.default_rng(start).normal(size=n)  # does not compress
    at_ms = np.arange(T0 + start, T0 + start + n, dtype=np.int64)
    return SampleBatch("pump", np.ones(n, np.uint32), at_ms, {"value": noise})


def read_values(path):
    with closing(DuckDBStore(path)) as store:
        found = store.read("pump", assets=[1], metrics=["value"], start_ms=T0, end_ms=T0 + 10**9)
    return found.values["value"]


@pytest.fixture(scope="module")
def torn(tmp_path_factory):
    """A copy, taken in mid-life, of a store of which all rows are still in the log."""
    folder = tmp_path_factory.mktemp("torn")
    with closing(DuckDBStore(folder / "samples.duckdb")) as store:
        for n in range(N_WRITES):
            store.write([batch(n * 10, 10)])
        for suffix in ("", ".wal"):
            shutil.copy(folder / f"samples.duckdb{suffix}", folder / f"copy.duckdb{suffix}")
    return folder / "copy.duckdb"


def log_of(path):
    return path.with_name(path.name + ".wal")


@pytest.fixture
def copy(torn, tmp_path):
    """A torn store of the test's own."""
    shutil.copy(torn, tmp_path / "samples.duckdb")
    shutil.copy(log_of(torn), tmp_path / "samples.duckdb.wal")
    return tmp_path / "samples.duckdb"


EXPECTED = np.concatenate([batch(n * 10, 10).values["value"] for n in range(N_WRITES)])


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.35, 0.6, 0.85, 0.999])
def test_a_log_cut_short_loses_its_tail_only(copy, kept):
    log = log_of(copy)
    log.write_bytes(log.read_bytes()[: round(log.stat().st_size * kept)])
    found = read_values(copy)
    assert len(found) % 10 == 0, "A write is there as a whole or not at all."
    assert abs(len(found) / 10 - kept * N_WRITES) <= 3
    assert (found == EXPECTED[: len(found)]).all()


@pytest.mark.parametrize("place", [0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_damaged_log_is_refused_or_taken_for_torn(copy, place):
    content = bytearray(log_of(copy).read_bytes())
    content[round(len(content) * place)] ^= 0xFF
    log_of(copy).write_bytes(content)
    try:
        found = read_values(copy)
    except Unavailable:
        with pytest.raises(Unavailable, match="from a backup"):
            read_values(copy)
        assert log_of(copy).read_bytes() == content, "The evidence stays as it is."
    else:
        # The damage hit the length of an entry, which then reads as the torn end of the log.
        assert (found == EXPECTED[: len(found)]).all()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The bytes of a closed store of several blocks."""
    path = tmp_path_factory.mktemp("filled") / "samples.duckdb"
    with closing(DuckDBStore(path)) as store:
        store.write([batch(0, N_ROWS)])
    return path.read_bytes()


@pytest.mark.parametrize("place", [0.0, 0.002, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.95])
def test_a_damaged_file_is_refused_with_the_way_back(filled, tmp_path, place):
    content = bytearray(filled)
    content[round(len(content) * place)] ^= 0xFF
    (tmp_path / "samples.duckdb").write_bytes(content)
    with pytest.raises(Unavailable, match="from a backup"):
        read_values(tmp_path / "samples.duckdb")


def test_an_undamaged_file_is_read(filled, tmp_path):
    (tmp_path / "samples.duckdb").write_bytes(filled)
    assert (read_values(tmp_path / "samples.duckdb") == batch(0, N_ROWS).values["value"]).all()
