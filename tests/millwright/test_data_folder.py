"""A data folder has one owner at a time, keeps secrets, and says clearly what it cannot do."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.errors import Conflict, Unavailable
from millwright.data_folder import DataFolder, read_owner


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "new" / "data")
    yield made
    made.release()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_with_its_parents_for_its_owner_alone(folder):
    assert mode(folder.path) == 0o700
    assert json.loads((folder.path / "owner.json").read_text()) == {"pid": os.getpid()}


def test_a_second_owner_hears_who_has_it_and_what_to_do(folder):
    folder.tell_address({"url": "http://localhost:8000"})
    with pytest.raises(Conflict) as refused:
        DataFolder(folder.path)
    said = str(refused.value)
    assert f"in use by process {os.getpid()} at http://localhost:8000." in said
    assert "--data" in said
    assert "\n" not in said


def test_once_released_another_may_have_it(folder):
    folder.release()
    again = DataFolder(folder.path)
    again.release()
    assert not (folder.path / "owner.json").exists()


def test_another_command_learns_the_owners_address(folder):
    folder.tell_address({"url": "http://localhost:8000", "mqtt_url": "mqtt://127.0.0.1:1"})
    assert read_owner(folder.path) == {
        "pid": os.getpid(),
        "url": "http://localhost:8000",
        "mqtt_url": "mqtt://127.0.0.1:1",
    }
    folder.release()
    assert read_owner(folder.path) is None


def test_a_folder_that_nobody_ever_owned_has_no_owner(tmp_path):
    assert read_owner(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", ["", "{", "[]"])
def test_a_note_that_makes_no_sense_does_not_hide_the_owner(folder, left):
    (folder.path / "owner.json").write_text(left)
    assert read_owner(folder.path) == {}
    with pytest.raises(Conflict, match="in use by process unknown"):
        DataFolder(folder.path)


def test_a_killed_owner_leaves_it_free(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from millwright.data_folder import DataFolder\n"
        f"folder = DataFolder(Path({str(tmp_path)!r}))\n"
        "print('owned', flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "owned\n"
    with pytest.raises(Conflict, match=f"process {owner.pid}"):
        DataFolder(tmp_path)
    owner.kill()
    owner.communicate()
    assert read_owner(tmp_path) is None
    DataFolder(tmp_path).release()


def test_a_secret_is_made_once_and_read_by_its_owner_alone(folder):
    secret = folder.get_secret("secret_key")
    assert len(secret) >= 32
    assert folder.get_secret("secret_key") == secret
    assert folder.get_secret("another") != secret
    assert mode(folder.path / "secret_key") == 0o600


def test_a_private_file_stays_private_whatever_it_was_before(folder):
    path = folder.path / "demo.json"
    path.write_text("old and long")
    path.chmod(0o644)
    assert folder.write_private("demo.json", "new") == path
    assert (path.read_text(), mode(path)) == ("new", 0o600)


def refuses(path):
    with pytest.raises(Unavailable) as refused:
        DataFolder(path)
    said = str(refused.value)
    assert said.startswith(f"The data folder {path} cannot be written: ")
    assert "\n" not in said


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_is_one_clear_line(tmp_path, place):
    (tmp_path / "file").write_text("")
    refuses(tmp_path / place)


def test_a_folder_we_may_not_write_is_one_clear_line(tmp_path):
    # Not even root writes there.
    place = "/proc/self/millwright" if os.geteuid() == 0 else str(tmp_path)
    tmp_path.chmod(0o500)
    refuses(Path(place))
    tmp_path.chmod(0o700)
