"""Every page that a role reaches by links, on a desk and on a phone: sound, named, and no wider.

With MILLWRIGHT_SCREENSHOTS set to a folder, a picture of each page is left there.
"""

import re
from collections import Counter
from urllib.parse import urljoin, urlsplit

import pytest

from tests.e2e.browsing import DESKTOP, PHONE, expect_charts_done, find_picture_folder
from tests.e2e.installed_base import CUSTOMER, MAKER, MANAGER, TECHNICIAN

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(600)]

PEOPLE = {
    "manufacturer": MAKER,
    "dealer_manager": MANAGER,
    "technician": TECHNICIAN,
    "customer": CUSTOMER,
}
DEVICES = {"desktop": DESKTOP, "phone": PHONE}
_FOR_ALL = {
    r"/",
    r"/machines",
    r"/machines/map",
    r"/machines/filters",
    r"/machines/\d+",
    r"/tickets",
    r"/tickets/\d+",
    r"/me",
}
MACHINES_SEEN = 3
_REPORT = r"/machines/\d+/report"
_ADMINISTRATION = {r"/administration", r"/administration/people", r"/administration/people/new"}
# What each role must find by links alone; a page that lost its link would not be looked at.
MUST_REACH = {
    "manufacturer": _FOR_ALL
    | _ADMINISTRATION
    | {
        r"/quarantine",
        r"/quarantine/fault",
        r"/quarantine/messages/\d+",
        r"/catalogue",
        r"/catalogue/new",
        r"/catalogue/tank_pump",
        r"/catalogue/tank_pump/edit",
        r"/catalogue/tank_pump/limits",
        r"/catalogue/tank_pump/signals",
        r"/catalogue/tank_pump/definition.toml",
        r"/administration/machines/new",
        r"/administration/machines/\d+",
        r"/administration/machines/import",
        r"/administration/machines/template.csv",
        r"/administration/organisations",
        r"/administration/organisations/new",
        r"/administration/sites",
        r"/administration/sites/\d+",
    },
    "dealer_manager": _FOR_ALL | _ADMINISTRATION | {_REPORT, r"/tickets/\d+/close-out"},
    "technician": _FOR_ALL | {_REPORT},
    "customer": _FOR_ALL | {_REPORT},
}
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
        self._waiting, self._known, self._alike = ["/"], {"/"}, Counter()
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


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("role", PEOPLE)
def test_every_page_of_a_role_is_sound(lived_in, visits, role, device):
    chosen = DEVICES[device]
    page = visits.sign_in(PEOPLE[role], device=chosen)
    crawl = Crawl(page, chosen["viewport"]["width"])
    crawl.run(find_picture_folder(f"{role}-{device}"))
    assert crawl.faults == []
    wanted = MUST_REACH[role]
    assert [p for p in sorted(wanted) if not any(re.fullmatch(p, r) for r in crawl.reached)] == []
