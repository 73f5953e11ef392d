"""axe finds nothing serious on any page that a role reaches, in light and in dark."""

from pathlib import Path

import pytest

from tests.e2e.browsing import DESKTOP, PHONE, expect_charts_done
from tests.e2e.test_every_page import PEOPLE, Crawl

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(600)]

AXE = Path(__file__).parents[2] / "web/frontend/node_modules/axe-core/axe.min.js"
GRAVE = ("serious", "critical")
_RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.map(({ id, impact, nodes }) => (
    { id, impact, where: nodes.slice(0, 3).map((node) => node.target.join(' ')) }
  ));
}"""


class Audit(Crawl):
    """Looks at each page with axe instead of with our own eyes."""

    def _look_at(self, address):
        self._page.goto(address)
        expect_charts_done(self._page)
        self._note_links(
            self._page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.href)")
        )
        # Injected as the browser's own, so that the page's policy stays as it is.
        self._page.evaluate(AXE.read_text(encoding="utf-8"))
        for each in self._page.evaluate(_RUN):
            if each["impact"] in GRAVE:
                self.faults.append(f"{address}: {each['id']} at {each['where']}")


@pytest.fixture(scope="module")
def axe():
    if not AXE.is_file():
        pytest.fail("axe is missing: run `npm ci` in web/frontend, or python hatch_build.py.")


@pytest.mark.parametrize("role", PEOPLE)
def test_axe_finds_nothing_serious_on_a_desk(axe, lived_in, visits, role):
    audit = Audit(visits.sign_in(PEOPLE[role], device=DESKTOP), DESKTOP["viewport"]["width"])
    audit.run(None)
    assert audit.faults == []


def test_axe_finds_nothing_serious_on_a_phone_in_the_dark(axe, lived_in, visits):
    dark = PHONE | {"color_scheme": "dark"}
    page = visits.sign_in(PEOPLE["technician"], device=dark)
    audit = Audit(page, PHONE["viewport"]["width"])
    audit.run(None)
    assert audit.faults == []
