"""What a page does by itself: keys, colours, its rest in the background, life without a stream."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import LIVE_MS, Visits, expect_live, has_stayed, stay
from tests.e2e.history import report
from tests.e2e.installed_base import CUSTOMER, MANAGER, copy
from tests.e2e.served import serving

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(300)]

# Chromium without a window never puts a page into the background, so the page is told.
SHOW = """(state) => {
  Object.defineProperty(document, 'hidden', { value: state === 'hidden', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
DARK, LIGHT = 80, 200  # of 255


@pytest.fixture(scope="module")
def crowded(installed, tmp_path_factory):
    """A service with a place for one live page."""
    folder = copy(installed, tmp_path_factory.mktemp("crowded"))
    with serving(folder, {"MILLWRIGHT_STREAM_LIMIT": "1"}) as running:
        yield running


@pytest.fixture
def queue(lived_in, visits):
    """The manager's queue, with at least two tickets in it."""
    page = visits.sign_in(MANAGER, path="/tickets")
    expect(page.locator("#tickets tbody tr").nth(1)).to_be_visible()
    return page


def row_link(page, index):
    return page.locator("#tickets tbody tr").nth(index).locator("a[data-row-link]")


def test_a_queue_is_walked_and_a_ticket_opened_by_keys(queue):
    for key in ("j", "j", "k"):
        queue.keyboard.press(key)
    expect(row_link(queue, 0)).to_be_focused()
    address = row_link(queue, 0).get_attribute("href")
    queue.keyboard.press("Enter")
    expect(queue).to_have_url(re.compile(rf"{address}$"))


def test_the_search_is_a_key_away_and_finds_a_ticket(queue):
    queue.keyboard.press("/")
    field = queue.get_by_role("searchbox")
    expect(field).to_be_focused()
    number = re.search(r"T-\d+", row_link(queue, 1).locator("xpath=ancestor::td").inner_text())
    field.fill(number[0])
    queue.keyboard.press("Enter")
    expect(queue).to_have_title(re.compile(rf"^{number[0]} "))


def test_the_keys_are_listed_and_the_list_goes_away(queue):
    queue.keyboard.press("?")
    expect(queue.get_by_role("dialog")).to_contain_text("Next and previous row")
    queue.keyboard.press("j")
    expect(row_link(queue, 0)).not_to_be_focused()
    queue.keyboard.press("Escape")
    expect(queue.get_by_role("dialog")).to_be_hidden()


def brightness(page):
    """How bright the page's ground is, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 3


def test_dark_colours_are_chosen_once_for_all_pages(queue):
    assert brightness(queue) > LIGHT
    queue.get_by_role("button", name="Light or dark").click()
    assert brightness(queue) < DARK
    queue.goto("/machines")
    expect(queue.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert brightness(queue) < DARK
    queue.get_by_role("button", name="Light or dark").click()
    assert brightness(queue) > LIGHT


def await_streams(served, count, timeout_s=30):
    """Waits until the portal serves that many live pages; it learns so at a heartbeat."""
    deadline = time.monotonic() + timeout_s
    while (found := served.count_streams()) != count:
        assert time.monotonic() < deadline, f"{found} streams, not {count}"
        time.sleep(0.2)


def test_a_page_in_the_background_holds_no_stream_and_catches_up(lived_in, visits):
    await_streams(lived_in, 0)
    manager = visits.sign_in(MANAGER, path="/tickets")
    expect_live(manager)
    stay(manager)
    before = lived_in.count_streams()
    manager.evaluate(SHOW, "hidden")
    expect(manager.locator("[data-live-status]")).to_have_text("Paused")
    await_streams(lived_in, before - 1)
    report(lived_in, "Standby")
    manager.evaluate(SHOW, "visible")
    expect_live(manager)
    row = manager.locator("[data-live-id^='ticket:']", has_text="Standby pump")
    expect(row).to_be_visible(timeout=LIVE_MS)
    assert has_stayed(manager)


def test_a_page_without_a_place_for_its_stream_asks_now_and_then(crowded, browser):
    visits = Visits(browser, crowded)
    visits.expect_refusals_of(r"/live\?")
    expect_live(visits.sign_in(CUSTOMER))
    manager = visits.sign_in(MANAGER, path="/tickets")
    expect(manager.locator("[data-live-status]")).to_have_text("Updating every 15 s")
    stay(manager)
    report(crowded, "Booster")
    row = manager.locator("[data-live-id^='ticket:']", has_text="Booster pump")
    expect(row).to_be_visible(timeout=30_000)
    assert has_stayed(manager)
    visits.close()
    assert visits.complaints == []
