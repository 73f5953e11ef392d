"""The mark of the thin chain: 17 fault runs of a pump rig, replayed over a real broker.

Each run is a machine of its own. Its labels are read only here, to judge the tickets.
"""

import csv
import gzip
import os
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from devices.assets import Asset
from foundation.clock import to_ms
from foundation.database import open_database
from foundation.identity.scope import Scope
from services.tickets.models import Ticket

pytestmark = [pytest.mark.public_data, pytest.mark.broker, pytest.mark.timeout(300)]

SPEED = 40
PUBLIC = os.environ.get("MILLWRIGHT_PUBLIC_DATA", "")


@pytest.fixture(scope="module")
def tickets(tmp_path_factory):
    """Serial → (opened, closed) of its tickets in ms, after the replay of all runs."""
    if not PUBLIC:
        pytest.skip("MILLWRIGHT_PUBLIC_DATA names no folder with public measurements")
    data = tmp_path_factory.mktemp("replay") / "data"
    command = [sys.executable, "-m", "millwright", "replay", PUBLIC, "--mapping", "pump_rig"]
    done = subprocess.run(
        [*command, "--speed", str(SPEED), "--data", str(data), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 messages in quarantine" in done.stdout
    return _read_tickets(data)


def _read_tickets(data):
    database = open_database(f"sqlite:///{data / 'millwright.db'}")
    found = defaultdict(list)
    with database.session(Scope.system("test")) as session:
        query = select(Asset.serial, Ticket.opened_at, Ticket.closed_at)
        rows = session.execute(query.join(Ticket, Ticket.asset_id == Asset.id))
        for serial, opened_at, closed_at in rows:
            closed_ms = to_ms(closed_at) if closed_at else None
            found[serial].append((to_ms(opened_at), closed_ms))
    database.close()
    return found


def _read_faults():
    """Serial → times in ms, moved to a common start as the replay does, and labels."""
    runs = {}
    for folder in ("valve1", "valve2", "other"):
        for path in sorted((Path(PUBLIC) / "skab" / folder).glob("*.csv*")):
            with gzip.open(path, "rt", encoding="utf-8") as text:
                rows = sorted(
                    (_ms(row["datetime"]), row["anomaly"] == "1.0")
                    for row in csv.DictReader(text, delimiter=";")
                )
            runs[f"rig-{folder}-{path.name.split('.')[0]}"] = rows
    start = min(rows[0][0] for rows in runs.values())
    return {
        serial: [(at - rows[0][0] + start, is_fault) for at, is_fault in rows]
        for serial, rows in runs.items()
    }


def _ms(text):
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def _is_inside(rows, at_ms):
    """Whether the newest reading up to that time is labelled as a fault."""
    before = [is_fault for observed_ms, is_fault in rows if observed_ms <= at_ms]
    return bool(before) and before[-1]


def test_faults_become_tickets_and_normal_running_does_not(tickets, record_property):
    runs = _read_faults()
    inside = {
        serial
        for serial, rows in runs.items()
        if any(_is_inside(rows, opened) for opened, _ in tickets[serial])
    }
    outside = [
        (serial, opened)
        for serial, rows in runs.items()
        for opened, _ in tickets[serial]
        if not _is_inside(rows, opened)
    ]
    record_property("runs_with_a_ticket_inside", len(inside))
    record_property("tickets_outside", len(outside))
    assert len(runs) == 17
    assert len(inside) >= 12
    assert len(outside) <= 4


def test_no_machine_ever_has_two_open_tickets(tickets):
    for opened_and_closed in tickets.values():
        ordered = sorted(opened_and_closed)
        for (_, closed), (opened, _) in pairwise(ordered):
            assert closed is not None
            assert closed <= opened
