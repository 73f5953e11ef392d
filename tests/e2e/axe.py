"""What axe finds wrong with a page for people who see, hear or move otherwise."""

from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "web/frontend/node_modules/axe-core/axe.min.js"
GRAVE = ("serious", "critical")
_RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.map(({ id, impact, nodes }) => (
    { id, impact, where: nodes.slice(0, 3).map((node) => node.target.join(' ')) }
  ));
}"""


def require_axe():
    """Fails where axe is not installed."""
    if not AXE.is_file():
        pytest.fail("axe is missing: run `npm ci` in web/frontend, or python hatch_build.py.")


def list_grave(page):
    """What is serious or worse on the page that is shown, and where."""
    # Injected as the browser's own, so that the page's policy stays as it is.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(_RUN)
    return [f"{each['id']} at {each['where']}" for each in found if each["impact"] in GRAVE]
