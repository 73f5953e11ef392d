"""What lies where: folders, names of modules, imports, and that importing opens nothing."""

import ast
import json
import subprocess
import sys
import tomllib

import pytest

from tests.architecture.sources import PACKAGES, ROOT, list_files, module_name, modules, tree

OTHER_FOLDERS = {"tests", "docs", "benchmarks", "deploy"}
BANNED = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "base",
    "core",
    "data",
    "info",
    "service",
}
# Statements that the session guard does not see, each reviewed. What is named here reads past the
# filter on purpose: to build the filter itself, or to learn that a name is taken by somebody else.
UNGUARDED = {
    "devices/access.py": "adds the rows that the filters are made of",
    "devices/sharing/models.py": "whether there ever was a grant between two organisations",
    "devices/sub_dealers.py": "whether a circle of dealers would close",
    "devices/visibility.py": "who sees an asset hangs on all its parties, whoever acts",
    "devices/equipment_models.py": "which models the filter shows",
    "devices/sites.py": "which sites the filter shows; whether a customer has a site already",
    "devices/provisioning.py": "which devices the filter shows; whether a key is taken",
    "devices/definitions.py": "whether a key is taken",
    "telemetry/scoring.py": "how far scoring is: rows that belong to nobody",
    "telemetry/alarms/models.py": "whose alarm an occurrence belongs to",
    "services/offers/models.py": "whose consent the filter shows",
}


def test_the_top_level_folders_are_the_agreed_ones():
    found = {path.parts[0] for path in list_files() if len(path.parts) > 1}
    visible = {name for name in found if not name.startswith(".")}
    assert visible <= {*PACKAGES, *OTHER_FOLDERS}
    assert set(PACKAGES) <= visible


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for path in modules() if "migrations" not in path.parts}
    assert [str(each) for each in folders if not (ROOT / each / "__init__.py").exists()] == []


def find_bad_names(names):
    own = {name for name in names if not name.startswith("__")}
    return sorted(own & (BANNED | sys.stdlib_module_names))


def test_no_module_has_a_name_that_says_nothing_or_hides_the_standard_library():
    bad = {str(path): find_bad_names({path.stem, path.parent.name}) for path in modules()}
    assert {path: names for path, names in bad.items() if names} == {}


def test_a_bad_name_is_found():
    assert find_bad_names({"utils", "json", "tickets", "__init__"}) == ["json", "utils"]


def test_every_module_says_what_lives_in_it():
    silent = [
        str(path)
        for path in modules()
        if tree(path).body and not (ast.get_docstring(tree(path)) or "").strip()
    ]
    assert silent == []


def test_the_import_contracts_hold():
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def contracts():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return settings["tool"]["importlinter"]["contracts"]


def test_the_chain_of_packages_is_the_agreed_one(contracts):
    (chain,) = [each["layers"] for each in contracts if each["type"] == "layers"]
    assert chain == [
        "millwright",
        "web",
        "dealers",
        "services",
        "telemetry",
        "devices",
        "foundation",
    ]


def test_every_module_of_rules_is_kept_pure(contracts):
    """A new `rules.py` without a line in the contract would go unchecked."""
    pure = {
        name
        for each in contracts
        if {"sqlalchemy", "flask", "paho"} <= set(each.get("forbidden_modules", ()))
        for name in each["source_modules"]
    }
    rules = {module_name(path) for path in modules() if path.stem.endswith("rules")}
    assert rules - pure == set()


def find_unguarded(module: ast.Module) -> list[str]:
    """Ways past the guard: core tables, text as SQL, inserts and the bulk acts of a session."""
    return [found for node in ast.walk(module) if (found := _unguarded(node))]


def _unguarded(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute) and node.attr in {
        "__table__",
        "tables",
        "bulk_save_objects",
        "bulk_insert_mappings",
        "bulk_update_mappings",
        "from_statement",
        "exec_driver_sql",
    }:
        return node.attr
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_text = any(
            isinstance(each, ast.Call) and getattr(each.func, "id", "") == "text"
            for each in node.args
        )
        return "text" if is_text else None
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
        return "insert" if any(each.name == "insert" for each in node.names) else None
    return None


def test_what_the_session_guard_cannot_see_is_reviewed():
    # foundation holds the guard itself, millwright the schema and its revisions.
    watched = [path for path in modules() if path.parts[0] not in ("foundation", "millwright")]
    found = {str(path): find_unguarded(tree(path)) for path in watched}
    assert {path: names for path, names in found.items() if names and path not in UNGUARDED} == {}


def test_no_reviewed_place_is_out_of_date():
    paths = {str(path): path for path in modules()}
    assert [each for each in UNGUARDED if not find_unguarded(tree(paths[each]))] == []


@pytest.mark.parametrize(
    "line",
    [
        "table = Asset.__table__",
        'Base.metadata.tables["asset"]',
        'session.execute(text("SELECT * FROM asset"))',
        "from sqlalchemy import insert, select",
        "session.bulk_save_objects(rows)",
        'select(Asset).from_statement(text("SELECT * FROM asset"))',
    ],
)
def test_a_way_past_the_guard_is_found(line):
    assert find_unguarded(ast.parse(line))


def test_a_partial_index_is_no_way_past_the_guard():
    assert find_unguarded(ast.parse('Index("x", sqlite_where=text("to_at IS NULL"))')) == []


# Run in a process of its own: what a module does when it is imported cannot be undone.
IMPORT_ALL = """
import importlib, json, sys, threading

WATCHED = {"socket.connect", "socket.bind", "sqlite3.connect", "os.mkdir", "os.remove"}
seen = []

def watch(event, arguments):
    if event == "socket.bind" and arguments[1:] == (("::1", 0),):
        return  # urllib3 tries once whether this machine speaks version 6, and lets go again
    mode = str(arguments[1]) if event == "open" else ""
    if event in WATCHED or set(mode) & set("wax+"):
        seen.append(f"{event} {arguments!r}"[:200])

sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
threads = [each.name for each in threading.enumerate() if each is not threading.main_thread()]
print(json.dumps({"seen": seen, "threads": threads}))
"""


def import_all(names, *, folder=ROOT):
    done = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_ALL, *names],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1]) | {"said": done.stderr}


def test_importing_any_module_opens_nothing():
    # Alembic's own entry runs the revisions when it is imported, `__main__` the command line.
    names = [
        module_name(path)
        for path in modules()
        if path.stem != "__main__" and "migrations" not in path.parts
    ]
    assert import_all(names) == {"seen": [], "threads": [], "said": ""}


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "seen"),
        ("import sqlite3; sqlite3.connect(':memory:')", "seen"),
        ("open('made.txt', 'w')", "seen"),
        ("import threading, time; threading.Timer(0.3, time.sleep, [0]).start()", "threads"),
        ("import warnings; warnings.warn('old')", "said"),
    ],
    ids=["socket", "database", "file", "thread", "warning"],
)
def test_a_module_that_opens_something_is_found(tmp_path, source, where):
    (tmp_path / "guilty.py").write_text(source)
    assert import_all(["guilty"], folder=tmp_path)[where]
