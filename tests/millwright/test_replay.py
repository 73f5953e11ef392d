"""`millwright replay`: a folder of made-up CSV becomes machines that report, and their tickets."""

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from devices.assets import Asset
from foundation.clock import to_ms
from foundation.database import open_database
from foundation.errors import Invalid
from foundation.identity.scope import Scope
from millwright.broker import BrokerKind
from millwright.replay import MAPPINGS, find_mapping
from services.tickets.models import Ticket
from telemetry.alarms.models import Alarm
from telemetry.store.duckdb_store import DuckDBStore
from tests.brokers import require
from tests.e2e import served
from tests.millwright.test_cli import call, refusal
from tests.network import PUMP

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
MAPPING = """
files = ["*.csv"]
time_column = "time"
device = "pump-{stem}"
columns = ["T1", "pressure"]

[installed]
definition = "pump.toml"
manufacturer = "Ironbridge Works"
dealer = "North Service"
customer = "Harbour Foods"
site = "Plant 1"
time_zone = "Europe/Berlin"
"""


def write_run(path, temperatures_f):
    """A run that reports its bearing in degrees Fahrenheit, every 10 s."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "T1", "pressure"])
        for place, value in enumerate(temperatures_f):
            at = START + timedelta(seconds=10 * place)
            rows.writerow([at.isoformat(), value, 5 if place % 2 else ""])


@pytest.fixture
def recorded(tmp_path):
    """A folder of runs with a mapping and a definition: one pump gets hot twice, one never."""
    folder = tmp_path / "runs"
    folder.mkdir()
    hot = [150.0] * 20 + [185.0] * 20 + [150.0] * 20 + [190.0] * 20
    write_run(folder / "hot.csv", hot)
    write_run(folder / "calm.csv", [150.0] * 80)
    (folder / "mapping.toml").write_text(MAPPING)
    (folder / "pump.toml").write_text(PUMP)
    return folder


def run(recorded, data, *, speed):
    options = ["--mapping", recorded / "mapping.toml", "--broker", "mosquitto"]
    program = Path(sys.executable).with_name("millwright")
    return subprocess.run(
        [program, "replay", recorded, *options, "--speed", str(speed), "--data", data],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=served._environment({}),
    )


def read_tables(data):
    """Assets by device, and per ticket its asset and when its alarms were raised."""
    database = open_database(f"sqlite:///{data / 'millwright.db'}")
    with database.session(Scope.system("test")) as session:
        assets = {row.serial: row.id for row in session.scalars(select(Asset))}
        tickets = [(row.asset_id, row.opened_at) for row in session.scalars(select(Ticket))]
        alarms = [
            (row.asset_id, [to_ms(each.raised_at) for each in row.occurrences])
            for row in session.scalars(select(Alarm))
        ]
    database.close()
    return assets, tickets, alarms


@pytest.mark.broker
def test_a_recording_is_stored_judged_and_ticketed_as_it_was_then(recorded, tmp_path):
    require(BrokerKind.MOSQUITTO)
    data = tmp_path / "data"
    done = run(recorded, data, speed=200)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    said = "160 messages, 240 values stored, 0 messages in quarantine, 1 tickets"
    assert done.stdout.splitlines()[-1] == said
    assets, tickets, alarms = read_tables(data)
    hot = assets["pump-hot"]
    crossed = [START + timedelta(seconds=s) for s in (200 + 20, 600 + 20)]
    assert [asset for asset, _ in tickets] == [hot]
    assert alarms == [(hot, [to_ms(at) for at in crossed])]
    # The ticket comes soon after in the recording's own time; a second of ours is 200 of its.
    assert timedelta(0) <= tickets[0][1] - crossed[0] < timedelta(hours=2)
    store = DuckDBStore(data / "telemetry.duckdb")
    assert store.span("pump", hot) == (to_ms(START), to_ms(START) + 790_000, 80)
    store.close()
    facts = json.loads((data / "demo.json").read_text())
    roles = ["manufacturer", "dealer_manager", "technician", "customer"]
    assert [account["role"] for account in facts["accounts"]] == roles
    again = run(recorded, data, speed=1000)
    assert again.stdout.splitlines()[-1] == said
    assert (again.returncode, read_tables(data)) == (0, (assets, tickets, alarms))


def refuse(recorded, tmp_path, mapping="mapping.toml"):
    done = call("replay", recorded, "--mapping", recorded / mapping, "--data", tmp_path / "data")
    line = refusal(done.exit_code, done.stdout, done.stderr)
    assert not (tmp_path / "data" / "telemetry.duckdb").exists()
    return line


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("mapping.toml", ('"*.csv"', '"*.parquet"'), "No file below"),
        ("mapping.toml", ("time_column", "time_row"), "does not fit"),
        ("hot.csv", ("185.0", "hot"), "hot.csv, line 22: 'hot' is no number"),
    ],
)
def test_what_cannot_be_replayed_is_one_clear_line(recorded, tmp_path, name, change, words):
    old, new = change
    text = (recorded / name).read_text()
    assert old in text
    (recorded / name).write_text(text.replace(old, new, 1))
    assert words in refuse(recorded, tmp_path)


def test_a_definition_that_is_nowhere_is_one_clear_line(recorded, tmp_path):
    (recorded / "pump.toml").unlink()
    done = call(
        "replay", recorded, "--mapping", recorded / "mapping.toml", "--data", tmp_path / "data"
    )
    line = refusal(done.exit_code, done.stdout, done.stderr)
    assert "no definition 'pump.toml'" in line


def test_a_mapping_is_found_by_its_path_or_by_its_shipped_name(recorded):
    assert find_mapping(str(recorded / "mapping.toml")) == recorded / "mapping.toml"
    assert find_mapping("pump_rig") == MAPPINGS / "pump_rig.toml"
    with pytest.raises(Invalid, match="shipped ones are machine_fleet, pump_rig"):
        find_mapping("nope")
