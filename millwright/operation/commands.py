"""The commands of operation: check before a start, backup, restore, removal."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from foundation.clock import SystemClock
from foundation.errors import Invalid
from foundation.settings import Settings, read_settings
from millwright.data_folder import DataFolder, read_owner

DATA_OPTION = click.option(
    "--data", type=click.Path(path_type=Path), help="Folder for all data; made when missing."
)


def _settings(data: Path | None, **given: object) -> Settings:
    # These commands serve no pages, so they need no secret of the operator's.
    chosen = {"data_dir": data.expanduser().absolute() if data else None, **given}
    known = {key: value for key, value in chosen.items() if value is not None}
    return read_settings(known | {"secret_key": secrets.token_urlsafe(48)})


def _tell(what: str, done: int, total: int) -> None:
    click.echo(f"\r{what}: {done:,} of {total:,}  ", nl=done >= total, err=True)


@click.command()
@DATA_OPTION
def check(data: Path | None) -> None:
    """Look for everything that would stand against `serve`, and start nothing."""
    from millwright.operation.start_check import check_start

    check_start({"data_dir": data.expanduser().absolute() if data else None}, SystemClock())
    click.echo("Nothing stands against a start.")


@click.command()
@click.argument("to", type=click.Path(path_type=Path))
@DATA_OPTION
def backup(to: Path, data: Path | None) -> None:
    """Write a backup into a new folder, also while Millwright runs."""
    from millwright.operation.backup import read_manifest

    settings, target = _settings(data), to.expanduser().absolute()
    if read_owner(settings.data_dir) is not None:
        _ask_owner(settings, "backup", {"to": str(target)})
    else:
        _back_up_alone(settings, target)
    manifest = read_manifest(target)
    rows, samples = sum(manifest.tables.values()), sum(manifest.samples.values())
    click.echo(f"{rows:,} rows and {samples:,} samples in {target}")


def _ask_owner(settings: Settings, kind: str, payload: dict[str, str]) -> None:
    from millwright.operation.requests import ask, follow
    from millwright.wiring import open_relational

    def is_owned() -> bool:
        return read_owner(settings.data_dir) is not None

    with open_relational(settings, must_be_current=True) as database:
        number = ask(database, SystemClock(), kind, payload)
        for told in follow(database, settings.data_dir, number, is_owned):
            _tell(*told)


def _back_up_alone(settings: Settings, target: Path) -> None:
    from millwright.operation.backup import write_backup
    from millwright.wiring import open_relational, open_store

    with ExitStack() as stack:
        stack.callback(DataFolder(settings.data_dir).release)
        database = stack.enter_context(open_relational(settings, must_be_current=True))
        store = stack.enter_context(open_store(settings))
        write_backup(database, store, SystemClock(), target, _tell)


@click.command()
@click.argument("backup", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--drill", is_flag=True, help="Into a folder that is thrown away: only to prove it.")
@DATA_OPTION
def restore(backup: Path, data: Path | None, *, drill: bool) -> None:
    """Put a backup back into an empty folder and database, and verify it."""
    from millwright.operation.restore import restore as put_back
    from millwright.wiring import open_relational, open_store

    with _place(data, is_drill=drill) as settings, ExitStack() as stack:
        stack.callback(DataFolder(settings.data_dir).release)
        database = stack.enter_context(open_relational(settings, must_be_current=None))
        store = stack.enter_context(open_store(settings))
        manifest, audit = put_back(database, store, backup.absolute(), SystemClock(), _tell)
    rows, samples = sum(manifest.tables.values()), sum(manifest.samples.values())
    click.echo(f"{rows:,} rows and {samples:,} samples of {manifest.made_at} are back")
    click.echo(f"audit: {audit.sealed} rows sealed, {audit.unsealed} not yet; head {audit.head}")


@contextmanager
def _place(data: Path | None, *, is_drill: bool) -> Iterator[Settings]:
    if not is_drill:
        yield _settings(data)
        return
    with tempfile.TemporaryDirectory(prefix="millwright-drill-") as name:
        folder = Path(name)
        yield _settings(folder, database_url=f"sqlite:///{folder / 'millwright.db'}")


@click.command()
@click.argument("name")
@click.option("--confirm", help="The organisation's name once more; nothing is removed without.")
@DATA_OPTION
def erase(name: str, confirm: str | None, data: Path | None) -> None:
    """Remove an organisation with all that is its alone, for good."""
    from foundation.identity.scope import Scope
    from millwright.operation.erasure import plan
    from millwright.wiring import open_relational

    settings = _settings(data)
    with (
        open_relational(settings, must_be_current=True) as database,
        database.session(Scope.system("erasure")) as session,
    ):
        planned = plan(session, name)
    for table, rows in sorted(planned.rows.items()):
        click.echo(f"{table:20} {rows:8,}")
    if confirm != name:
        raise Invalid(
            "Nothing was removed. To remove this, add: --confirm %(name)s", name=repr(name)
        )
    _erase(settings, name)
    click.echo(f"Organisation {planned.organisation_id} and its samples are gone.")


def _erase(settings: Settings, name: str) -> None:
    from millwright.operation.erasure import erase as remove
    from millwright.wiring import open_relational, open_store

    if read_owner(settings.data_dir) is not None:
        _ask_owner(settings, "erase", {"name": name})
        return
    with ExitStack() as stack:
        stack.callback(DataFolder(settings.data_dir).release)
        database = stack.enter_context(open_relational(settings, must_be_current=True))
        store = stack.enter_context(open_store(settings))
        remove(database, store, SystemClock(), name)
