"""The table of the security standard points at tests that exist, or gives a reason."""

import ast
import re

import pytest

from tests.architecture.sources import ROOT

TEXT = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
REASONS = ("not met", "does not apply: ")


def test_every_chapter_has_rows_and_no_number_stands_twice():
    numbers = [number for number, *_ in ROWS]
    assert {int(number.split(".")[0]) for number in numbers} == set(range(1, 18))
    assert len(numbers) == len(set(numbers))
    assert len(numbers) == sum(
        line.startswith("| ") and line[2].isdigit() for line in TEXT.splitlines()
    )


@pytest.mark.parametrize(("number", "shown_by"), [(row[0], row[3]) for row in ROWS])
def test_a_row_names_a_test_that_exists_or_a_reason(number, shown_by):
    if shown_by.startswith(REASONS):
        return
    path, _, name = shown_by.strip("`").partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    tests = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    assert not name or name in tests, f"{path} has no {name}"
    assert any(each.startswith("test_") for each in tests) or name
