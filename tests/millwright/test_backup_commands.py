"""`millwright backup` and `restore` as operators use them, beside a running owner or alone."""

import json

import pytest

from millwright.broker import BrokerKind
from tests.brokers import require
from tests.e2e import served
from tests.millwright.test_cli import refusal, run

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    require(BrokerKind.MOSQUITTO)
    folder = tmp_path_factory.mktemp("backed_up") / "data"
    service = served.start(["serve", "--broker", "mosquitto"], folder)
    yield service
    service.stop()


def ask(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_the_running_owner_writes_it_and_the_drill_proves_it(service, tmp_path):
    done = ask("backup", tmp_path / "backup", "--data", service.folder)
    assert "rows and 0 samples in" in done.stdout
    assert "tables: " in done.stderr
    drilled = ask("restore", tmp_path / "backup", "--drill")
    assert "are back" in drilled.stdout
    assert "audit: " in drilled.stdout
    assert not list(service.folder.glob("request-*"))


def test_the_owner_says_why_it_did_not(service, tmp_path):
    (tmp_path / "there").mkdir()
    done = run("backup", tmp_path / "there", "--data", service.folder)
    assert "choose a new folder" in refusal(done.returncode, done.stdout, done.stderr)


def test_without_an_owner_the_command_opens_the_folder_itself(tmp_path):
    data, again = tmp_path / "data", tmp_path / "again"
    ask("migrate", "--data", data)
    ask("backup", tmp_path / "backup", "--data", data)
    ask("restore", tmp_path / "backup", "--data", again)
    assert json.loads((tmp_path / "backup/manifest.json").read_text())["form"] == 1
    ask("audit", "verify", "--data", again)
