"""The docs are complete: a setting, command or word that is not written down fails the build.

That every route is documented is shown with the other tests of the web.
"""

import ast
import re
from pathlib import Path

import click
import pytest

from foundation.settings import VARIABLES
from millwright.cli import main

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands(group: click.Group, prefix: str) -> list[str]:
    names = []
    for name, command in group.commands.items():
        path = f"{prefix} {name}"
        names += _commands(command, path) if isinstance(command, click.Group) else [path]
    return names


@pytest.mark.parametrize("variable", [each.name for each in VARIABLES])
def test_every_setting_is_documented(variable):
    assert f"`{variable}`" in OPERATIONS


@pytest.mark.parametrize("command", _commands(main, "millwright"))
def test_every_command_is_documented(command):
    assert re.search(rf"`{command}[ `]", OPERATIONS)


@pytest.mark.parametrize("command", _commands(main, "millwright"))
def test_every_option_of_a_command_says_what_it_is_for(command):
    node = main
    for name in command.split()[1:]:
        node = node.commands[name]
    silent = [
        option.name
        for option in node.params
        if isinstance(option, click.Option) and not option.help and not option.show_default
    ]
    assert silent == []


def test_documented_settings_exist():
    documented = set(re.findall(r"^\| `(MILLWRIGHT_[A-Z_]+)`", OPERATIONS, re.MULTILINE))
    assert documented == {each.name for each in VARIABLES}


def test_every_table_stands_in_the_glossary_by_its_word():
    """The nouns of the design that are tables, read from the code."""
    known = {
        word.strip().lower() for word in re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE)
    }
    missing = [word for word in _table_words() if word not in known]
    assert missing == []


# Rows that only keep books for others and never stand on a page.
_INNER = {
    "asset visibility",
    "change row",
    "claim failure",
    "fitted model",
    "known device",
    "login failure",
    "login session",
    "membership",
    "metric limit",
    "quarantined message",
    "scoring state",
    "sign in attempt",
    "source assignment",
    "ticket alarm",
    "asset party",
    "ticket entry",
    "offer event",
    "offer terms",
    "offer version",
    "order posting",
}


def _table_words() -> list[str]:
    words = set()
    for package in ("foundation", "devices", "telemetry", "services", "dealers"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Assign) and _is_table_name(node):
                    words.add(node.value.value.replace("_", " "))
    return sorted(words - _INNER)


def _is_table_name(node: ast.Assign) -> bool:
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id == "__tablename__"


def test_readme_is_one_screen_and_names_every_package():
    assert len(README.splitlines()) <= 100
    for package in ("foundation", "devices", "telemetry", "services", "dealers", "web"):
        assert f"`{package}`" in README


def test_changelog_has_unreleased_changes():
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
