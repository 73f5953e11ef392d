"""The portal's documents keep in step with it: routes, and the catalogue of its texts."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from tests.web.matrix import read_rows

ROOT = Path(__file__).parents[2]
ROUTE = re.compile(r"^\| (\w+) \| `([^`]+)` \| ([–MSTC ]+) \| (.+) \|$", re.MULTILINE)
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
        (path, method): {LETTERS[letter] for letter in who.split()}
        for method, path, who, purpose in ROUTE.findall(text)
        if len(purpose.split()) >= 3
    }
    assert documented == {(row.path, row.method): set(row.who) for row in read_rows()}


def test_the_catalogue_of_texts_holds_every_text_of_the_portal():
    with (ROOT / "web/babel.ini").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT / "web", methods, options)
    wanted = {first_of(message) for _, _, message, _, _ in found}
    with (ROOT / "web/translations/messages.pot").open("rb") as file:
        catalogue = read_po(file)
    missing = sorted(wanted - {first_of(message.id) for message in catalogue})
    assert missing == [], "run make messages"


def first_of(message):
    """The singular of a text with plural forms."""
    return message if isinstance(message, str) else message[0]
