"""`millwright simulate`: pretend machines on any broker, what is done to them, what was seen."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from millwright.simulation import doing

DEMO_FOLDER = Path("~/.millwright-demo")

DATA_OPTION = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DEMO_FOLDER,
    show_default=True,
    help="Data folder with the truth ledger.",
)
SEED_OPTION = click.option("--seed", type=int, default=2, show_default=True)
CSV_OPTION = click.option("--csv", "as_csv", is_flag=True, help="As CSV instead of a table.")


@click.group()
def simulate() -> None:
    """Pretend machines on any broker, what is done to them, and what was detected of it."""


@simulate.command()
@click.option(
    "--url",
    required=True,
    envvar="MILLWRIGHT_SIMULATE_URL",
    help="mqtt://host:port of the broker, with user:password@ where it asks for them.",
)
@SEED_OPTION
@click.option("--assets", type=click.IntRange(1, 2000), default=60, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True)
@click.option("--interval-s", type=click.IntRange(1, 86_400), default=60, show_default=True)
@click.option(
    "--speed", type=click.FloatRange(min=0.01, max=100_000), default=1.0, show_default=True
)
@click.option(
    "--format",
    "wire",
    type=click.Choice(["native", "sparkplug"]),
    default="native",
    show_default=True,
)
@click.option(
    "--network",
    type=click.Choice(["none", "good", "mobile", "bad"]),
    default="none",
    show_default=True,
)
@click.option("--with-flaws", is_flag=True, help="Clocks go wrong and some sensors lie.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder for a truth ledger; none without it."
)
def run(url: str, data: Path | None, **given: Any) -> None:
    """Run a simulated fleet on a broker until it is stopped; it is new when it starts.

    With a folder it goes on where that folder's fleet was.
    """
    from millwright.simulation.running import RunPlan, run_on_broker

    sent = run_on_broker(url, RunPlan(data=_absolute(data) if data else None, **given))
    click.echo(
        f"{sent.readings} readings in {sent.messages} messages, "
        f"{sent.messages - sent.acknowledged} of them unacknowledged."
    )


@simulate.command()
@click.option("--asset", required=True, help="Serial number or device of the machine.")
@click.option("--fault", required=True, help="Kind of fault; a wrong one lists those possible.")
@click.option(
    "--growth-hours",
    type=click.FloatRange(min=0.0),
    help="Hours until it is full; as usual for its kind when not given.",
)
@DATA_OPTION
def inject(asset: str, fault: str, growth_hours: float | None, data: Path) -> None:
    """Put a fault into a machine of a running fleet; it begins at once."""
    done = doing.inject(_absolute(data), asset, fault, growth_hours)
    click.echo(done)


@simulate.command()
@click.option("--asset", required=True, help="Serial number or device of the machine.")
@click.option("--fault", help="Kind of fault; all of the machine's when not given.")
@DATA_OPTION
def repair(asset: str, fault: str | None, data: Path) -> None:
    """Mend what is wrong with a machine of a running fleet."""
    click.echo(doing.repair(_absolute(data), asset, fault))


@simulate.command()
@click.option("--all", "with_plan", is_flag=True, help="With what is planned and yet to come.")
@CSV_OPTION
@DATA_OPTION
def truth(data: Path, *, with_plan: bool, as_csv: bool) -> None:
    """Show what is and was wrong with the machines, which the platform is never told."""
    _show(doing.TRUTH_COLUMNS, doing.list_truth(_absolute(data), with_plan=with_plan), as_csv)


@simulate.command()
@CSV_OPTION
@DATA_OPTION
def score(data: Path, *, as_csv: bool) -> None:
    """Hold the tickets of a data folder against the truth: recall, precision, lead, false alarms.

    It only reads, also while the platform runs.
    """
    from millwright.simulation.scoring import FAULT_COLUMNS, MACHINE_COLUMNS, score_folder, tell

    found = score_folder(_absolute(data))
    faults, machines = tell(found)
    _show(FAULT_COLUMNS, faults, as_csv)
    click.echo()
    _show(MACHINE_COLUMNS, machines, as_csv)


@simulate.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for the Parquet files."
)
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True)
@click.option("--assets", type=click.IntRange(1, 2000), default=60, show_default=True)
@click.option("--interval-s", type=click.IntRange(1, 86_400), default=600, show_default=True)
@click.option("--with-flaws", is_flag=True, help="Some sensors lie, which the labels leave out.")
@SEED_OPTION
def dataset(out: Path, **given: Any) -> None:
    """Write what a simulated fleet reports, with labels: a Parquet file per kind of machine."""
    from millwright.simulation.dataset import write_dataset

    for path, rows in write_dataset(_absolute(out), **given):
        click.echo(f"{path}: {rows} rows")


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _show(columns: Sequence[str], rows: Sequence[Sequence[str]], as_csv: bool) -> None:  # noqa: FBT001  # one caller's flag
    if as_csv:
        csv.writer(sys.stdout).writerows([columns, *rows])
        return
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    for row in (columns, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
