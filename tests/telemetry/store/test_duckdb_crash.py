"""The DuckDB store when the process is killed or the disk is full."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from telemetry.store.duckdb_store import DuckDBStore

ROOT = Path(__file__).resolve().parents[3]
T0 = 1_772_400_000_000


def child(*arguments):
    command = [sys.executable, "-m", "tests.telemetry.store.child_writer", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def kill_after(path, n_lines, n_assets):
    """The last write that a child acknowledged before it was killed with SIGKILL."""
    with child("for_ever", path, n_assets) as writer:
        lines = [next(writer.stdout) for _ in range(n_lines)]
        writer.kill()
        lines += list(writer.stdout)
    return int([line for line in lines if line.endswith("\n")][-1])


def find_whole_writes(path, n_assets):
    """The numbers of the writes in the file, each checked to be whole and true."""
    store = DuckDBStore(path, memory_limit="256MB")
    found = store.read("pump", assets=None, metrics=["value"], start_ms=T0, end_ms=T0 + 10**6)
    store.close()
    assert (found.values["value"] == found.at_ms - T0).all()
    numbers, counts = np.unique(found.at_ms - T0, return_counts=True)
    assert (counts == n_assets).all()
    return numbers.tolist()


@pytest.mark.parametrize("n_lines", [1, 7, 40])
def test_acknowledged_rows_survive_a_kill(tmp_path, n_lines):
    path = tmp_path / "samples.duckdb"
    last = kill_after(path, n_lines, n_assets=100)
    found = find_whole_writes(path, n_assets=100)
    # The write in progress may have been committed without its acknowledgement.
    assert found in (list(range(last + 1)), list(range(last + 2)))


@pytest.mark.parametrize(
    ("limit_bytes", "n_assets", "reason"),
    [
        pytest.param(1_000_000, 2000, "duckdb.wal", id="no-room-for-the-log"),
        pytest.param(17_000_000, 30_000, "checkpoint", id="no-room-for-the-checkpoint"),
    ],
)
def test_a_full_disk_refuses_writes_and_loses_none(tmp_path, limit_bytes, n_assets, reason):
    path = tmp_path / "samples.duckdb"
    with child("full", path, limit_bytes, n_assets) as writer:
        report = json.loads(writer.communicate(timeout=100)[0])
    assert writer.returncode == 0
    assert report["stored"], "The disk must not be full from the start."
    assert len(report["refused"]) == 3
    assert all(reason in each for each in report["reasons"])
    assert report["rows_read_while_full"] == len(report["stored"])
    assert report["stored_later"] == [5000, 5001, 5002, 5003, 5004]
    found = find_whole_writes(path, n_assets)
    assert set(found) >= {*report["stored"], *report["stored_later"]}
    assert set(found) <= {*report["stored"], *report["stored_later"], *report["refused"]}
