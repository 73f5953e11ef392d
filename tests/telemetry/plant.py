"""Two pumps that report to ingest, scoring and a worker on real databases, under a faked clock.

What is sent is written as a device sends it; what became of it is read back from the tables and
the store.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import select

from devices.assets import get_asset
from devices.definitions import read_definition, save_definition
from devices.equipment_models import get_equipment_model
from devices.provisioning import Device, assign_source
from devices.registration import AssetEntry, register_asset
from devices.signal_mapping import set_signal_mapping
from devices.wire.native import telemetry_topic
from foundation.clock import ManualClock, from_ms, to_ms
from foundation.errors import Unavailable
from foundation.identity.models import Organisation
from millwright.worker import Worker
from telemetry.alarms.models import Alarm
from telemetry.ingest import Ingest
from telemetry.latest import Latest
from telemetry.mqtt import Message
from telemetry.quarantine import QuarantinedMessage
from telemetry.scoring import Scoring
from telemetry.sources import Sources
from telemetry.store.duckdb_store import DuckDBStore
from telemetry.training import check_normal_period
from tests.network import PUMP, Network

METRICS = ("temperature", "pressure")


class RestingStore:
    """A store that cannot be reached for a while: ours, behind a door that can be shut."""

    def __init__(self, store):
        self._store = store
        self.is_away = False

    def write(self, batches):
        if self.is_away:
            raise Unavailable("The store is away.")
        self._store.write(batches)

    def __getattr__(self, name):
        return getattr(self._store, name)


@dataclass
class Plant:
    """The network's two pumps, pump-1 and pump-2, and what listens to them."""

    network: Network
    store: RestingStore
    clock: ManualClock

    def __post_init__(self):
        # When the test began, which all times are told from.
        self.start_ms = to_ms(self.clock.now())
        self.restart()

    @classmethod
    def open(cls, network: Network, folder: Path):
        store = DuckDBStore(folder / "telemetry.duckdb", memory_limit="256MB", threads=1)
        return cls(network, RestingStore(store), network.clock)

    def restart(self):
        """All that is held in memory is lost; the databases stay."""
        database = self.network.database
        self.latest = Latest()
        self.latest.rebuild(self.store, {"pump": list(METRICS)}, 0)
        self.sources = Sources(database)
        self.ingest = Ingest(database, self.store, self.latest, self.sources, self.clock)
        self.scoring = self.make_scoring()
        self.worker = Worker(database, self.clock)

    def make_scoring(self, **options):
        """A scorer that knows nothing yet but what the tables say."""
        return Scoring(self.network.database, self.store, self.latest, self.clock, **options)

    def at(self, seconds):
        return from_ms(self.start_ms + round(seconds * 1000))

    def ms(self, seconds):
        return self.start_ms + round(seconds * 1000)

    def message(self, payload, *, device="pump-1", topic=None):
        """A message received now; what is no bytes is written as JSON."""
        if not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        topic = topic or telemetry_topic(device)
        return Message(0, 0, topic, payload, to_ms(self.clock.now()))

    def send(self, *payloads, device="pump-1"):
        """Messages that ingest takes in as one batch; what it answers."""
        return self.ingest.take_in([self.message(each, device=device) for each in payloads])

    def report(self, readings, *, device="pump-1", metric="temperature"):
        """Second → value, sent in one message; the clock goes to the newest of them."""
        newest = self.at(max(readings))
        if newest > self.clock.now():
            self.clock.set(newest)
        self.send(
            [{"ts": self.ms(s), "values": {metric: v}} for s, v in readings.items()],
            device=device,
        )

    def run(self, readings, **where):
        """Reports and scores; how many alarms were raised or cleared."""
        self.report(readings, **where)
        return self.scoring.step()

    def stored(self, asset=None):
        """Second → metric → value of an asset, by default of the first pump."""
        asset = asset or self.network.asset
        span = {"start_ms": 0, "end_ms": 253_402_300_800_000}
        found = self.store.read("pump", assets=[asset], metrics=METRICS, **span)
        return {
            (int(at_ms) - self.start_ms) / 1000: {
                name: float(column[row])
                for name, column in found.values.items()
                if np.isfinite(column[row])
            }
            for row, at_ms in enumerate(found.at_ms)
        }

    def quarantined(self):
        """Everything that was ever kept, oldest first."""
        with self.network.database.session(self.network.scope()) as session:
            query = select(QuarantinedMessage).order_by(QuarantinedMessage.id)
            return list(session.scalars(query))

    def alarms(self):
        """Per alarm: condition, when it began, was raised, cleared and closed, its occurrences."""
        with self.network.database.session(self.network.scope()) as session:
            rows = session.scalars(select(Alarm).order_by(Alarm.id)).all()
            return [self._describe(row) for row in rows]

    def _describe(self, alarm):
        spans = [
            tuple(self.seconds(at) for at in (each.started_at, each.raised_at, each.cleared_at))
            for each in alarm.occurrences
        ]
        return Found(
            id=alarm.id,
            asset=alarm.asset_id,
            condition=alarm.condition,
            is_active=alarm.is_active,
            is_open=alarm.closed_at is None,
            spans=spans,
            evidence=alarm.evidence,
        )

    def seconds(self, at):
        """An instant as seconds since the test began."""
        return None if at is None else (to_ms(at) - self.start_ms) / 1000

    def define(self, *changes, text=PUMP):
        """The pump's definition, saved with pieces of its text replaced."""
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        with self.network.transaction() as session:
            save_definition(
                session,
                definition=read_definition(text),
                manufacturer=session.get_one(Organisation, self.network.organisations["maker"]),
                at=self.clock.now(),
                check_normal_period=check_normal_period,
            )

    def map_signal(self, signal, metric, unit, **more):
        """A row of the pump's signal mapping."""
        with self.network.transaction() as session:
            model = get_equipment_model(session, "pump")
            at = self.clock.now()
            set_signal_mapping(
                session, model=model, signal=signal, metric=metric, unit=unit, at=at, **more
            )

    def move(self, device, asset, seconds):
        """From then on the device speaks for another asset."""
        with self.network.transaction() as session:
            found = session.scalar(select(Device).where(Device.key == device))
            assign_source(
                session,
                device=found,
                asset=get_asset(session, asset),
                from_at=self.at(seconds),
            )

    def register(self, serial, device, *, days_ago=1):
        """A third pump; its id."""
        at = self.clock.now()
        entry = AssetEntry(
            equipment_model="pump",
            serial=serial,
            name="",
            customer="Harbour Foods",
            dealer="North Service",
            site="Plant 1",
            time_zone="Europe/Berlin",
            device=device,
            commissioned_at=at - timedelta(days=days_ago),
        )
        with self.network.transaction() as session:
            asset, _ = register_asset(session, entry, at=at)
            return asset.id

    def find_asset(self, session):
        """The first pump."""
        return get_asset(session, self.network.asset)

    def close(self):
        self.store.close()


@dataclass(frozen=True)
class Found:
    """An alarm as a test looks at it; times are seconds since the test began."""

    id: int
    asset: int
    condition: str
    is_active: bool
    is_open: bool
    spans: list[tuple[float, float, float | None]]
    evidence: dict[str, object]
