"""Every page that a role reaches by links: sound, named, no wider, nothing serious for axe.

On a desk and on a phone, in light and in dark; each page is opened once for all of that.
With MILLWRIGHT_SCREENSHOTS set to a folder, a picture of each page is left there.
"""

import re
from collections import Counter
from urllib.parse import urljoin, urlsplit

import pytest

from tests.e2e.axe import list_grave, require_axe
from tests.e2e.browsing import DESKTOP, PHONE, expect_charts_done, find_picture_folder
from tests.e2e.installed_base import CUSTOMER, MAKER, MANAGER, TECHNICIAN
from tests.web.matrix import read_rows

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(600)]

PEOPLE = {
    "manufacturer": MAKER,
    "dealer_manager": MANAGER,
    "technician": TECHNICIAN,
    "customer": CUSTOMER,
}
DEVICES = {"desktop": DESKTOP, "phone": PHONE}
MACHINES_SEEN = 3
# Linked once somebody keeps a view, a machine has a longer past than one page holds, or left.
NOT_LINKED_YET = ("/machines/views", "/machines/1/history", "/former-machines")
# How the table of who may ask for what names the roles, and what no link of a page leads to: it is
# for scripts and programs, or leads on at once.
_IN_MATRIX = {"manufacturer": "maker", "dealer_manager": "manager"}
_NOT_LINKED = re.compile(
    r"/(healthz|metrics|live|static|sign-in|search|invitation)\b.*|/me/confirm"
    r"|/machines/map/.+|/machines/<[^>]+>/chart"
)
# A manufacturer comes to an offer from its machine, and three machines are looked at.
_BY_CHANCE = {"manufacturer": {"/offers/<id:offer_id>"}}


def list_wanted(role):
    """What a role must find by links alone; a page that lost its link would not be looked at."""
    person = _IN_MATRIX.get(role, role)
    paths = {
        row.path
        for row in read_rows()
        if (row.method, row.answer) == ("GET", 200) and person in row.who
    }
    places = {path for path in paths if not _NOT_LINKED.fullmatch(path)} - _BY_CHANCE.get(
        role, set()
    )
    return {re.sub("<[^>]+>", "[a-z0-9_]+", place) for place in places}


# Words of templates, scripts and Python that no reader should see.
_LEAKS = re.compile(r"%\(|\{\{|\{%|\bundefined\b|\bNaN\b|\bNone\b|\[object ")
# Filters and orders of one list multiply; a few of them show what there is to see.
_SAME_LIST = re.compile(r"^(/machines(?:/map|/filters)?)\?.+")
_IS_FILE = re.compile(r"\.(csv|toml)$")
_LOOK = """() => ({
  title: document.title,
  headings: [...document.querySelectorAll('h1')].map((one) => one.textContent.trim()),
  text: document.body.innerText,
  wide: document.documentElement.scrollWidth,
  links: [...document.querySelectorAll('a[href]')].map((one) => one.href),
})"""


class Crawl:
    """Walks from page to page, each address once; of those that differ by a machine, three."""

    def __init__(self, page, width):
        self._page, self._width = page, width
        self._waiting, self._alike = ["/", *NOT_LINKED_YET], Counter()
        self._known = set(self._waiting)
        self.faults, self.reached = [], []

    def run(self, folder):
        while self._waiting:
            address = self._waiting.pop(0)
            self.reached.append(urlsplit(address).path)
            if _IS_FILE.search(urlsplit(address).path):
                self._fetch(address)
            else:
                self._look_at(address)
                self._keep_picture(folder, address)

    def _fetch(self, address):
        answer = self._page.request.get(address)
        if not answer.ok or not answer.text().strip():
            self.faults.append(f"{address}: {answer.status}, or empty")

    def _look_at(self, address):
        answer = self._page.goto(address)
        expect_charts_done(self._page)
        seen = self._page.evaluate(_LOOK)
        status = answer.status if answer else "no answer"
        self.faults += [f"{address}: {each}" for each in self._judge(status, seen)]
        self.faults += [f"{address}: {each}" for each in list_grave(self._page)]
        self._note_links(seen["links"])

    def _judge(self, status, seen):
        leaks = _LEAKS.findall(seen["text"])
        checks = {
            f"answered {status}": status == 200,
            f"title {seen['title']!r}": re.fullmatch(r"\S.* · Millwright", seen["title"]),
            f"headings {seen['headings']}": len(seen["headings"]) == 1 and seen["headings"][0],
            f"{seen['wide']} px wide": seen["wide"] <= self._width,
            f"shows {leaks}": not leaks,
        }
        return [what for what, holds in checks.items() if not holds]

    def _note_links(self, links):
        here = urlsplit(self._page.url)
        for link in links:
            parts = urlsplit(urljoin(self._page.url, link))
            address = parts.path + (f"?{parts.query}" if parts.query else "")
            if parts.netloc == here.netloc and self._is_wanted(address):
                self._waiting.append(address)

    def _is_wanted(self, address):
        key = re.sub(r"cursor=[^&]*", "cursor", address)
        shape = _SAME_LIST.sub(r"\1?#", re.sub(r"/machines/\d+", "/machines/#", key))
        if key in self._known or self._alike[shape] == MACHINES_SEEN:
            return False
        self._known.add(key)
        self._alike[shape] += shape != key
        return True

    def _keep_picture(self, folder, address):
        if folder is not None:
            name = re.sub(r"[^A-Za-z0-9]+", "-", address).strip("-") or "home"
            self._page.screenshot(path=folder / f"{name[:100]}.png", full_page=True)


LOOKS = [
    *((role, "desktop", "light") for role in PEOPLE),
    ("dealer_manager", "desktop", "dark"),
    ("manufacturer", "phone", "dark"),
    ("dealer_manager", "phone", "light"),
    ("technician", "phone", "dark"),
    ("customer", "phone", "light"),
]


@pytest.mark.parametrize(("role", "device", "scheme"), LOOKS)
def test_every_page_of_a_role_is_sound(lived_in, visits, role, device, scheme):
    require_axe()
    chosen = DEVICES[device]
    page = visits.sign_in(PEOPLE[role], device=chosen | {"color_scheme": scheme})
    crawl = Crawl(page, chosen["viewport"]["width"])
    crawl.run(find_picture_folder(f"{role}-{device}-{scheme}"))
    assert crawl.faults == []
    reached, wanted = set(crawl.reached), list_wanted(role)
    assert [p for p in sorted(wanted) if not any(re.fullmatch(p, r) for r in reached)] == []
