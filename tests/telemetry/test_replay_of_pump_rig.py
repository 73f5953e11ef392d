"""The mark: measured faults of a pump rig go the whole way, from MQTT to tickets, as in service.

`millwright replay` plays 17 runs, each as a machine of its own: broker, ingest, store, learning of
the normal period, scoring, alarms, triage. Labels are read only to count. A ticket counts for the
time of the reading that fulfilled its alarm's condition, not for when it was opened: a second of
work on it is a minute of the recording, whose faults last six. How long that takes is bounded in
our own seconds. Nobody closes tickets, so what a machine does later joins its first one.
"""

import csv
import gzip
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from statistics import median

import pytest
from sqlalchemy import func, select

from devices.assets import Asset
from foundation.database import open_database
from foundation.identity.scope import Scope
from millwright.broker import BrokerKind
from services.tickets.models import Ticket, TicketAlarm
from telemetry.alarms.models import Alarm
from telemetry.store.duckdb_store import DuckDBStore
from tests.brokers import require
from tests.e2e import served

pytestmark = [pytest.mark.public_data, pytest.mark.broker]

SPEED = 60
LEAST_RUNS_FOUND, MOST_TICKETS_OUTSIDE = 12, 4
FLEET_HOURS = 72
# The whole recording takes some twenty of our seconds.
USUAL_WAIT_S, LONGEST_WAIT_S = 5, 10


@pytest.fixture(scope="module")
def public_data():
    found = os.environ.get("MILLWRIGHT_PUBLIC_DATA")
    if not found:
        pytest.skip("MILLWRIGHT_PUBLIC_DATA names no folder of public measurements")
    require(BrokerKind.MOSQUITTO)
    return Path(found)


def replay(folder, mapping, data, speed):
    """Runs the command; its last line of output, which reports the counts."""
    program = Path(sys.executable).with_name("millwright")
    options = ["--mapping", mapping, "--speed", str(speed), "--broker", "mosquitto"]
    done = subprocess.run(
        [program, "replay", folder, *options, "--data", data],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        env=served._environment({}),
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()[-1]


@dataclass(frozen=True)
class Run:
    """Seconds since a run's start of its readings, and whether each is labelled as faulty."""

    seconds: list[float]
    is_fault: list[bool]

    def is_within_fault(self, second):
        place = sum(each < second - 1e-3 for each in self.seconds)
        return self.is_fault[place]


def read_runs(folder):
    """Device → run, of every run that the mapping replays."""
    runs = {}
    for path in sorted(folder.glob("skab/*/*.csv.gz")):
        if path.parent.name == "anomaly-free":
            continue
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        times = [datetime.fromisoformat(row["datetime"]) for row in rows]
        seconds = [(at - times[0]).total_seconds() for at in times]
        labels = [float(row["anomaly"]) == 1 for row in rows]
        runs[f"rig-{path.parent.name}-{path.name.split('.')[0]}"] = Run(seconds, labels)
    return runs


@dataclass(frozen=True)
class Opened:
    """A ticket: its machine, when its first alarm was raised and when it was opened."""

    device: str
    raised_at: datetime
    opened_at: datetime
    is_open: bool


@dataclass(frozen=True)
class Replayed:
    """What the replay said and left behind."""

    said: str
    runs: dict[str, Run]
    tickets: list[Opened]
    start: datetime


@pytest.fixture(scope="module")
def replayed(public_data, tmp_path_factory):
    data = tmp_path_factory.mktemp("rig") / "data"
    said = replay(public_data, "pump_rig", data, SPEED)
    database = open_database(f"sqlite:///{data / 'millwright.db'}")
    first_alarm = (
        select(func.min(Alarm.raised_at))
        .join(TicketAlarm, TicketAlarm.alarm_id == Alarm.id)
        .where(TicketAlarm.ticket_id == Ticket.id)
        .scalar_subquery()
    )
    query = select(Asset.serial, first_alarm, Ticket.opened_at, Ticket.closed_at.is_(None))
    with database.session(Scope.system("test")) as session:
        rows = session.execute(query.join(Ticket, Ticket.asset_id == Asset.id)).all()
        assets = {row.serial: row.id for row in session.scalars(select(Asset))}
    database.close()
    store = DuckDBStore(data / "telemetry.duckdb")
    start_ms = min(store.span("water_pump_rig", asset)[0] for asset in assets.values())
    store.close()
    tickets = [Opened(*row) for row in rows]
    start = datetime.fromtimestamp(start_ms / 1000, UTC)
    return Replayed(said, read_runs(public_data), tickets, start)


def judge(replayed):
    """Per ticket its device, second, and whether that lies within a labelled fault."""
    found = []
    for ticket in replayed.tickets:
        second = (ticket.raised_at - replayed.start).total_seconds()
        inside = replayed.runs[ticket.device].is_within_fault(second)
        found.append((ticket.device, second, inside))
    return found


def show(replayed, judged):
    """The table that a reader of the test's output wants."""
    lines = [f"{'run':16} {'fault from-to, s':>24}  ticket at, s"]
    for device, run in replayed.runs.items():
        edges = [
            s for (s, a), (_, b) in pairwise(zip(run.seconds, run.is_fault, strict=True)) if a != b
        ]
        told = [
            f"{second:.0f} {'inside' if hit else 'OUTSIDE'}"
            for d, second, hit in judged
            if d == device
        ]
        faults = " ".join(f"{edge:.0f}" for edge in edges)
        lines.append(f"{device:16} {faults:>24}  {', '.join(told) or '-'}")
    return "\n".join(lines)


def test_every_reading_of_the_runs_is_stored(replayed):
    n = sum(len(run.seconds) for run in replayed.runs.values())
    assert len(replayed.runs) == 17
    assert replayed.said.startswith(f"{n} messages, {8 * n} values stored, 0 messages in quar")


def test_faults_become_tickets_and_little_else_does(replayed, capsys):
    judged = judge(replayed)
    hits = len({device for device, _, inside in judged if inside})
    outside = sum(not inside for _, _, inside in judged)
    counted = f"{hits} of 17 faults found, {outside} tickets outside"
    with capsys.disabled():
        sys.stdout.write(f"\n{show(replayed, judged)}\n{counted}\n")
    assert hits >= LEAST_RUNS_FOUND
    assert outside <= MOST_TICKETS_OUTSIDE


def test_no_machine_has_two_open_tickets(replayed):
    assert max(Counter(each.device for each in replayed.tickets if each.is_open).values()) == 1


def test_a_ticket_is_opened_soon_after_its_reading(replayed, capsys):
    """In our seconds, each of which holds a minute of the recording."""
    waits = sorted(each.opened_at - each.raised_at for each in replayed.tickets)
    seconds = [wait.total_seconds() / SPEED for wait in waits]
    with capsys.disabled():
        sys.stdout.write(f"\nopened after {median(seconds):.1f} s, at most {seconds[-1]:.1f} s\n")
    assert seconds[0] >= 0
    assert median(seconds) <= USUAL_WAIT_S
    assert seconds[-1] <= LONGEST_WAIT_S


def test_a_fleet_of_machines_is_stored_without_a_refusal(public_data, tmp_path):
    """Three days of it; the mapping finds the machine in a column."""
    (tmp_path / "pdm").mkdir()
    with (
        gzip.open(public_data / "pdm" / "telemetry_90d.csv.gz", "rt", encoding="utf-8") as source,
        (tmp_path / "pdm" / "telemetry_90d.csv").open("w", newline="", encoding="utf-8") as target,
    ):
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames)
        writer.writeheader()
        sent = Counter()
        for row in islice(rows, 50_000):
            sent[row["machineID"]] += 1
            if sent[row["machineID"]] <= FLEET_HOURS:
                writer.writerow(row)
    n = FLEET_HOURS * len(sent)
    said = replay(tmp_path, "machine_fleet", tmp_path / "data", 60_000)
    assert said.startswith(f"{n} messages, {4 * n} values stored, 0 messages in quarantine")
