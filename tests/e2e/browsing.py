"""Browser pages that write down whatever goes wrong in them, and the ways people use a page."""

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e.installed_base import PASSWORD

DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
# A page that is left breaks off what it was loading, and closes its stream.
_BROKEN_OFF = "net::ERR_ABORTED"
# Chromium's own traffic has no place in a test, and none where there is no network.
_QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
_TELL_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`);
});
"""
_IN_PLACE = "isSameDocument"
LIVE_MS = 15_000


@contextmanager
def open_browser():
    """Debian's Chromium; fails when it is missing."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_QUIET))
        yield browser
        browser.close()


class Visits:
    """Opens pages for people, each in a context of its own; `complaints` is what went wrong."""

    def __init__(self, browser, served):
        self._browser, self._served = browser, served
        self._contexts, self._expected = [], []
        self.complaints = []

    def sign_in(self, email, *, password=PASSWORD, device=DESKTOP, path="/"):
        """A page of that person, signed in by hand, on `path`."""
        context = self._browser.new_context(base_url=self._served.url, locale="en-GB", **device)
        context.set_default_timeout(20_000)
        context.add_init_script(_TELL_VIOLATIONS)
        self._contexts.append(context)
        page = context.new_page()
        self._watch(page)
        page.goto(f"/sign-in?next={path}")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(rf"{re.escape(path)}$"))
        return page

    def expect_refusals_of(self, pattern):
        """Answers from 400 on are no complaint for addresses that fit."""
        self._expected.append(re.compile(pattern))

    def close(self):
        for context in self._contexts:
            context.close()

    def _watch(self, page):
        page.on("console", self._hear)
        page.on("pageerror", lambda fault: self._complain(page.url, str(fault)))
        page.on("requestfailed", self._note_failure)
        page.on("response", self._note_answer)

    def _hear(self, said):
        if said.type == "error":
            self._complain(said.location.get("url", ""), said.text)

    def _note_failure(self, request):
        if request.failure != _BROKEN_OFF:
            self._complain(request.url, request.failure or "failed")

    def _note_answer(self, response):
        if response.status >= 400:
            self._complain(response.url, f"answered {response.status}")

    def _complain(self, url, what):
        if not any(pattern.search(url) for pattern in self._expected):
            self.complaints.append(f"{url}: {what}")


def stay(page):
    """Remembers that this very document is shown, for `has_stayed`."""
    page.evaluate(f"window.{_IN_PLACE} = true")


def has_stayed(page):
    """Whether the document was never loaded again since `stay`."""
    return page.evaluate(f"window.{_IN_PLACE} === true")


def expect_live(page):
    """Waits until the page says that changes appear by themselves."""
    expect(page.locator("[data-live-status]")).to_have_text("Live", timeout=LIVE_MS)


def expect_charts_done(page):
    """Waits until every chart of the page is drawn, or says why there is nothing to draw."""
    page.wait_for_function(
        """() => [...document.querySelectorAll('[data-chart]')].every(
             (chart) => chart.children.length && !chart.hasAttribute('aria-busy')
                        && chart.querySelector('canvas, .mw-tool'))"""
    )


def find_picture_folder(name):
    """Where pictures of that name go; None when MILLWRIGHT_SCREENSHOTS asks for none."""
    chosen = os.environ.get("MILLWRIGHT_SCREENSHOTS")
    if not chosen:
        return None
    folder = Path(chosen) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
