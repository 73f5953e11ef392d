"""The portal's documents keep in step with its routes."""

import re
from pathlib import Path

from tests.web.matrix import read_rows

ROOT = Path(__file__).parents[2]
ROUTE = re.compile(r"^\| (\w+) \| `([^`]+)` \| ([–MSTC ]+|token) \| (.+) \|$", re.MULTILINE)
LETTERS = {
    "–": "anonymous",
    "M": "maker",
    "S": "manager",
    "T": "technician",
    "C": "customer",
}


def test_every_route_is_documented_with_who_may_and_what_for():
    text = (ROOT / "docs/routes.md").read_text(encoding="utf-8")
    documented = {
        (path, method): {LETTERS[letter] for letter in who.split() if letter != "token"}
        for method, path, who, purpose in ROUTE.findall(text)
        if len(purpose.split()) >= 3
    }
    assert documented == {(row.path, row.method): set(row.who) for row in read_rows()}
