"""`millwright simulate`: what its commands write, show, refuse and leave alone."""

import csv
import io
import threading
from datetime import timedelta

import duckdb
import pytest
from click.testing import CliRunner

from foundation.clock import ManualClock, from_ms, to_ms
from millwright.cli import main
from millwright.simulation import running
from millwright.simulation.running import RunPlan, run_on_broker, split_url
from simulators.faults import TRAITS, FaultKind
from simulators.fleet import make_fleet
from simulators.ledger import Act, FleetTime, Ledger, Listed, Row
from simulators.publisher import Credentials
from tests.brokers import GATEWAY, KINDS, drain, start, wait_until
from tests.conftest import START
from tests.network import make_network
from tests.services.scene import Scene

DAY_MS = 86_400_000


def call(*arguments):
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)], catch_exceptions=False)


def ask(*arguments):
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refuse(*arguments):
    done = call(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def set_time(ledger, now_ms):
    """The fleet's clock stands there."""
    ledger.write_time(FleetTime(now_ms, 0, 0.0))


@pytest.fixture
def ledger(tmp_path):
    """Of a fleet of ten in the middle of its thirty days."""
    ledger = Ledger.of_folder(tmp_path)
    make_fleet(seed=1, assets=10, start_ms=to_ms(START), planned_days=30, ledger=ledger)
    set_time(ledger, to_ms(START) + 20 * DAY_MS)
    return ledger


# truth


def test_truth_shows_what_has_begun_and_with_all_what_is_to_come(ledger, tmp_path):
    begun = read_csv(ask("truth", "--csv", "--data", tmp_path))
    everything = read_csv(ask("truth", "--csv", "--all", "--data", tmp_path))
    assert 0 < len(begun) < len(everything)
    assert begun == [row for row in everything if row["state"] != "to come"]
    assert len(everything) == sum(row.act is Act.PLAN for row in ledger.read())
    assert [row["onset"] for row in everything] == sorted(row["onset"] for row in everything)


def test_a_repair_that_the_plan_has_for_later_is_not_told(ledger, tmp_path):
    for row in read_csv(ask("truth", "--csv", "--data", tmp_path)):
        assert bool(row["ended"]) is (row["state"] == "mended")


def test_the_table_has_a_line_for_each(ledger, tmp_path):
    lines = ask("truth", "--data", tmp_path).splitlines()
    assert lines[0].split()[:3] == ["device", "serial", "name"]
    assert len(lines) == 1 + len(read_csv(ask("truth", "--csv", "--data", tmp_path)))


@pytest.mark.parametrize(
    "arguments",
    [("truth",), ("score",), ("inject", "--asset", "sc-0001", "--fault", "bearing_wear")],
)
def test_a_folder_without_a_simulation_is_told(arguments, tmp_path):
    assert "holds no simulation" in refuse(*arguments, "--data", tmp_path)


# inject and repair


def test_an_injected_fault_begins_now_and_is_told(ledger, tmp_path):
    machine = next(each for each in ledger.read_roster() if each.kind == "screw_compressor")
    words = ("--asset", machine.serial, "--fault", "bearing_wear", "--growth-hours", "2")
    assert "full in 2 hours" in ask("inject", *words, "--data", tmp_path)
    row = ledger.read()[-1]
    now_ms = to_ms(START) + 20 * DAY_MS
    assert (row.act, row.device, row.kind) == (Act.INJECT, machine.device, FaultKind.BEARING_WEAR)
    assert (row.onset_ms, row.full_ms) == (now_ms, now_ms + 2 * 3_600_000)
    told = read_csv(ask("truth", "--csv", "--data", tmp_path))
    assert [each["came"] for each in told].count("injected") == 1


def test_a_fault_grows_as_usual_when_nothing_else_is_said(ledger, tmp_path):
    ask("inject", "--asset", "sc-0001", "--fault", "bearing_wear", "--data", tmp_path)
    row, trait = ledger.read()[-1], TRAITS[FaultKind.BEARING_WEAR]
    assert row.full_ms - row.onset_ms == trait.days * DAY_MS
    assert row.growth is trait.growth


def test_an_unknown_machine_is_refused_with_examples(ledger, tmp_path):
    words = ("--asset", "X-1", "--fault", "bearing_wear", "--data", tmp_path)
    size = ledger.size
    assert "no simulated machine 'X-1' here; there are SC37-" in refuse("inject", *words)
    assert ledger.size == size


@pytest.mark.parametrize("fault", ["seal_leak", "rust"])
def test_a_fault_of_another_kind_is_refused_with_those_possible(ledger, tmp_path, fault):
    words = ("--asset", "sc-0001", "--fault", fault, "--data", tmp_path)
    line = refuse("inject", *words)
    assert f"cannot have '{fault}'" in line
    assert "oil_cooler_clogging, separator_clogging" in line
    assert line == refuse("repair", *words)


def test_a_repair_mends_what_is_there_and_nothing_else(ledger, tmp_path):
    words = ("--asset", "sc-0001", "--data", tmp_path)
    ask("inject", *words, "--fault", "bearing_wear")
    set_time(ledger, to_ms(START) + 21 * DAY_MS)
    assert "Nothing of that is wrong" in ask("repair", *words, "--fault", "air_leak")
    assert "is mended: bearing_wear" in ask("repair", *words)
    assert ledger.read()[-1].act is Act.REPAIR
    assert "Nothing of that is wrong" in ask("repair", *words)


# score


@pytest.fixture
def scene(sqlite_database):
    return Scene(make_network(sqlite_database, ManualClock(START)))


def test_tickets_are_held_against_the_truth(scene, tmp_path):
    ledger, start_ms = Ledger.of_folder(tmp_path), to_ms(START)
    ledger.write_roster(
        Listed(f"pump-{number}", f"P-000{number}", "Pump", "centrifugal_pump") for number in (1, 2)
    )
    fault = {"kind": FaultKind.SEAL_LEAK, "onset_ms": start_ms, "full_ms": start_ms + DAY_MS}
    ledger.append(Row(act=Act.PLAN, device="pump-1", at_ms=start_ms, **fault))
    scene.network.clock.advance(timedelta(hours=6).total_seconds())
    scene.ticket_from_alarm()
    scene.ticket_from_alarm(asset_id=scene.network.other_asset)
    set_time(ledger, start_ms + 15 * DAY_MS)
    faults, machines = ask("score", "--csv", "--data", tmp_path).strip().split("\n\n")
    total = [row.split(",") for row in faults.splitlines()][-1]
    assert total == ["total", "1", "1", "100%", "21% to 100%", "0", "18.0", "1"]
    total = [row.split(",") for row in machines.splitlines()][-1]
    assert total == ["total", "1", "2", "50%", "9% to 91%", "1", "1.0", "1.000"]


def test_a_folder_without_a_platform_is_told(ledger, tmp_path):
    assert "no platform whose tickets could be read" in refuse("score", "--data", tmp_path)


# dataset


def test_a_dataset_has_a_labelled_file_for_each_kind(tmp_path):
    out = tmp_path / "set"
    words = ("--out", out, "--days", "4", "--assets", "15", "--seed", "3", "--interval-s", "3600")
    ask("dataset", *words)
    fleet = make_fleet(seed=3, assets=15, start_ms=0, planned_days=4, interval_s=3600)
    assert {path.stem for path in out.iterdir()} == set(fleet.kinds)
    rows = duckdb.sql(f"SELECT * FROM '{out}/screw_compressor.parquet'")
    assert rows.columns[:2] == ["device", "at_ms"]
    assert rows.columns[-2:] == ["fault", "severity"]
    assert "discharge_pressure" in rows.columns
    compressors = sum(asset.kind == "screw_compressor" for asset in fleet.assets)
    assert len(rows) == compressors * 96
    labels = rows.filter("severity > 0").aggregate("fault, count(*) AS n").fetchall()
    assert labels
    assert all(fault in set(FaultKind) and n > 0 for fault, n in labels)
    assert rows.filter("severity = 0 AND fault <> ''").fetchall() == []
    assert "is there already" in refuse("dataset", *words)


def test_the_same_seed_writes_the_same_values(tmp_path):
    for name in ("one", "two"):
        ask("dataset", "--out", tmp_path / name, "--days", "1", "--assets", "1")
    kind = "screw_compressor.parquet"
    first, second = (duckdb.sql(f"FROM '{tmp_path}/{name}/{kind}'") for name in ("one", "two"))
    assert first.except_(second).fetchall() == second.except_(first).fetchall() == []


# run


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", ("mqtt://broker:1883", None)),
        ("mqtt://a%40b:p%3Aw@broker:99", ("mqtt://broker:99", Credentials("a@b", "p:w"))),
        ("mqtt://[::1]:99", ("mqtt://[::1]:99", None)),
    ],
)
def test_the_secret_is_taken_out_of_the_address(url, expected):
    assert split_url(url) == expected


@pytest.mark.parametrize("url", ["localhost", "http://host", "mqtt://", "mqtt://host:port"])
def test_an_address_that_makes_no_sense_is_refused(url):
    assert "broker's URL" in refuse("run", "--url", url)


@pytest.mark.broker
@pytest.mark.parametrize("kind", KINDS[:1], ids=["mosquitto"])
def test_a_fleet_goes_on_where_its_folder_was(kind, tmp_path, monkeypatch):
    broker = start(kind, tmp_path / "broker")
    account = next(each for each in broker.accounts if each.user == GATEWAY)
    url = broker.url.replace("mqtt://", f"mqtt://{account.user}:{account.password}@")
    stops = []
    monkeypatch.setattr(running, "stop_on_signals", stops.append)
    data = tmp_path / "data"
    plan = RunPlan(
        seed=1,
        assets=2,
        days=30,
        interval_s=60,
        speed=7200.0,
        wire="native",
        network="good",
        data=data,
    )
    reached = []
    for turn in range(2):
        sent = []
        runner = threading.Thread(target=lambda to=sent: to.append(run_on_broker(url, plan)))
        runner.start()
        wait_until(lambda turn=turn: len(stops) > turn)
        time = Ledger.of_folder(data).read_time()
        threading.Event().wait(1.5)
        stops[turn].set()
        runner.join(20)
        assert sent[0].readings > 50
        reached.append(from_ms(time.clock_ms))
    drain(broker)
    broker.stop()
    assert timedelta(hours=2) < reached[1] - reached[0]
    begun = {row.at_ms for row in Ledger.of_folder(data).read() if row.act is Act.PLAN}
    assert len(begun) == 1
