"""What would make a start unsafe or useless, all of it at once and each with the way out."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, inspect, select
from sqlalchemy.exc import ArgumentError, DBAPIError

from foundation.audit import AuditRow
from foundation.clock import Clock
from foundation.database import Database, open_database
from foundation.errors import Invalid
from foundation.settings import Settings, collect_settings, find_debugging
from millwright.schema import find_newest_revision, find_revision, list_revisions

# Before this nobody can have had Millwright.
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_CLOCK_TOLERANCE = timedelta(minutes=5)
_FEWEST_CHARACTERS = 10
# Files of the data folder that hold secrets, by pattern.
_PRIVATE = ("*secret*", "*.key", "accounts.json", "broker/passwords", "broker/amqtt.json")


def check_start(overrides: Mapping[str, object], clock: Clock) -> Settings:
    """The settings, when nothing stands against a start.

    Raises:
        Invalid: naming everything that does, one a line.
    """
    values, faults = collect_settings(overrides)
    faults += find_faults(values, clock)
    if faults:
        listed = (
            faults[0] if len(faults) == 1 else "\n" + "\n".join(f"  {each}" for each in faults)
        )
        raise Invalid("Millwright cannot start: %(faults)s", faults=listed)
    return Settings(**{each.name: values[each.name] for each in fields(Settings)})


def find_faults(values: Mapping[str, Any], clock: Clock) -> list[str]:
    """What is wrong beside the settings' form; a field that is None is told of already."""
    faults = [f"{name} is set: take it away, debugging is on." for name in find_debugging()]
    faults += _check_key(values["secret_key"])
    now = clock.now()
    if now < _FIRST_DAY:
        faults.append(f"The clock says {now:%Y-%m-%d %H:%M} UTC, which cannot be: set it.")
    if values["data_dir"] is not None:
        faults += _check_folder(values["data_dir"])
    if values["database_url"] and _may_be_there(values["database_url"]):
        faults += _check_database(values["database_url"], now)
    return faults


def _check_key(key: str | None) -> Iterator[str]:
    if key is not None and len(set(key)) < _FEWEST_CHARACTERS:
        yield (
            "MILLWRIGHT_SECRET_KEY can be guessed, its characters repeat: "
            "take one from `millwright secret`."
        )


def _check_folder(folder: Path) -> Iterator[str]:
    present = next(each for each in (folder, *folder.parents) if each.exists())
    if not present.is_dir() or not os.access(present, os.W_OK | os.X_OK):
        yield f"The data folder {folder} cannot be written. Choose another one with --data."
        return
    for pattern in _PRIVATE:
        for path in folder.glob(pattern):
            if path.is_file() and stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH:
                yield f"{path} holds secrets and can be read by everybody: chmod 600 it."


def _may_be_there(url: str) -> bool:
    """False for an SQLite file that is yet to be made; looking would make it."""
    return not url.startswith("sqlite") or Path(urlsplit(url).path[1:]).exists()


def _check_database(url: str, now: datetime) -> Iterator[str]:
    try:
        database = open_database(url)
    except (ArgumentError, ImportError):
        yield (
            "MILLWRIGHT_DATABASE_URL makes no sense; "
            "write it like postgresql+psycopg://user@host/name or sqlite:////path/to/file."
        )
        return
    try:
        yield from _check_schema(database)
        yield from _check_records(database, now)
    except DBAPIError as error:
        said = str(error.orig).strip().split("\n", 1)[0]
        yield f"The database cannot be used: {said}"
    finally:
        database.close()


def _check_schema(database: Database) -> Iterator[str]:
    revision = find_revision(database)
    if revision is None or revision == find_newest_revision():
        return
    if revision not in list_revisions():
        yield "The database was made by a newer Millwright; use that one."
    elif database.dialect != "sqlite":
        # A server may have other processes on it: its operator backs it up and migrates it.
        yield "The database schema is behind. Back it up and run: millwright migrate"


def _check_records(database: Database, now: datetime) -> Iterator[str]:
    if not inspect(database.engine).has_table("audit_row"):
        return
    with database.engine.connect() as connection:
        newest = connection.scalar(select(func.max(AuditRow.at)))
    if newest is not None and newest > now + _CLOCK_TOLERANCE:
        yield (
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, but something was done at "
            f"{newest:%Y-%m-%d %H:%M}: set the clock."
        )
