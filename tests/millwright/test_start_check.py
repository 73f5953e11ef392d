"""The check before a start: every fault at once, each with the way out, and nothing is made."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from foundation import audit
from foundation.clock import ManualClock
from foundation.database import open_database
from foundation.errors import Invalid
from foundation.identity.scope import Scope
from foundation.settings import VARIABLES
from millwright.operation.start_check import check_start
from millwright.schema import downgrade, migrate
from tests.conftest import START

KEY = secrets.token_urlsafe(48)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in (*(each.name for each in VARIABLES), "FLASK_DEBUG", "PYTHONDEVMODE"):
        monkeypatch.delenv(name, raising=False)


def faults_of(folder, *, now=START, **changed):
    with pytest.raises(Invalid) as refused:
        check_start({"data_dir": folder, "secret_key": KEY} | changed, ManualClock(now))
    return str(refused.value)


@pytest.fixture
def folder(tmp_path):
    """A data folder whose database was used at `START`."""
    database = open_database(f"sqlite:///{tmp_path}/millwright.db")
    migrate(database)
    with database.transaction(Scope.system("test")) as session:
        audit.record(session, at=START, action="a:b:c", subject_kind="x", subject_id=1)
    database.close()
    return tmp_path


def test_a_sound_folder_passes(folder):
    settings = check_start({"data_dir": folder, "secret_key": KEY}, ManualClock(START))
    assert settings.data_dir == folder


def test_a_folder_yet_to_be_made_passes_and_is_not_made(tmp_path):
    check_start({"data_dir": tmp_path / "new", "secret_key": KEY}, ManualClock(START))
    assert not (tmp_path / "new").exists()


def test_all_faults_are_told_at_once(folder, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("MILLWRIGHT_PORT", "70000")
    (folder / "secret_key").write_text("x")
    (folder / "secret_key").chmod(0o644)
    said = faults_of(folder, now=datetime(1970, 1, 1, tzinfo=UTC), secret_key="x" * 40)
    for part in ("MILLWRIGHT_PORT", "FLASK_DEBUG", "can be guessed", "chmod 600", "set it"):
        assert part in said
    assert "something was done at 2026-03-02" in said
    assert len(said.splitlines()) == 7


@pytest.mark.parametrize("key", ["x" * 40, "changeme" * 5, "0123" * 10])
def test_a_key_that_repeats_is_refused_without_showing_it(folder, key):
    said = faults_of(folder, secret_key=key)
    assert "can be guessed" in said
    assert key not in said


@pytest.mark.parametrize("minutes", [6, 60 * 24])
def test_a_clock_behind_the_newest_record_is_found(folder, minutes):
    assert "set the clock" in faults_of(folder, now=START - timedelta(minutes=minutes))


def test_a_clock_off_by_less_than_five_minutes_passes(folder):
    given = {"data_dir": folder, "secret_key": KEY}
    assert check_start(given, ManualClock(START - timedelta(minutes=4)))


def test_a_file_in_the_way_of_the_folder_is_found(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be written" in faults_of(tmp_path / "file" / "data")


def test_a_database_of_a_newer_millwright_is_found(folder):
    database = open_database(f"sqlite:///{folder}/millwright.db")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "newer Millwright" in faults_of(folder)


def test_an_address_without_a_database_is_found_without_its_password(tmp_path):
    url = "postgresql+psycopg://mw:hunter2hunter2@127.0.0.1:1/mw"
    said = faults_of(tmp_path, database_url=url)
    assert "The database cannot be used" in said
    assert "hunter2hunter2" not in said


@pytest.mark.postgresql
def test_on_a_server_an_older_schema_is_the_operators_to_renew(tmp_path, postgresql):
    url = postgresql.engine.url.render_as_string(hide_password=False)
    downgrade(postgresql, "-1")
    try:
        assert "millwright migrate" in faults_of(tmp_path, database_url=url)
    finally:
        migrate(postgresql)
    assert check_start(
        {"data_dir": tmp_path, "secret_key": KEY, "database_url": url}, ManualClock(START)
    )
