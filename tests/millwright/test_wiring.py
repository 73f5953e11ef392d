"""The parts put together: what was stored is known again, and what cannot be opened is refused."""

import json
import shutil
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from devices.equipment_models import find_equipment_model
from devices.wire.native import telemetry_topic
from foundation.clock import ManualClock, to_ms
from foundation.database import open_database
from foundation.errors import Conflict, Invalid, NotFound, Unavailable
from foundation.identity.scope import Scope
from foundation.jobs import Job, enqueue
from foundation.settings import read_settings
from millwright.schema import check_schema, downgrade, list_differences, migrate
from millwright.wiring import (
    CATALOGUE,
    LONGEST_WAY_S,
    import_definition,
    open_platform,
    open_relational,
    read_example_definition,
    relational_transaction,
)
from telemetry.mqtt import Message
from tests.conftest import START
from tests.network import PUMP

SYSTEM = Scope.system("test")


def make_settings(folder, **given):
    given = {"data_dir": folder, "secret_key": "s" * 40, "memory_limit_mb": 256} | given
    return read_settings(given, environment={})


@pytest.fixture
def folder(network_file, tmp_path):
    """A data folder in which the network's two pumps are known."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(network_file[0], folder / "millwright.db")
    return folder


def send(platform, *readings):
    topic, now_ms = telemetry_topic("pump-1"), to_ms(platform.clock.now())
    payload = json.dumps([{"ts": now_ms + ms, "values": {"temperature": v}} for ms, v in readings])
    platform.ingest.take_in([Message(0, 0, topic, payload.encode(), now_ms)])


def test_a_fresh_folder_becomes_a_platform_with_nothing_in_it(tmp_path):
    with open_platform(make_settings(tmp_path / "new"), ManualClock(START)) as platform:
        check_schema(platform.database)
        assert platform.scoring.step() == 0
        assert platform.worker.step() == 0
        assert platform.ingest.topic_filters == ("mw/v1/+/telemetry",)


def test_after_a_restart_the_newest_reading_is_known(folder, network_file):
    asset, settings = network_file[1].asset, make_settings(folder)
    with open_platform(settings, ManualClock(START)) as platform:
        send(platform, (-1000, 50), (0, 60))
    with open_platform(settings, ManualClock(START + timedelta(days=1))) as platform:
        held = platform.latest.find(asset)
        assert (held.at_ms, held.values["temperature"][0]) == (to_ms(START), 60.0)
    with open_platform(settings, ManualClock(START + timedelta(days=91))) as platform:
        assert platform.latest.find(asset) is None


def test_a_second_platform_in_the_same_folder_is_refused(folder):
    settings = make_settings(folder)
    with (
        open_platform(settings, ManualClock(START)),
        pytest.raises(Conflict),
        open_platform(settings, ManualClock(START)),
    ):
        pytest.fail("two own one store")


def test_when_opening_fails_everything_is_let_go_of(folder):
    settings = make_settings(folder)
    (folder / "telemetry.duckdb").write_text("no database at all")
    with (
        pytest.raises(Unavailable, match="backup"),
        open_platform(settings, ManualClock(START)),
    ):
        pytest.fail("it opened a damaged store")
    (folder / "telemetry.duckdb").unlink()
    with open_platform(settings, ManualClock(START)) as platform:
        send(platform, (0, 60))


def test_jobs_that_a_killed_worker_held_are_due_again(folder):
    settings = make_settings(folder)
    with relational_transaction(settings, "test") as session:
        enqueue(session, kind="anything", payload={}, at=START)
        session.scalar(select(Job)).leased_until = START + timedelta(minutes=5)
    with (
        open_platform(settings, ManualClock(START)) as platform,
        platform.database.session(SYSTEM) as session,
    ):
        assert session.scalar(select(Job)).leased_until is None


@pytest.mark.parametrize(
    ("speed", "late_s", "future_s"), [(1, 900, 120), (10, 900, 120), (1000, 60_000, 2000)]
)
def test_a_fast_clock_has_wider_windows_for_lateness(folder, speed, late_s, future_s):
    with open_platform(make_settings(folder), ManualClock(START), speed=speed) as platform:
        windows = platform.ingest._windows
        assert (windows.late_after_s, windows.accept_future_s) == (late_s, future_s)
        assert platform.scoring._alarm_late_ms == 1000 * max(3600, LONGEST_WAY_S * speed)


# the relational database


def test_migrating_again_changes_nothing(tmp_path):
    settings = make_settings(tmp_path)
    for _ in range(2):
        with open_relational(settings, must_be_current=False) as database:
            assert list_differences(database) == []
    with open_relational(settings, must_be_current=True):
        pass


def test_sqlite_keeps_its_journal_so_that_readers_and_a_writer_meet(tmp_path):
    with open_relational(make_settings(tmp_path), must_be_current=False) as database:
        raw = database.engine.raw_connection()
        assert raw.cursor().execute("PRAGMA journal_mode").fetchone() == ("wal",)
        raw.close()


def test_a_schema_that_is_behind_names_the_command_that_mends_it(sqlite_database, tmp_path):
    downgrade(sqlite_database, "base")
    settings = make_settings(tmp_path, database_url=str(sqlite_database.engine.url))
    with (
        pytest.raises(Unavailable, match="Run: millwright migrate"),
        open_relational(settings, must_be_current=True),
    ):
        pytest.fail("it ran on an old schema")
    migrate(sqlite_database)
    with open_relational(settings, must_be_current=True):
        pass


def refuse(settings, kind, words):
    with pytest.raises(kind) as refused, open_relational(settings, must_be_current=False):
        pytest.fail("it was opened")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("nonsense hunter2", Invalid, "makes no sense"),
        ("nosuchthing://x:hunter2@localhost/x", Invalid, "makes no sense"),
        ("postgresql+psycopg://x:hunter2@127.0.0.1:1/x", Unavailable, "refused"),
        ("sqlite:////proc/nowhere/millwright.db", Unavailable, "unable to open"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_clear_line(tmp_path, url, kind, words):
    refuse(make_settings(tmp_path, database_url=url), kind, words)


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path):
    (tmp_path / "millwright.db").write_text("once upon a time\n" * 100)
    refuse(make_settings(tmp_path), Unavailable, "not a database")


def test_a_database_of_a_newer_millwright_is_left_alone(tmp_path):
    settings = make_settings(tmp_path)
    with (
        open_relational(settings, must_be_current=False) as database,
        database.engine.begin() as connection,
    ):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    refuse(settings, Unavailable, "newer Millwright")


def test_a_file_where_the_folder_should_be_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    refuse(make_settings(tmp_path / "file"), Unavailable, "cannot be made")


# commands


def test_a_command_that_fails_leaves_nothing_behind(folder):
    settings = make_settings(folder)
    with pytest.raises(NotFound):
        import_both(settings)
    database = open_database(settings.database_url)
    with database.session(SYSTEM) as session:
        assert find_equipment_model(session, "fan") is None
    database.close()


def import_both(settings):
    with relational_transaction(settings, "import") as session:
        import_definition(session, PUMP.replace('"pump"', '"fan"'), "Ironbridge Works", START)
        import_definition(session, PUMP.replace('"pump"', '"mill"'), "Nobody", START)


def test_a_definition_is_created_and_then_renewed(folder):
    for version in (1, 2):
        with relational_transaction(make_settings(folder), "import") as session:
            text = PUMP.replace('"pump"', '"fan"')
            assert import_definition(session, text, "Ironbridge Works", START).version == version


def test_a_definition_whose_normal_period_cannot_be_used_is_refused(folder):
    broken = PUMP + "[normal_period]\nwindow = 60\n"
    with (
        pytest.raises(Invalid, match="no setting window"),
        relational_transaction(make_settings(folder), "import") as session,
    ):
        import_definition(session, broken, "Ironbridge Works", START)


@pytest.mark.parametrize("name", sorted(path.stem for path in CATALOGUE.glob("*.toml")))
def test_every_example_can_be_imported(folder, name):
    with relational_transaction(make_settings(folder), "import") as session:
        model = import_definition(
            session, read_example_definition(name), "Ironbridge Works", START
        )
        assert (model.key, model.version) == (name, 1)
