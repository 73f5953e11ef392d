"""The relational schema as a whole: every table's module is imported here, and revisions are run.

`migrate` is the only thing that creates or changes tables, and sets SQLite's journal mode once.
"""

import importlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from foundation.database import Base, Database
from foundation.errors import Conflict, Unavailable

TABLE_MODULES = (
    "foundation.audit",
    "foundation.audit_seals",
    "foundation.changes",
    "foundation.identity.api_tokens",
    "foundation.identity.attempts",
    "foundation.identity.guessing",
    "foundation.identity.invitations",
    "foundation.identity.models",
    "foundation.identity.passkeys",
    "foundation.identity.preferences",
    "foundation.identity.providers",
    "foundation.identity.second_factor",
    "foundation.jobs",
    "devices.access",
    "devices.assets",
    "devices.dealerships",
    "devices.equipment_models",
    "devices.ownership",
    "devices.provisioning",
    "devices.security.claims",
    "devices.security.credentials",
    "devices.signal_mapping",
    "devices.sharing.models",
    "devices.sites",
    "devices.transfers",
    "telemetry.alarms.models",
    "telemetry.quarantine",
    "telemetry.scoring_state",
    "telemetry.verdicts",
    "services.notifications.models",
    "services.offers.models",
    "services.orders.models",
    "services.tickets.models",
)

for _module in TABLE_MODULES:
    importlib.import_module(_module)

METADATA = Base.metadata
LOCK_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 600
_MIGRATION_LOCK = 0x6D696C6C


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate(database: Database, revision: str = "head") -> None:
    """Brings the schema up to a revision, the newest by default; does nothing when it is there.

    It is one transaction, and of several at once one does it while the others wait.
    """
    if database.dialect == "sqlite":
        _choose_journal(database)
    with _changing(database) as connection:
        command.upgrade(_config(connection), revision)


@contextmanager
def _changing(database: Database) -> Iterator[Connection]:
    """One transaction that may change tables: alone, and no table that others need is lost."""
    engine = database.engine.execution_options(begin="BEGIN IMMEDIATE")
    with engine.connect() as connection:
        if database.dialect == "sqlite":
            # SQLite changes a table by making it anew; dropping the old one would count as
            # deleting rows that others refer to. It can be told so before the transaction alone.
            _check_keys(connection, "OFF")
        try:
            with connection.begin():
                if database.dialect == "postgresql":
                    _limit_waiting(connection)
                yield connection
                _refuse_lost_rows(database, connection)
        finally:
            if database.dialect == "sqlite":
                _check_keys(connection, "ON")


def _check_keys(connection: Connection, state: str) -> None:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute(f"PRAGMA foreign_keys={state}")


def _refuse_lost_rows(database: Database, connection: Connection) -> None:
    if database.dialect == "sqlite":
        lost = connection.execute(text("PRAGMA foreign_key_check")).first()
        if lost is not None:
            raise Conflict(
                "A row of %(table)s refers to one that is not there.", table=str(lost[0])
            )


def _choose_journal(database: Database) -> None:
    """Switches SQLite to its write-ahead log; unlike other locks this one is not waited for."""
    raw = database.engine.raw_connection()
    try:
        for pause_s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, None):
            try:
                raw.cursor().execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError:
                if pause_s is None:
                    raise
                time.sleep(pause_s)
            else:
                return
    finally:
        raw.close()


def _limit_waiting(connection: Connection) -> None:
    """Lets one process migrate at a time, and a busy table fail us rather than everybody."""
    connection.execute(text("SET LOCAL lock_timeout = '60s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    # While we wait for a table, all who come after us wait as well.
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
    connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s'"))


def downgrade(database: Database, revision: str) -> None:
    """Takes the schema back to a revision, such as `-1` for the one before."""
    with _changing(database) as connection:
        command.downgrade(_config(connection), revision)


def check_schema(database: Database) -> None:
    """Refuses to run on a schema that is not the newest.

    Raises:
        Unavailable: naming the command that mends it.
    """
    if find_revision(database) != find_newest_revision():
        raise Unavailable("The database schema is behind. Run: millwright migrate")


def find_revision(database: Database) -> str | None:
    """The revision that the database's schema is at; None before the first."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def find_newest_revision() -> str:
    """The revision that this code works with."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def list_revisions() -> list[str]:
    """Every revision that this code knows, newest first."""
    return [each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()]


def is_current(database: Database) -> bool:
    """Whether the schema is the newest one; False as well while the database is away."""
    try:
        return find_revision(database) == find_newest_revision()
    except DBAPIError:
        return False


def list_differences(database: Database) -> list[object]:
    """What the tables have that the revisions do not make, and the other way round."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "target_metadata": METADATA}
        )
        return list(compare_metadata(context, METADATA))


def make_revision(database: Database, message: str) -> None:
    """Writes a new revision from the difference between tables and schema; for developers."""
    known = list(ScriptDirectory.from_config(_config()).walk_revisions())
    with database.engine.begin() as connection:
        command.revision(
            _config(connection), message, autogenerate=True, rev_id=f"{len(known) + 1:04}"
        )
