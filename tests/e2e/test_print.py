"""A machine, a ticket and an offer on paper: what they say, without what is pressed or typed."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import expect_charts_done, find_picture_folder
from tests.e2e.installed_base import MANAGER

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(300)]

# A sheet of A4 between margins of 1 cm, at 96 dots an inch.
SHEET = {"width": 718, "height": 1047}
LISTS = {"machine": "/machines", "ticket": "/tickets", "offer": "/offers"}
FOR_THE_SCREEN = (
    ".mw-rail, .mw-top, .mw-bottom, .mw-head-actions, .btn, form, input, textarea, select"
)


@pytest.mark.parametrize("kind", LISTS)
def test_paper_shows_what_there_is_to_read(lived_in, visits, kind):
    page = visits.sign_in(MANAGER, path=LISTS[kind])
    page.goto(page.locator(f"a[href^='{LISTS[kind]}/']").evaluate_all(FIRST))
    expect_charts_done(page)
    heading = page.locator("h1").inner_text()
    page.set_viewport_size(SHEET)
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_have_text(heading)
    shown = page.locator(FOR_THE_SCREEN).evaluate_all(VISIBLE)
    assert shown == []
    assert page.locator(".mw-panel").evaluate_all(EMPTY) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SHEET["width"]
    pages = len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(format="A4")))
    assert 1 <= pages <= 6
    if (folder := find_picture_folder("print")) is not None:
        page.screenshot(path=folder / f"{kind}.png", full_page=True)


FIRST = "(links) => links.map((a) => a.getAttribute('href')).find((href) => /\\/\\d+$/.test(href))"
# Panels that stand on the sheet without a word below their heading, folded ones among them.
EMPTY = """(all) => all.filter((one) => one.offsetParent
  && ![...one.children].slice(-1)[0].checkVisibility({ contentVisibilityAuto: true })
  || one.offsetParent && !one.innerText.trim()).map((one) => one.outerHTML.slice(0, 90))"""
VISIBLE = "(all) => all.filter((one) => one.offsetParent).map((one) => one.outerHTML.slice(0, 90))"
