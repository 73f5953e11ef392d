"""The command line: each command translates words into one call and a refusal into one line."""

import secrets
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from foundation.clock import SystemClock
from foundation.csv_rows import RowResult, decode_text
from foundation.errors import MillwrightError
from foundation.settings import VARIABLES, Settings, read_settings
from millwright.operation.commands import backup, check, erase, restore
from millwright.simulation.commands import simulate

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

DATA_OPTION = click.option(
    "--data", type=click.Path(path_type=Path), help="Folder for all data; made when missing."
)
PORT_OPTION = click.option("--port", type=click.IntRange(0, 65535), help="Port of the portal.")
MQTT_PORT_OPTION = click.option(
    "--mqtt-port", type=click.IntRange(0, 65535), help="Port of the MQTT broker; 0: any free one."
)
HOST_OPTION = click.option("--host", help="Address to listen on; only this machine by default.")
BROKER_OPTION = click.option(
    "--broker", help="mqtt://user:password@host:port of a broker to use, or mosquitto or amqtt."
)
INSECURE_OPTION = click.option(
    "--insecure-listen",
    is_flag=True,
    help="Listen beyond this machine without TLS; anybody on the way reads along.",
)
SPEED_OPTION = click.option(
    "--speed", type=click.FloatRange(min=0.01, max=100_000), default=1.0, show_default=True
)


class _Commands(click.Group):
    """Shows a refusal as one clear line and ends with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MillwrightError as error:
            click.echo(f"millwright: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Commands)
@click.version_option(package_name="millwright")
def main() -> None:
    """Millwright: from a machine's reading to the service visit."""


for _command in (simulate, check, backup, restore, erase):
    main.add_command(_command)


def _settings(**given: object) -> Settings:
    return read_settings({key: value for key, value in given.items() if value is not None})


def _local_settings(data: Path | None) -> Settings:
    # These commands serve no pages, so they need no secret of the operator's.
    return _settings(data_dir=_absolute(data), secret_key=secrets.token_urlsafe(48))


def _absolute(path: Path | None) -> Path | None:
    return path.expanduser().absolute() if path else None


@main.command()
@DATA_OPTION
@HOST_OPTION
@PORT_OPTION
@MQTT_PORT_OPTION
@BROKER_OPTION
@click.option("--mqtt-host", help="Address where our own broker listens for devices outside.")
@click.option(
    "--anonymous-devices", is_flag=True, help="Let devices publish without a password, to try."
)
@INSECURE_OPTION
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate chain in PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key in PEM.")
def serve(data: Path | None, **given: Any) -> None:
    """Run everything in one process, on real equipment."""
    from millwright.operation.start_check import check_start
    from millwright.serve import ServePlan, run_service

    plan = ServePlan(
        broker=given.pop("broker"),
        anonymous_devices=given.pop("anonymous_devices"),
        is_insecure=given.pop("insecure_listen"),
    )
    files = {name: _absolute(given.pop(name)) for name in ("tls_cert", "tls_key")}
    settings = check_start({"data_dir": _absolute(data), **files, **given}, SystemClock())
    sys.exit(run_service(settings, plan))


@main.command()
@DATA_OPTION
@HOST_OPTION
@PORT_OPTION
@MQTT_PORT_OPTION
@BROKER_OPTION
@SPEED_OPTION
@click.option("--assets", type=click.IntRange(1, 500), help="Machines; 60, or 12 with --quick.")
@click.option("--days", type=click.IntRange(1, 365), help="Of history; 90, or 14 with --quick.")
@click.option("--seed", type=int, default=2, show_default=True)
@click.option("--quick", is_flag=True, help="A small one that starts within a minute.")
@click.option("--no-people", is_flag=True, help="Let nobody act from now on but who signs in.")
@INSECURE_OPTION
def demo(data: Path | None, seed: int, speed: float, **given: Any) -> None:
    """Start a demonstration: pretend machines and people, their history, and the portal."""
    from millwright.admission.listening import check_portal
    from millwright.demo.running import run_demo
    from millwright.demo.state import DemoPlan

    check_portal(given.get("host") or "127.0.0.1", is_insecure=given.pop("insecure_listen"))
    assets, days = (12, 14) if given.pop("quick") else (60, 90)
    plan = DemoPlan(
        assets=given.pop("assets") or assets,
        days=given.pop("days") or days,
        seed=seed,
        speed=speed,
        broker=given.pop("broker"),
        has_people=not given.pop("no_people"),
    )
    sys.exit(run_demo(_absolute(data), plan, given))


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--mapping",
    required=True,
    help="A mapping file in TOML, or the name of a shipped one: pump_rig, machine_fleet.",
)
@SPEED_OPTION
@DATA_OPTION
@PORT_OPTION
@BROKER_OPTION
@click.option("--keep", is_flag=True, help="Keep the portal running when the replay is over.")
def replay(folder: Path, mapping: str, speed: float, data: Path | None, **given: Any) -> None:
    """Play CSV measurements as equipment over MQTT."""
    from millwright.replay import ReplayPlan, run_replay

    plan = ReplayPlan(folder, mapping, speed, keep=given.pop("keep"), broker=given.pop("broker"))
    sys.exit(run_replay(_absolute(data), plan, given))


@main.command()
@DATA_OPTION
def migrate(data: Path | None) -> None:
    """Bring the database's schema to the newest revision."""
    from millwright.wiring import open_relational

    with open_relational(_local_settings(data), must_be_current=False):
        click.echo("The schema is at the newest revision.")


@main.command()
def secret() -> None:
    """Print a new random secret, for MILLWRIGHT_SECRET_KEY."""
    click.echo(secrets.token_urlsafe(48))


@main.command()
def settings() -> None:
    """List the settings, which are environment variables."""
    for variable in VARIABLES:
        default = "required" if variable.default is None else (variable.default or "(empty)")
        click.echo(f"{variable.name:28} {default:24} {variable.help}")


@main.command()
@click.argument("message")
@DATA_OPTION
def revision(message: str, data: Path | None) -> None:
    """Write a migration from the tables' differences to the schema (for developers)."""
    from millwright.schema import make_revision
    from millwright.wiring import open_relational

    with open_relational(_local_settings(data), must_be_current=False) as database:
        make_revision(database, message)


@main.group(name="import")
def imports() -> None:
    """Bring in what you have: people, equipment models, the installed base."""


def _reported(command: Callable[Parameters, Iterable[RowResult]]) -> Callable[Parameters, None]:
    """Prints a line per row and ends with exit code 1 when one was refused."""

    @wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        results = list(command(*args, **kwargs))
        for each in results:
            said = f": {each.message}" if each.message else ""
            click.echo(f"line {each.line}: {each.subject} {each.outcome}{said}")
        refused = sum(each.outcome == "refused" for each in results)
        click.echo(f"{len(results) - refused} taken, {refused} refused")
        if refused:
            sys.exit(1)

    return run


FILE_ARGUMENT = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@imports.command(name="people")
@FILE_ARGUMENT
@DATA_OPTION
@_reported
def import_people(file: Path, data: Path | None) -> Iterable[RowResult]:
    """Create organisations and people from a CSV: organisation,kind,name,email,role,password."""
    from foundation.identity import people
    from millwright.wiring import relational_transaction

    with relational_transaction(_local_settings(data), "import") as session:
        text = decode_text(file.read_bytes())
        return list(people.import_people(session, text, at=SystemClock().now()))


@imports.command(name="assets")
@FILE_ARGUMENT
@DATA_OPTION
@_reported
def import_assets(file: Path, data: Path | None) -> Iterable[RowResult]:
    """Register machines from a CSV: equipment_model,serial,customer,dealer,site and more."""
    from devices import registration
    from millwright.wiring import relational_transaction

    with relational_transaction(_local_settings(data), "import") as session:
        text = decode_text(file.read_bytes())
        return list(registration.import_assets(session, text, at=SystemClock().now()))


@imports.command(name="model")
@FILE_ARGUMENT
@click.option("--manufacturer", required=True, help="The organisation that makes it.")
@DATA_OPTION
def import_model(file: Path, manufacturer: str, data: Path | None) -> None:
    """Create or renew an equipment model from its TOML definition."""
    from millwright.wiring import import_definition, relational_transaction

    with relational_transaction(_local_settings(data), "import") as session:
        text = decode_text(file.read_bytes())
        model = import_definition(session, text, manufacturer, SystemClock().now())
        click.echo(f"{model.title} ({model.key}), version {model.version}")


@imports.command(name="offer-rules")
@FILE_ARGUMENT
@DATA_OPTION
def import_offer_rules(file: Path, data: Path | None) -> None:
    """Create or renew offer rules from TOML; each is switched off until it was tried."""
    from millwright.wiring import import_rules, relational_transaction

    with relational_transaction(_local_settings(data), "import") as session:
        for rule in import_rules(session, decode_text(file.read_bytes()), SystemClock().now()):
            click.echo(f"{rule.key}, version {rule.version}, {'on' if rule.is_enabled else 'off'}")


@main.group()
def audit() -> None:
    """Look after the record of who did what."""


@audit.command(name="verify")
@click.option("--head", help="A digest noted earlier, which the chain must still hold.")
@DATA_OPTION
def verify_audit(head: str | None, data: Path | None) -> None:
    """Check that no sealed row was changed, removed or put in; exit code 1 when one was."""
    from foundation import audit_seals
    from millwright.wiring import relational_transaction

    with relational_transaction(_local_settings(data), "audit") as session:
        found = audit_seals.verify(session, head=head)
    for fault in found.faults:
        click.echo(fault)
    click.echo(f"{found.sealed} rows sealed, {found.unsealed} not yet; head {found.head}")
    if found.faults:
        sys.exit(1)
