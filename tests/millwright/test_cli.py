"""The command line as an operator uses it: real processes, their words and their exit codes."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from msgspec.structs import replace
from sqlalchemy import select

from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.provisioning import list_devices_of
from foundation.database import open_database
from foundation.identity.models import Organisation, Person
from foundation.identity.people import find_person
from foundation.identity.scope import Scope
from foundation.settings import VARIABLES
from millwright.cli import main
from services.offers.definitions import write_rule
from tests.network import PUMP
from tests.services.offers.scene import IDLER, RETROFIT


def run(*arguments, **settings):
    """A `millwright` command in a process of its own, without the settings of ours."""
    program = Path(sys.executable).with_name("millwright")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")}
    return subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=kept | settings,
    )


def call(*arguments, **settings):
    """The same command in this process, which is a good deal quicker."""
    given = dict.fromkeys((variable.name for variable in VARIABLES), None) | settings
    with process_as_it_was():
        return CliRunner().invoke(main, [str(each) for each in arguments], env=given)


@contextmanager
def process_as_it_was():
    """Takes back what a command does to its process: where logs go, what signals mean."""
    logs = structlog.get_config()
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        structlog.configure(**logs)
        for number, handler in signals.items():
            signal.signal(number, handler)


def ask(*arguments):
    """What a command prints."""
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refusal(code, said, complaint):
    """The one line that a refused command says, from its exit code, output and complaint."""
    assert (code, said) == (1, "")
    (line,) = complaint.splitlines()
    assert line.startswith("millwright: ")
    return line


def refuse(*arguments, **settings):
    done = call(*arguments, **settings)
    return refusal(done.exit_code, done.stdout, done.stderr)


def test_every_setting_is_listed_with_what_it_is_for():
    listed = ask("settings")
    for variable in VARIABLES:
        assert variable.name in listed
        assert variable.help in listed
    assert "MILLWRIGHT_SECRET_KEY        required" in listed


def test_a_secret_is_long_and_never_the_same():
    first, second = ask("secret").strip(), ask("secret").strip()
    assert len(first) >= 32
    assert first != second


def test_it_tells_its_version_and_its_commands():
    assert " version " in ask("--version")
    commands = ask("--help")
    assert all(name in commands for name in ("serve", "demo", "replay", "import", "migrate"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--assets", "0"], "--assets"),
        (["demo", "--speed", "0"], "--speed"),
        (["serve", "--port", "65536"], "--port"),
        (["replay", "/nowhere", "--mapping", "pump_rig"], "/nowhere"),
        (["replay", "."], "--mapping"),
        (["import", "assets", "/nowhere"], "/nowhere"),
        (["import", "model", __file__], "--manufacturer"),
        (["dance"], "dance"),
    ],
)
def test_words_that_make_no_sense_are_named(arguments, words):
    done = call(*arguments)
    assert done.exit_code == 2
    assert words in done.output


def test_an_older_python_gets_one_clear_line():
    program = "import sys; sys.version_info = (3, 10, 12, 'final', 0); import millwright"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("millwright: needs Python 3.11 to 3.13")
    assert done.stderr.count("\n") == 1


def test_migrating_makes_the_schema_and_again_changes_nothing(tmp_path):
    for _ in range(2):
        said = ask("migrate", "--data", tmp_path / "data")
        assert said == "The schema is at the newest revision.\n"


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_of_the_data_folder_is_one_clear_line(tmp_path, place):
    (tmp_path / "file").write_text("")
    line = refuse("migrate", "--data", tmp_path / place)
    assert str(tmp_path / place) in line


def test_a_database_that_does_not_answer_is_one_clear_line(tmp_path):
    url = "postgresql+psycopg://millwright:hunter2@127.0.0.1:1/millwright"
    done = run("migrate", "--data", tmp_path, MILLWRIGHT_DATABASE_URL=url)
    line = refusal(done.returncode, done.stdout, done.stderr)
    assert "The database cannot be used" in line
    assert "hunter2" not in line


def test_an_unknown_mapping_names_the_shipped_ones(tmp_path):
    line = refuse("replay", tmp_path, "--mapping", "nope", "--data", tmp_path / "data")
    assert "'nope'; shipped ones are machine_fleet, pump_rig." in line
    assert not (tmp_path / "data").exists()


PEOPLE = """\
organisation,kind,name,email,role,password,time_zone
Ironbridge Works,manufacturer,Mara,mara@example.com,manufacturer,a long enough secret,Europe/Berlin
North Service,dealer,Max,max@example.com,dealer_manager,,
Harbour Foods,customer,Käthe,kaethe@example.com,customer,,
"""
MACHINES = """\
equipment_model;serial;customer;dealer;site;name;device;commissioned_on
pump;P-1;Harbour Foods;North Service;Plant 1;Feed pump;pump-1;2026-01-05
pump;P-2;Harbour Foods;North Service;Plant 1;;pump-2;
"""


@pytest.fixture
def files(tmp_path):
    """Files to import; each may be written anew."""

    def write(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture(scope="module")
def brought_in(tmp_path_factory):
    """A data folder after people, an equipment model and machines; what each command said."""
    place = tmp_path_factory.mktemp("brought_in")
    (place / "people.csv").write_text(PEOPLE)
    (place / "pump.toml").write_text(PUMP)
    (place / "assets.csv").write_text(MACHINES)
    maker, data = ("--manufacturer", "Ironbridge Works"), ("--data", place / "data")
    said = [
        run("import", "people", place / "people.csv", *data),
        run("import", "model", place / "pump.toml", *maker, *data),
        run("import", "assets", place / "assets.csv", *data),
    ]
    return place / "data", said


def look(folder):
    """What a database holds, by kind of thing."""
    database = open_database(f"sqlite:///{folder / 'millwright.db'}")
    with database.session(Scope.system("test")) as session:
        assets = session.scalars(select(Asset).order_by(Asset.serial)).all()
        found = {
            "organisations": sorted(session.scalars(select(Organisation.name))),
            "people": sorted(session.scalars(select(Person.name))),
            "models": {row.key: row.version for row in session.scalars(select(EquipmentModel))},
            "assets": {row.serial: (row.name, list_devices_of(session, row.id)) for row in assets},
            "has password": find_person(session, "mara@example.com").password_hash is not None,
        }
    database.close()
    return found


def test_what_an_operator_has_is_brought_in_by_three_commands(brought_in):
    folder, said = brought_in
    assert [(done.returncode, done.stderr) for done in said] == [(0, "")] * 3
    assert said[0].stdout.splitlines()[-1] == "3 taken, 0 refused"
    assert said[1].stdout == "Ironbridge P-100 (pump), version 1\n"
    assert said[2].stdout.splitlines() == [
        "line 2: P-1 created",
        "line 3: P-2 created",
        "2 taken, 0 refused",
    ]
    assert look(folder) == {
        "organisations": ["Harbour Foods", "Ironbridge Works", "North Service"],
        "people": ["Käthe", "Mara", "Max"],
        "models": {"pump": 1},
        "assets": {"P-1": ("Feed pump", ["pump-1"]), "P-2": ("P-2", ["pump-2"])},
        "has password": True,
    }


def test_refused_rows_are_named_and_the_others_taken(brought_in, files, tmp_path):
    folder = shutil.copytree(brought_in[0], tmp_path / "data")
    more = MACHINES + (
        "pump;P-3;Harbour Foods;Nobody;Plant 1;;pump-3;\n"
        "fan;P-4;Harbour Foods;North Service;Plant 1;;pump-4;\n"
        "pump;P-5;Harbour Foods;North Service;Plant 1;;pump 5;\n"
        "pump;P-6;Harbour Foods;North Service;Plant 1;;pump-6;someday\n"
        "pump;P-7;Harbour Foods;North Service;Plant 1;Spare;pump-7;2026-01-05\n"
    )
    done = run("import", "assets", files("assets.csv", more), "--data", folder)
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[-1]) == (1, "3 taken, 4 refused")
    assert [line.split(":")[1].split()[1] for line in lines[:-1]] == [
        *["updated"] * 2,
        *["refused"] * 4,
        "created",
    ]
    assert "Nobody" in lines[2]
    assert "fan" in lines[3]
    assert "no device key" in lines[4]
    assert "no date" in lines[5]
    assert set(look(folder)["assets"]) == {"P-1", "P-2", "P-7"}
    again = call("import", "people", files("people.csv", PEOPLE), "--data", folder)
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (1, "0 taken, 3 refused")


RULES = write_rule(RETROFIT)


@pytest.fixture
def with_idler(brought_in, files, tmp_path):
    """A copy of that data folder with a model that offer rules fit, as an option."""
    data = ("--data", shutil.copytree(brought_in[0], tmp_path / "data"))
    maker = ("--manufacturer", "Ironbridge Works")
    ask("import", "model", files("idler.toml", IDLER), *maker, *data)
    return data


def test_offer_rules_are_brought_in_switched_off_and_renewed(with_idler, files):
    bring = partial(ask, "import", "offer-rules")
    assert bring(files("rules.toml", RULES), *with_idler) == "speed_drive, version 1, off\n"
    assert bring(files("rules.toml", RULES), *with_idler) == "speed_drive, version 1, off\n", (
        "as it was"
    )
    dearer = RULES.replace("5000.00", "5100.00")
    assert bring(files("rules.toml", dearer), *with_idler) == "speed_drive, version 2, off\n"


def test_of_offer_rules_with_one_that_does_not_fit_none_is_taken(with_idler, files):
    both = RULES + write_rule(replace(RETROFIT, key="other", equipment_model="pump"))
    assert "has no metric" in refuse(
        "import", "offer-rules", files("rules.toml", both), *with_idler
    )
    assert "speed_drive, version 1" in ask(
        "import", "offer-rules", files("rules.toml", RULES), *with_idler
    )


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("offer-rules", "[[offer_rules]]\nkey = 1\n", "offer_rules"),
        ("people", "organisation,name\n", "lacks the column kind, email, role"),
        ("assets", b"\xff\xfe\x00", "not UTF-8"),
        ("model", "[equipment_model", "no valid TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(files, tmp_path, kind, content, words):
    more = ["--manufacturer", "Ironbridge Works"] if kind == "model" else []
    path = files("file", content)
    done = call("import", kind, path, *more, "--data", tmp_path / "data")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("millwright: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
