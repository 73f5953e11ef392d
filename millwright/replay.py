"""`millwright replay`: CSV measurements played as equipment over MQTT, under one scaled clock.

The replay owns its data folder and runs the whole platform while it plays. Readings keep their own
times; the clock starts at the first of them and runs at the wanted speed, so on-delays, lateness
and tickets come out as they would have then.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from math import isfinite
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.orm import Session

from devices.definitions import read_definition
from devices.equipment_models import find_equipment_model
from devices.readings import Reading
from devices.registration import AssetEntry, register_asset
from devices.wire.native import encode_telemetry, telemetry_topic
from foundation.clock import Clock, ScaledClock, from_ms, stopwatch_s, to_ms
from foundation.errors import Invalid, Unavailable
from foundation.identity.scope import OrganisationKind, Role, Scope
from foundation.log import set_up_logs
from foundation.settings import Settings, read_settings
from millwright.data_folder import DataFolder
from millwright.serve import (
    Service,
    interrupt_on_signals,
    reserve_port,
    running,
    stop_on_signals,
)
from millwright.trial_network import (
    TrialAccount,
    describe,
    get_or_create_account,
    get_or_create_organisation,
    remember_accounts,
    write_trial_facts,
)
from millwright.wiring import import_definition, open_platform, read_example_definition
from services.tickets.queries import EVERY_STATE, TicketFilter, count_tickets
from simulators.publisher import Credentials, Publisher
from simulators.recordings import Installed, Recording, read_mapping, read_recordings

MAPPINGS = Path(__file__).parent.parent / "simulators" / "mappings"
DEFAULT_FOLDER = Path("~/.millwright-replay")
_HEAD_START = timedelta(seconds=1)
_DRAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What to replay, and how fast."""

    folder: Path
    mapping: str
    speed: float
    keep: bool = False
    broker: str | None = None


def find_mapping(name: str) -> Path:
    """The file of that path, or the shipped mapping of that name.

    Raises:
        Invalid: when there is neither.
    """
    for path in (Path(name), MAPPINGS / f"{name}.toml"):
        if path.is_file():
            return path
    shipped = ", ".join(sorted(each.stem for each in MAPPINGS.glob("*.toml")))
    raise Invalid(f"There is no mapping file {name!r}; shipped ones are {shipped}.")


def run_replay(data: Path | None, plan: ReplayPlan, given: Mapping[str, Any]) -> int:
    """Plays the recordings and prints what became of them; returns the exit code."""
    interrupt_on_signals()
    set_up_logs("console")
    mapping_path = find_mapping(plan.mapping)
    mapping = read_mapping(mapping_path)
    recordings = read_recordings(plan.folder, mapping)
    with ExitStack() as stack:
        folder = DataFolder((data or DEFAULT_FOLDER).expanduser().absolute())
        stack.callback(folder.release)
        settings = _read_settings(folder, given)
        listener = reserve_port(settings.host, settings.port)
        stack.callback(listener.close)
        # Opening everything takes a moment of real time, which is a long one of a fast clock.
        begin = _first(recordings) - _HEAD_START * plan.speed
        clock = ScaledClock(begin, plan.speed, is_running=False)
        platform = stack.enter_context(open_platform(settings, clock, speed=plan.speed))
        with platform.database.transaction(Scope.system("replay")) as session:
            definition = _read_definition(mapping.installed.definition, mapping_path)
            made = _install(session, mapping.installed, definition, recordings)
        accounts = remember_accounts(folder, made)
        service = stack.enter_context(
            running(platform, folder, listener, broker=plan.broker, anonymous_devices=True)
        )
        stop_on_signals(service.stop)
        write_trial_facts(folder, service.url, service.broker.url, accounts)
        click.echo(describe(service.url, service.broker.url, accounts))
        clock.run()
        _play(service, recordings, clock)
        _drain(service)
        _report(service)
        return service.wait() if plan.keep and not service.stop.is_set() else 0


def _first(recordings: list[Recording]) -> datetime:
    return from_ms(min(int(each.times_ms[0]) for each in recordings))


def _read_settings(folder: DataFolder, given: Mapping[str, Any]) -> Settings:
    return read_settings(
        {
            "data_dir": folder.path,
            "database_url": f"sqlite:///{folder.path / 'millwright.db'}",
            "secret_key": folder.get_secret("secret_key"),
            "port": given.get("port") or 0,
        }
    )


def _read_definition(name: str, mapping_path: Path) -> str:
    """A definition file beside the mapping, or a shipped example.

    Raises:
        Invalid: when there is neither.
    """
    beside = mapping_path.parent / name
    try:
        if beside.is_file():
            return beside.read_text(encoding="utf-8")
        return read_example_definition(name)
    except (OSError, ValueError) as error:
        raise Invalid(
            f"There is no definition {name!r} beside the mapping, nor among the examples."
        ) from error


def _install(
    session: Session, installed: Installed, definition: str, recordings: list[Recording]
) -> list[TrialAccount | None]:
    at = _first(recordings)
    zone = installed.time_zone
    maker = get_or_create_organisation(
        session, OrganisationKind.MANUFACTURER, installed.manufacturer, zone, at
    )
    dealer = get_or_create_organisation(
        session, OrganisationKind.DEALER, installed.dealer, zone, at
    )
    customer = get_or_create_organisation(
        session, OrganisationKind.CUSTOMER, installed.customer, zone, at
    )
    key = read_definition(definition).equipment_model.key
    if find_equipment_model(session, key) is None:
        import_definition(session, definition, maker.name, at)
    for recording in recordings:
        register_asset(session, _entry(installed, key, recording.device, at), at=at)
    people = (
        ("Maker", "maker@example.com", Role.MANUFACTURER, maker),
        ("Manager", "manager@example.com", Role.DEALER_MANAGER, dealer),
        ("Technician", "technician@example.com", Role.TECHNICIAN, dealer),
        ("Customer", "customer@example.com", Role.CUSTOMER, customer),
    )
    return [
        get_or_create_account(
            session, name=name, email=email, role=role, organisation=organisation, at=at
        )
        for name, email, role, organisation in people
    ]


def _entry(installed: Installed, key: str, device: str, at: datetime) -> AssetEntry:
    return AssetEntry(
        equipment_model=key,
        serial=device,
        name=device,
        customer=installed.customer,
        dealer=installed.dealer,
        site=installed.site,
        time_zone=installed.time_zone,
        device=device,
        commissioned_at=at,
    )


def _play(service: Service, recordings: list[Recording], clock: Clock) -> None:
    """Publishes each reading when the clock comes to its time."""
    account = service.device_account()
    credentials = Credentials(account.user, account.password) if account else None
    publisher = Publisher(service.broker.url, credentials, "millwright-replay")
    total = sum(len(each.times_ms) for each in recordings)
    columns = (TextColumn("Replaying"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, transient=True) as progress:
            task = progress.add_task("", total=total)
            for reading in merge(
                *(_readings(each) for each in recordings), key=lambda each: each.observed_at_ms
            ):
                ahead_ms = reading.observed_at_ms - to_ms(clock.now())
                if ahead_ms > 0 and clock.wait(service.stop, ahead_ms / 1000):
                    return
                topic = telemetry_topic(reading.source)
                if not publisher.send(topic, encode_telemetry([reading]), service.stop):
                    return
                progress.advance(task)
    finally:
        publisher.close(_DRAIN_S)


def _readings(recording: Recording) -> Iterator[Reading]:
    names = list(recording.values)
    table = np.column_stack(list(recording.values.values()))
    for at_ms, row in zip(recording.times_ms.tolist(), table.tolist(), strict=True):
        values = {name: value for name, value in zip(names, row, strict=True) if isfinite(value)}
        if values:
            yield Reading(recording.device, at_ms, values)


def _drain(service: Service) -> None:
    """Waits until everything that was sent is stored, scored and decided on.

    Raises:
        Unavailable: when that takes too long.
    """
    deadline_s = stopwatch_s() + _DRAIN_S
    counted = -1
    while not service.stop.is_set():
        service.stop.wait(0.5)
        present = service.platform.ingest.counted.messages
        if present == counted and service.platform.scoring.is_idle():
            # One more turn of the worker: the last alarm may have been raised just now.
            threading.Event().wait(1.0)
            return
        counted = present
        if stopwatch_s() > deadline_s:
            raise Unavailable("The platform did not come to the end of the replay in a minute.")


def _report(service: Service) -> None:
    counted = service.platform.ingest.counted
    with service.platform.database.session(Scope.system("replay")) as session:
        tickets = count_tickets(session, TicketFilter(states=EVERY_STATE))
    click.echo(
        f"{counted.messages} messages, {counted.values} values stored, "
        f"{counted.refused_messages} messages in quarantine, {tickets} tickets"
    )
