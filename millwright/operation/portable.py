"""The relational rows as files that either database can take back: one JSON line a row.

One consistent read gives all tables. Tables are read from the database itself, not from the code,
so that rows of an older schema come back into that schema, to be brought up from there.
"""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, LargeBinary, MetaData, Table, select, text

from foundation.database import Database

AT_ONCE = 1_000
_OURS_ALONE = "alembic_version"

Tell = Callable[[str, int, int], None]
"""Told of progress: what, how much of it is done, of how much."""


def read_tables(connection: Connection) -> list[Table]:
    """The tables of the database as it is, each after those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True
    return [each for each in metadata.sorted_tables if each.name != _OURS_ALONE]


def begin_snapshot(database: Database, connection: Connection) -> None:
    """Makes all that follows on the connection see one instant; nobody waits for it."""
    if database.dialect == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def export_tables(connection: Connection, folder: Path, tell: Tell) -> dict[str, int]:
    """Writes each table to a file of its name; returns how many rows each has."""
    counts: dict[str, int] = {}
    tables = read_tables(connection)
    for number, table in enumerate(tables, start=1):
        with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as file:
            file.write(json.dumps([column.name for column in table.columns]) + "\n")
            counts[table.name] = 0
            for row in _rows(connection, table):
                file.write(json.dumps([_encode(value) for value in row]) + "\n")
                counts[table.name] += 1
        tell("tables", number, len(tables))
    return counts


def _rows(connection: Connection, table: Table) -> Iterator[Any]:
    query = select(table).order_by(*table.primary_key.columns)
    return iter(connection.execute(query, execution_options={"yield_per": AT_ONCE}))


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value


def import_tables(connection: Connection, folder: Path, tell: Tell) -> dict[str, int]:
    """Fills the empty tables of the same schema from such files; how many rows each got."""
    counts: dict[str, int] = {}
    tables = read_tables(connection)
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
    for number, table in enumerate(tables, start=1):
        counts[table.name] = _fill(connection, table, folder / f"{table.name}.jsonl")
        tell("tables", number, len(tables))
    if connection.dialect.name == "postgresql":
        _go_on_counting(connection, tables)
    return counts


def _fill(connection: Connection, table: Table, path: Path) -> int:
    count, waiting = 0, []
    with path.open(encoding="utf-8") as file:
        names = json.loads(file.readline())
        decoders = [_decoder(table, name) for name in names]
        for line in file:
            values = json.loads(line)
            waiting.append(
                {
                    name: None if value is None else decode(value)
                    for name, decode, value in zip(names, decoders, values, strict=True)
                }
            )
            count += 1
            if len(waiting) == AT_ONCE:
                connection.execute(table.insert(), waiting)
                waiting = []
    if waiting:
        connection.execute(table.insert(), waiting)
    return count


def _decoder(table: Table, name: str) -> Callable[[Any], Any]:
    kind = table.columns[name].type
    if isinstance(kind, DateTime):
        # SQLite keeps instants without their zone, which is always UTC.
        is_aware = bool(kind.timezone)
        return lambda value: datetime.fromisoformat(value).replace(
            tzinfo=UTC if is_aware else None
        )
    if isinstance(kind, LargeBinary):
        return base64.b64decode
    return lambda value: value


def _go_on_counting(connection: Connection, tables: list[Table]) -> None:
    """New rows get numbers after those that came with a number of their own."""
    for table in tables:
        for column in table.primary_key.columns:
            names = {"table": f'"{table.name}"', "column": column.name}
            sequence = connection.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"), names
            )
            highest = connection.scalar(select(column).order_by(column.desc()).limit(1))
            if sequence is not None and highest is not None:
                given = {"sequence": sequence, "highest": highest}
                connection.execute(text("SELECT setval(:sequence, :highest)"), given)
