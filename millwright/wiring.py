"""Puts the parts together: the only place that names concrete classes."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from devices.definitions import read_definition, save_definition
from devices.equipment_models import EquipmentModel, list_equipment_models
from foundation.clock import Clock, to_ms
from foundation.database import Database, open_database
from foundation.errors import Invalid, Unavailable
from foundation.identity.people import get_organisation
from foundation.identity.scope import Scope
from foundation.jobs import release_leases
from foundation.settings import Settings
from millwright.schema import check_schema, migrate
from millwright.worker import Worker
from services.offers.definitions import read_rules, save_rule
from services.offers.finding import OfferFinding
from services.offers.models import OfferRule
from telemetry.ingest import Ingest
from telemetry.latest import Latest
from telemetry.reading_rules import TimeWindows
from telemetry.reporting_interval import report_every
from telemetry.scoring import ALARM_LATE_S, Scoring
from telemetry.sources import Sources
from telemetry.store.contract import Store
from telemetry.store.duckdb_store import DuckDBStore
from telemetry.training import check_normal_period

LATEST_LOOK_BACK = timedelta(days=90)
# By the world's clock; a machine with much to do hands a message on that late.
LONGEST_WAY_S = 60.0


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts of an owning process, ready and not yet running."""

    settings: Settings
    clock: Clock
    database: Database
    store: Store
    latest: Latest
    ingest: Ingest
    scoring: Scoring
    worker: Worker


@contextmanager
def open_platform(settings: Settings, clock: Clock, *, speed: float = 1.0) -> Iterator[Platform]:
    """Opens the databases of a data folder and the parts that work on them; closes them after.

    `speed` is how much faster than the world the clock runs: the way from a device to us takes
    that many more of its seconds, so the windows for lateness are as much wider.
    """
    with ExitStack() as stack:
        database = stack.enter_context(open_relational(settings, must_be_current=False))
        release_leases(database)
        store = stack.enter_context(open_store(settings))
        latest = Latest()
        _rebuild(latest, store, database, clock)
        yield Platform(
            settings=settings,
            clock=clock,
            database=database,
            store=store,
            latest=latest,
            ingest=Ingest(
                database, store, latest, Sources(database), clock, windows=_windows(speed)
            ),
            scoring=Scoring(
                database,
                store,
                latest,
                clock,
                alarm_late_s=max(ALARM_LATE_S, LONGEST_WAY_S * speed),
            ),
            worker=Worker(database, clock, OfferFinding(database, store, clock)),
        )


def _windows(speed: float) -> TimeWindows:
    plain = TimeWindows()
    return replace(
        plain,
        late_after_s=max(plain.late_after_s, LONGEST_WAY_S * speed),
        accept_future_s=max(plain.accept_future_s, 2.0 * speed),
    )


def _rebuild(latest: Latest, store: Store, database: Database, clock: Clock) -> None:
    with database.session(Scope.system("start")) as session:
        models = {
            model.key: [metric.name for metric in model.metrics]
            for model in list_equipment_models(session)
        }
    latest.rebuild(store, models, to_ms(clock.now() - LATEST_LOOK_BACK))


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """Opens the store of samples of a data folder, which its owner alone may do.

    Raises:
        Conflict: when another process has it.
    """
    store = DuckDBStore(
        settings.data_dir / "telemetry.duckdb", memory_limit=f"{settings.memory_limit_mb}MB"
    )
    try:
        yield store
    finally:
        store.close()


@contextmanager
def open_relational(settings: Settings, *, must_be_current: bool | None) -> Iterator[Database]:
    """Opens the relational database; brings its schema up to date unless that must be so already.

    With None the schema is left as it is.

    Raises:
        Invalid: when its address makes no sense.
        Unavailable: when it cannot be reached or its schema is not ours.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(f"{settings.data_dir} cannot be made: {error.strerror}.") from error
    try:
        database = open_database(settings.database_url)
    except (ArgumentError, ImportError) as error:
        # The address itself may hold a password.
        raise Invalid(
            "MILLWRIGHT_DATABASE_URL makes no sense; "
            "write it like postgresql+psycopg://user@host/name or sqlite:////path/to/file."
        ) from error
    try:
        _bring_up(database, must_be_current=must_be_current)
        yield database
    finally:
        database.close()


def _bring_up(database: Database, *, must_be_current: bool | None) -> None:
    try:
        if must_be_current:
            check_schema(database)
        elif must_be_current is not None:
            migrate(database)
    except (DBAPIError, sqlite3.Error) as error:
        said = str(getattr(error, "orig", error)).strip().split("\n", 1)[0]
        raise Unavailable(f"The database cannot be used: {said}") from error
    except CommandError as error:
        raise Unavailable("The database was made by a newer Millwright; use that one.") from error


@contextmanager
def relational_transaction(settings: Settings, part: str) -> Iterator[Session]:
    """One transaction of a command, as the platform's own scope."""
    with (
        open_relational(settings, must_be_current=False) as database,
        database.transaction(Scope.system(part)) as session,
    ):
        yield session


def import_definition(
    session: Session,
    text: str,
    manufacturer: str,
    at: datetime,
    *,
    interval_s: float | None = None,
) -> EquipmentModel:
    """Creates or renews an equipment model from its TOML text.

    With `interval_s` it is fitted to machines that report more seldom than it was written for.

    Raises:
        Invalid: listing what does not fit.
        NotFound: when the manufacturer is unknown.
    """
    definition = read_definition(text)
    return save_definition(
        session,
        definition=definition if interval_s is None else report_every(definition, interval_s),
        manufacturer=get_organisation(session, manufacturer),
        at=at,
        check_normal_period=check_normal_period,
    )


def import_rules(session: Session, text: str, at: datetime) -> list[OfferRule]:
    """Creates or renews offer rules from their TOML text.

    Raises:
        Invalid: listing what does not fit.
        NotFound: when an equipment model is unknown.
    """
    return [save_rule(session, each, at=at) for each in read_rules(text)]


def read_example_rules(equipment_model: str) -> str | None:
    """The text of the offer rules that ship as an example for a model; None without any."""
    path = RULE_CATALOGUE / f"{equipment_model}.toml"
    return path.read_text(encoding="utf-8") if path.exists() else None


RULE_CATALOGUE = Path(__file__).parent.parent / "services" / "offers" / "catalogue"
CATALOGUE = Path(__file__).parent.parent / "devices" / "catalogue"


def read_example_definition(name: str) -> str:
    """The text of a definition that ships as an example."""
    return (CATALOGUE / f"{name}.toml").read_text(encoding="utf-8")
