"""No template says a word that could not be translated."""

import re
from html.parser import HTMLParser

import pytest

from tests.architecture.sources import ROOT

TEMPLATES = sorted((ROOT / "web" / "templates").rglob("*.html"))
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
SPOKEN = {"title", "placeholder", "aria-label", "alt"}
UNSPOKEN = {"script", "style", "kbd", "code"}
# The product's name, and the letter before a priority's number.
NAMES = {"Millwright", "· Millwright", "P"}


class Bare(HTMLParser):
    """Collects the words of a page without what Jinja puts there."""

    def __init__(self):
        super().__init__()
        self.found, self._unspoken = set(), 0

    def handle_starttag(self, tag, attrs):
        self._unspoken += tag in UNSPOKEN
        self.found |= {value for name, value in attrs if name in SPOKEN and has_words(value)}

    def handle_endtag(self, tag):
        self._unspoken -= tag in UNSPOKEN

    def handle_data(self, data):
        if not self._unspoken and has_words(data):
            self.found.add(data.strip())


def has_words(text):
    return re.search(r"[^\W\d_]", text or "") is not None


def find_bare(source):
    parser = Bare()
    parser.feed(JINJA.sub("", source))
    return parser.found - NAMES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_says_nothing_that_is_not_marked(path):
    assert find_bare(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "source", ["<p>Hello</p>", '<a title="Open">{{ _("x") }}</a>', "{% if a %}你好{% endif %}"]
)
def test_a_bare_text_is_found(source):
    assert find_bare(source)
