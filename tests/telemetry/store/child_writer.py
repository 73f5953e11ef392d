"""A process to be killed or starved of disk space: writes rows and says which were stored.

Run with a mode, the store's file and the mode's numbers. Write n is one batch at T0 + n with
value n for each asset, so that the reader can tell which writes are whole.
"""

import json
import resource
import sys
from pathlib import Path

import numpy as np

from foundation.errors import Unavailable
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore

T0 = 1_772_400_000_000


def batch(n: int, n_assets: int) -> SampleBatch:
    noise = np.random.default_rng(n).normal(size=(5, n_assets))  # fills the disk: not compressible
    values = {"value": np.full(n_assets, float(n))} | {f"m{i}": noise[i] for i in range(5)}
    at_ms = np.full(n_assets, T0 + n, dtype=np.int64)
    return SampleBatch("pump", np.arange(n_assets, dtype=np.uint32), at_ms, values)


def write_for_ever(store: DuckDBStore, n_assets: int) -> None:
    n = 0
    while True:
        store.write([batch(n, n_assets)])
        sys.stdout.write(f"{n}\n")
        sys.stdout.flush()
        n += 1


def try_writes(
    store: DuckDBStore, numbers: range, n_assets: int
) -> tuple[list[int], dict[int, str]]:
    stored: list[int] = []
    refused: dict[int, str] = {}
    for n in numbers:
        try:
            store.write([batch(n, n_assets)])
        except Unavailable as refusal:
            refused[n] = str(refusal)
            if len(refused) == 3:
                break
        else:
            stored.append(n)
    return stored, refused


def fill_the_disk(store: DuckDBStore, limit_bytes: int, n_assets: int) -> None:
    unlimited = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, unlimited))
    stored, refused = try_writes(store, range(2000), n_assets)
    span = store.span("pump", 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
    later, _ = try_writes(store, range(5000, 5005), n_assets)
    report = {
        "stored": stored,
        "refused": list(refused),
        "reasons": list(refused.values()),
        "rows_read_while_full": span and span[2],
        "stored_later": later,
    }
    sys.stdout.write(json.dumps(report))
    store.close()


if __name__ == "__main__":
    opened = DuckDBStore(Path(sys.argv[2]), memory_limit="256MB")
    modes = {"for_ever": write_for_ever, "full": fill_the_disk}
    modes[sys.argv[1]](opened, *map(int, sys.argv[3:]))
