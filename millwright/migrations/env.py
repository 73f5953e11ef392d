"""Alembic's entry: runs the revisions on the connection that `millwright.schema` hands over."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from foundation.database import UtcDateTime
from millwright.schema import METADATA


def render_type(kind: str, thing: object, autogen: AutogenContext) -> str | Literal[False]:
    """A revision names plain types, so that it stays what it was when ours change."""
    del autogen
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Runs the revisions in one transaction; SQLite's DDL is rolled back with it too."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        render_item=render_type,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
