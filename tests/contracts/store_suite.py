"""What the tests of every store share: the engines, rows written shortly and read back."""

import itertools
import math

import numpy as np
import pytest

from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore

T0 = 1_772_400_000_000
NAN = math.nan
_numbers = itertools.count()


def open_duckdb(folder):
    return DuckDBStore(folder / "samples.duckdb", memory_limit="256MB")


ENGINES = [pytest.param(open_duckdb, id="duckdb")]
every_engine = pytest.mark.parametrize("opener", ENGINES)


def make_model_name():
    """An equipment model that no other test writes."""
    return f"model_{next(_numbers)}"


def batch(model, rows, **columns):
    """Rows are (asset, ms after T0); columns metric → values in the order of the rows."""
    asset = np.array([row[0] for row in rows], dtype=np.uint32)
    at_ms = np.array([T0 + row[1] for row in rows], dtype=np.int64)
    values = {name: np.array(column, dtype=np.float64) for name, column in columns.items()}
    return SampleBatch(model, asset, at_ms, values)


def read_all(store, model, metrics, assets=None):
    found = store.read(model, assets=assets, metrics=metrics, start_ms=0, end_ms=T0 + 10**10)
    columns = [found.values[metric].tolist() for metric in metrics]
    rows = zip(found.asset.tolist(), (found.at_ms - T0).tolist(), *columns, strict=True)
    return [tuple(None if math.isnan(value) else value for value in row) for row in rows]
