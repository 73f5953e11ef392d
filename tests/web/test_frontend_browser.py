"""The bundle and the shared templates in a real browser: policy, charts, live updates, keys."""

import json
import math
import re
import shutil
import threading

import pytest
from flask import Response, request
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import make_server

from tests.web.frontend_site import NOW, make_site
from web.assets import read_bundle

pytestmark = pytest.mark.e2e


def readings():
    """Two hours of one metric, a point a minute, with no readings from minute 40 to 60."""
    start = NOW.timestamp() - 7200
    minutes = [minute for minute in range(121) if not 40 < minute < 60]
    mean = [round(80 + 5 * math.sin(minute / 9), 2) for minute in minutes]
    series = {
        "metric": "oil", "label": "Oil", "t": [start + 60 * minute for minute in minutes],
        "mean": mean, "min": [value - 1 for value in mean], "max": [value + 1 for value in mean],
    }  # fmt: skip
    limit = {"label": "Limit", "value": 90, "direction": "high"}
    group = {
        "key": "t",
        "label": "Temperature",
        "unit": "°C",
        "series": [series],
        "limits": [limit],
    }
    alarm = {"from": start + 600, "to": None, "label": "Oil is hot", "severity": "needs_service"}
    return {
        "range": {"key": "24h", "from": start, "to": start + 7200},
        "time_zone": "Europe/Berlin",
        "gap_s": 150,
        "groups": [group],
        "alarms": [alarm],
    }


def add_readings(site):
    """Answer charts, and keep in `site.asked` what they asked for."""
    site.asked = []

    @site.get("/readings.json")
    def asked_readings():
        site.asked.append(dict(request.args))
        return readings()


def add_live(site):
    """A stream that says what `say` puts into it, or 503 while `site.is_full`."""
    site.events, site.spoken, site.is_full = [], threading.Event(), False

    def stream():
        yield "retry: 1000\n\n"
        while True:
            site.spoken.wait(0.2)
            site.spoken.clear()
            while site.events:
                yield site.events.pop(0)
            yield ":\n\n"

    @site.get("/live")
    def live():
        if site.is_full:
            return Response(status=503)
        return Response(stream(), mimetype="text/event-stream")

    @site.get("/poll")
    def poll():
        return {"cursor": "1", "events": []}


def say(site, event, **detail):
    site.events.append(f"id: 1\nevent: {event}\ndata: {json.dumps(detail)}\n\n")
    site.spoken.set()


@pytest.fixture
def served():
    """The site on a free port, with readings and a stream that a test can speak through."""
    bundle = read_bundle()
    if not bundle.is_built:
        pytest.fail("The front end is not built: run `python hatch_build.py`.")
    site = make_site(bundle)
    add_readings(site)
    add_live(site)
    server = make_server("127.0.0.1", 0, site, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(served, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    complaints = []
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type == "error" else None
    )
    opened.on("pageerror", lambda fault: complaints.append(str(fault)))
    opened.complaints = complaints
    yield opened
    context.close()


def test_the_whole_page_keeps_the_policy(page, served):
    page.goto(f"{served.address}/all")
    expect(page.locator(".mw-plot canvas").first).to_be_visible()
    assert page.complaints == []


def test_a_chart_shows_values_limits_alarms_and_its_zone(page, served):
    page.goto(f"{served.address}/all")
    chart = page.locator("[data-chart]").first
    expect(chart.locator(".mw-plot-unit")).to_have_text("°C")
    expect(chart.locator(".mw-alarm")).to_contain_text("Oil is hot")
    expect(chart.locator(".mw-chart-moment")).to_contain_text("Berlin")
    assert served.asked[0]["range"] == "24h"


def test_the_table_behind_a_chart_tells_the_gap_in_words(page, served):
    page.goto(f"{served.address}/all")
    chart = page.locator("[data-chart]").first
    chart.get_by_role("button", name="Show as table").click()
    # Minute 40 to 60 of a window that begins at 10:00 UTC, told in the site's zone.
    expect(chart.locator(".mw-gap-row")).to_have_text(re.compile(r"11:40\s*–.*12:00"))
    expect(chart.locator("tbody tr")).to_have_count(121 - 19 + 1)


def test_dragging_zooms_and_a_button_goes_back(page, served):
    page.goto(f"{served.address}/all")
    plot = page.locator("[data-chart]").first.locator(".u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    with page.expect_response(re.compile("from=")):
        page.mouse.up()
    zoomed = next(query for query in served.asked[::-1] if "from" in query)
    assert float(zoomed["to"]) - float(zoomed["from"]) == pytest.approx(1800, rel=0.05)
    with page.expect_response(re.compile("range=24h")):
        page.get_by_role("button", name="Whole range").click()


def test_new_readings_are_fetched_from_the_last_point_on(page, served):
    page.goto(f"{served.address}/all?live")
    expect(page.locator("[data-live-status]")).to_have_text("Live")
    with page.expect_response(re.compile("since=")):
        say(served, "reading", asset="7")
    follow = next(query for query in served.asked if "since" in query)
    assert float(follow["since"]) == NOW.timestamp()


def test_a_new_row_appears_by_itself_when_nobody_is_busy(page, served):
    page.goto(f"{served.address}/all?live")
    expect(page.locator("[data-live-status]")).to_have_text("Live")
    served.tickets.insert(0, 3)
    say(served, "changed", kind="ticket", id=3)
    expect(page.locator("[data-live-id='ticket:3']")).to_be_visible(timeout=4000)


def test_nothing_moves_under_the_pointer(page, served):
    page.goto(f"{served.address}/all?live")
    expect(page.locator("[data-live-status]")).to_have_text("Live")
    page.locator("[data-live-id='ticket:1']").hover()
    served.tickets.insert(0, 3)
    say(served, "changed", kind="ticket", id=3)
    bar = page.get_by_role("button", name="1 new")
    expect(bar).to_be_visible()
    expect(page.locator("#queue tbody tr")).to_have_count(2)
    bar.click()
    expect(page.locator("#queue tbody tr")).to_have_count(3)


def test_a_full_server_is_polled(page, served):
    served.is_full = True
    page.goto(f"{served.address}/all?live")
    expect(page.locator("[data-live-status]")).to_have_text("Updating every 15 s")


def test_a_list_is_walked_by_keys(page, served):
    page.goto(f"{served.address}/all")
    expect(page.locator(".mw-plot canvas").first).to_be_visible()
    page.locator("body").press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-live-id='ticket:2'] a")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#mw-keys")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_width_makes_the_page_scroll_sideways(page, served, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{served.address}/all")
    expect(page.locator(".mw-plot canvas").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def test_the_choice_of_colours_lasts(page, served):
    page.goto(f"{served.address}/all")
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
