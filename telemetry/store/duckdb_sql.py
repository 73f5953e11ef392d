"""The SQL of the DuckDB store, as text; nothing here runs it.

One wide table per equipment model, without a primary key: `asset`, `at_ms` and a column per
metric. Names are checked by the contract before they come here, and quoted all the same.
"""

# ruff: noqa: S608 - names of tables and columns cannot be parameters; they are checked and quoted

from collections.abc import Sequence

_PREFIX = "samples_"

INCOMING = "incoming"  # the arrays of a batch, registered under this name while it is written

LIST_COLUMNS = (
    "SELECT table_name, column_name FROM duckdb_columns()"
    " WHERE database_name = current_database() AND schema_name = 'main'"
    f" AND starts_with(table_name, '{_PREFIX}') AND column_name NOT IN ('asset', 'at_ms')"
    " ORDER BY table_name, column_index"
)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _table(model: str) -> str:
    return _quote(_PREFIX + model)


def model_of_table(table: str) -> str:
    """The equipment model whose samples a table holds."""
    return table.removeprefix(_PREFIX)


def create_table(model: str) -> str:
    """The model's table without any metric yet."""
    return (
        f"CREATE TABLE IF NOT EXISTS {_table(model)}"
        " (asset UINTEGER NOT NULL, at_ms BIGINT NOT NULL)"
    )


def add_column(model: str, metric: str) -> str:
    """A metric that was not stored before."""
    return f"ALTER TABLE {_table(model)} ADD COLUMN IF NOT EXISTS {_quote(metric)} DOUBLE"


def append(model: str, metrics: Sequence[str]) -> str:
    """Adds the incoming rows, known to be new."""
    columns = ", ".join(["asset", "at_ms", *map(_quote, metrics)])
    return f"INSERT INTO {_table(model)} ({columns}) SELECT {columns} FROM {INCOMING}"


def merge(model: str, metrics: Sequence[str]) -> str:
    """Merges the incoming rows, all between $low and $high, field by field."""
    names = [_quote(metric) for metric in metrics]
    changes = ", ".join(f"{name} = coalesce(s.{name}, t.{name})" for name in names)
    columns = ", ".join(["asset", "at_ms", *names])
    values = ", ".join(["s.asset", "s.at_ms", *(f"s.{name}" for name in names)])
    # The bounds let DuckDB skip whole blocks by their zone maps: without them it reads the table.
    return (
        f"MERGE INTO {_table(model)} AS t USING {INCOMING} AS s"
        " ON t.asset = s.asset AND t.at_ms = s.at_ms AND t.at_ms BETWEEN $low AND $high"
        f" WHEN MATCHED THEN UPDATE SET {changes}"
        f" WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})"
    )


def select_newest(model: str) -> str:
    """Newest time of each asset."""
    return f"SELECT asset, max(at_ms) AS at_ms FROM {_table(model)} GROUP BY asset"


def _has_any(metrics: Sequence[str]) -> str:
    return "(" + " OR ".join(f"{_quote(metric)} IS NOT NULL" for metric in metrics) + ")"


def select_samples(model: str, metrics: Sequence[str], *, is_for_all: bool) -> str:
    """Rows of a period; $assets is asked for unless it is for all."""
    columns = ", ".join(["asset", "at_ms", *map(_quote, metrics)])
    chosen = "" if is_for_all else " AND asset IN (SELECT unnest($assets::UINTEGER[]))"
    return (
        f"SELECT {columns} FROM {_table(model)}"
        f" WHERE at_ms >= $start_ms AND at_ms < $end_ms{chosen} AND {_has_any(metrics)}"
    )


def select_buckets(model: str, metrics: Sequence[str]) -> str:
    """Aggregates of one asset by number of the bucket, as `min_…`, `max_…`, `avg_…`, `count_…`."""
    aggregates = ", ".join(
        f"{function}({_quote(metric)}) AS {_quote(f'{function}_{metric}')}"
        for metric in metrics
        for function in ("min", "max", "avg", "count")
    )
    return (
        f"SELECT (at_ms - $start_ms) * $n_buckets // ($end_ms - $start_ms) AS bucket, {aggregates}"
        f" FROM {_table(model)}"
        f" WHERE asset = $asset AND at_ms >= $start_ms AND at_ms < $end_ms AND {_has_any(metrics)}"
        " GROUP BY ALL ORDER BY 1"
    )


def select_latest(model: str, metrics: Sequence[str]) -> str:
    """By asset: newest time, then the last value of each metric."""
    # arg_max passes over rows where its value is NULL: each metric gives its own last value.
    values = ", ".join(f"arg_max({_quote(metric)}, at_ms)" for metric in metrics)
    return (
        f"SELECT asset, max(at_ms), {values} FROM {_table(model)}"
        f" WHERE at_ms >= $since_ms AND {_has_any(metrics)} GROUP BY asset"
    )


def select_span(model: str) -> str:
    """First and last time and number of rows of $asset."""
    return f"SELECT min(at_ms), max(at_ms), count(*) FROM {_table(model)} WHERE asset = $asset"


def count_rows(model: str) -> str:
    """How many rows the model has."""
    return f"SELECT count(*) FROM {_table(model)}"


def select_last_row(model: str) -> str:
    """The highest row number; NULL without rows. Removed rows leave gaps below it."""
    return f"SELECT max(rowid) FROM {_table(model)}"


def select_rows(model: str, metrics: Sequence[str]) -> str:
    """Whole rows, from row number $first to $last."""
    columns = ", ".join(["asset", "at_ms", *map(_quote, metrics)])
    return f"SELECT {columns} FROM {_table(model)} WHERE rowid BETWEEN $first AND $last"


def delete_assets(model: str) -> str:
    """Removes every row of $assets and tells how many there were."""
    return f"DELETE FROM {_table(model)} WHERE asset IN (SELECT unnest($assets::UINTEGER[]))"
