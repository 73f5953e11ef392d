"""From a reading to a closed ticket, as the people of the chain see it in their browsers."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import (
    LIVE_MS,
    PHONE,
    expect_charts_done,
    expect_live,
    has_stayed,
    stay,
)
from tests.e2e.installed_base import (
    CUSTOMER,
    HOT_C,
    LIMIT_C,
    MAKER,
    MANAGER,
    OTHER_CUSTOMER,
    OTHER_MANAGER,
    TECHNICIAN,
    device_of,
    hot_readings,
    reading,
)
from tests.e2e.served import publish

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(300)]

# What the stream of an open page is told, beside what the page makes of it.
LISTEN = """
window.heard = [];
new EventSource(document.body.dataset.live)
  .addEventListener('changed', (event) => window.heard.push(event.data));
"""


def open_live(visits, email, path="/", **options):
    page = visits.sign_in(email, path=path, **options)
    expect_live(page)
    stay(page)
    return page


def appears(page, pump):
    """The row of a pump's ticket, once it is there by itself."""
    row = page.locator("[data-live-id^='ticket:']", has_text=f"{pump} pump")
    expect(row).to_be_visible(timeout=LIVE_MS)
    assert has_stayed(page)
    return row


def open_ticket_of(page, row):
    row.locator("a[data-row-link]").click()
    page.wait_for_url(re.compile(r"/tickets/\d+$"))
    return page.url


def assign_to(page, name):
    page.get_by_label("Takes care of it").select_option(label=name)
    page.get_by_role("button", name="Assign").click()
    expect(page.locator("#ticket-state")).to_contain_text(name)


def open_card(page, pump):
    """Opens a ticket from its card; the highest value of each series of its evidence chart."""
    card = page.locator("article", has_text=f"{pump} pump")
    with page.expect_response(re.compile(r"/machines/\d+/chart\?.*from=")) as answered:
        card.get_by_role("link", name="Open").click()
    expect_charts_done(page)
    expect(page.locator("#findings .mw-plot canvas").first).to_be_visible()
    groups = answered.value.json()["groups"]
    return {each["metric"]: max(each["max"]) for group in groups for each in group["series"]}


def close_out(page):
    page.get_by_role("link", name="Close out").first.click()
    for answer in ("Too hot", "Use, wear or maintenance", "Right"):
        page.locator("label.mw-choice").get_by_text(answer, exact=True).click()
    page.get_by_label("Note").fill("Filled up the oil and changed the seal.")
    page.get_by_role("button", name="Close the ticket").click()
    expect(page.get_by_role("status").filter(has_text="Closed.")).to_be_visible()


def test_readings_beyond_a_limit_become_a_ticket_that_a_technician_closes(served, visits):
    manager = open_live(visits, MANAGER, "/tickets")
    customer = open_live(visits, CUSTOMER)
    publish(served.mqtt_url, device_of("Intake"), hot_readings())
    address = open_ticket_of(manager, appears(manager, "Intake"))
    assign_to(manager, "Tom Tech")

    technician = visits.sign_in(TECHNICIAN, device=PHONE)
    assert open_card(technician, "Intake")["bearing_temperature"] == pytest.approx(HOT_C)
    expect(technician).to_have_url(address)
    expect(technician.get_by_text("Bearing runs dry", exact=True)).to_be_visible()

    open_ticket_of(customer, appears(customer, "Intake"))
    expect_live(customer)
    stay(customer)
    technician.get_by_role("button", name="Start work").first.click()
    expect(customer.locator("#ticket-head")).to_contain_text("Being worked on", timeout=LIVE_MS)
    close_out(technician)
    expect(customer.locator("#ticket-head")).to_contain_text("Done", timeout=LIVE_MS)
    expect(customer.locator("#story")).to_contain_text("changed the seal", timeout=LIVE_MS)
    assert has_stayed(customer)


def test_who_has_no_part_in_a_machine_hears_and_sees_nothing_of_it(served, visits):
    strangers = [open_live(visits, each, "/tickets") for each in (OTHER_MANAGER, OTHER_CUSTOMER)]
    for stranger in strangers:
        stranger.evaluate(LISTEN)
    manager = open_live(visits, MANAGER, "/tickets")
    publish(served.mqtt_url, device_of("Sump"), hot_readings())
    address = open_ticket_of(manager, appears(manager, "Sump"))
    for stranger in strangers:
        assert stranger.evaluate("window.heard") == []
        assert stranger.request.get(address).status == 404
        stranger.reload()
        expect(stranger.locator("h1")).to_be_visible()
        expect(stranger.get_by_text("Sump pump")).to_have_count(0)


def test_a_customer_reports_a_problem_in_one_click(visits):
    manager = open_live(visits, MANAGER, "/tickets")
    customer = visits.sign_in(CUSTOMER, device=PHONE)
    machine = customer.locator("[data-live-id^='asset:']", has_text="Booster pump")
    machine.get_by_role("button", name="Report a problem").click()
    expect(customer).to_have_url(re.compile(r"/tickets/\d+$"))
    expect(customer.get_by_text("Reported to Service North")).to_be_visible()
    row = appears(manager, "Booster")
    expect(row).to_contain_text("New")


def register(page, device, since):
    """Fills the form for a machine, to which the quarantine led."""
    expect(page.get_by_label("Device key")).to_have_value(device)
    page.get_by_label("Equipment model").select_option(label="Nordwerk TP 80")
    page.get_by_label("Serial number").fill("TP80-900")
    page.get_by_label("Name").fill("Spare pump")
    page.get_by_label("Customer").select_option("Harbour Foods")
    page.get_by_label("Dealer who serves it").select_option("Service North")
    page.get_by_label("Site").first.fill("Quay 4")
    page.get_by_label("Commissioned on").fill(since)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Spare pump")


def test_what_an_unknown_device_sent_is_stored_once_it_is_registered(served, visits):
    maker = open_live(visits, MAKER, "/quarantine")
    publish(served.mqtt_url, "spare-gateway", reading(0, LIMIT_C - 10))
    fault = maker.locator("#faults tr", has_text="spare-gateway")
    expect(fault).to_be_visible(timeout=LIVE_MS)
    assert has_stayed(maker)
    expect(fault).to_contain_text("No device spare-gateway is registered.")
    fault.locator("a[data-row-link]").click()
    messages = maker.url
    maker.locator(".mw-head-actions summary").click()
    maker.get_by_role("link", name="Enter its machine").click()
    register(maker, "spare-gateway", "2026-01-15")
    machine = maker.url
    maker.goto(messages)
    maker.get_by_role("button", name="Try again").click()
    expect(maker.get_by_text("1 message was stored.")).to_be_visible()
    maker.goto(machine)
    expect(maker.locator("#machine-now")).to_contain_text("75 °C")
    expect_charts_done(maker)
