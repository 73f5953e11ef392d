"""How fast the embedded store writes and reads; prints the figures as JSON.

1,000 assets of one model with 10 metrics, one commit for each 1,000 rows: new rows, the same
rows sent again, rows hours late. Then what scoring and the portal read, while nothing is written.

    python -m benchmarks.store_bench [--ticks 400]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore

T0 = 1_772_400_000_000
TICK_MS = 10_000
N_ASSETS = 1000
METRICS = [f"metric_{number}" for number in range(10)]


def make_ticks(n: int, start_ms: int) -> list[SampleBatch]:
    """One batch per tick of all assets; noisy doubles, times with up to 1 s of jitter."""
    rng = np.random.default_rng(7)
    assets = np.arange(N_ASSETS, dtype=np.uint32)
    return [
        SampleBatch(
            "compressor",
            assets,
            start_ms + tick * TICK_MS + rng.integers(0, 1000, N_ASSETS),
            {name: rng.normal(50.0, 5.0, N_ASSETS) for name in METRICS},
        )
        for tick in range(n)
    ]


def measure_writes(store: DuckDBStore, batches: Sequence[SampleBatch]) -> dict[str, float]:
    """Milliseconds per commit and thousands of values per second."""
    cpu_s, began_s, each_s = time.process_time(), time.perf_counter(), []
    for batch in batches:
        one_s = time.perf_counter()
        store.write([batch])
        each_s.append(time.perf_counter() - one_s)
    total_s = time.perf_counter() - began_s
    n_values = len(batches) * N_ASSETS * len(METRICS)
    return {
        "commit_p50_ms": round(float(np.median(each_s)) * 1000, 1),
        "commit_p99_ms": round(float(np.quantile(each_s, 0.99)) * 1000, 1),
        "k_values_per_s": round(n_values / total_s / 1000),
        "cpu_s_per_m_values": round((time.process_time() - cpu_s) / n_values * 1e6, 2),
    }


def measure_ms(act: Callable[[], object]) -> dict[str, float]:
    """First call and median of ten more, in milliseconds."""
    each_ms = []
    for _ in range(11):
        began_s = time.perf_counter()
        act()
        each_ms.append((time.perf_counter() - began_s) * 1000)
    return {"first_ms": round(each_ms[0], 1), "p50_ms": round(float(np.median(each_ms[1:])), 1)}


def measure_reads(store: DuckDBStore, n_ticks: int) -> dict[str, dict[str, float]]:
    """Scoring window, chart and latest values."""
    end_ms = T0 + n_ticks * TICK_MS
    window_ms = end_ms - 600_000
    model = "compressor"
    return {
        "window_10_min_all_assets": measure_ms(
            lambda: store.read(
                model, assets=None, metrics=METRICS, start_ms=window_ms, end_ms=end_ms
            )
        ),
        "chart_500_buckets_2_metrics": measure_ms(
            lambda: store.buckets(
                model, asset=5, metrics=METRICS[:2], start_ms=T0, end_ms=end_ms, n_buckets=500
            )
        ),
        "latest_all_assets_10_min": measure_ms(
            lambda: store.latest(model, metrics=METRICS, since_ms=window_ms)
        ),
        "span_of_one_asset": measure_ms(lambda: store.span(model, 5)),
    }


def measure(path: Path, n_ticks: int) -> dict[str, object]:
    """All figures, on a store at `path`."""
    ticks = make_ticks(n_ticks, T0)
    late = make_ticks(20, T0 + n_ticks * TICK_MS // 2 + 5000)
    with closing(DuckDBStore(path)) as store:
        figures: dict[str, object] = {
            "n_values": n_ticks * N_ASSETS * len(METRICS),
            "new": measure_writes(store, ticks),
            "sent_again": measure_writes(store, ticks[-40:]),
            "late": measure_writes(store, late),
            "reads": measure_reads(store, n_ticks),
        }
    figures["bytes_per_value"] = round(
        path.stat().st_size / (n_ticks + len(late)) / N_ASSETS / len(METRICS), 2
    )
    began_s = time.perf_counter()
    DuckDBStore(path).close()
    figures["reopen_ms"] = round((time.perf_counter() - began_s) * 1000)
    return figures


def main() -> None:
    """Measures in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=400)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder) / "samples.duckdb", arguments.ticks)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
