"""The map in a browser: its script draws sites, joins those that are close and lets them part."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.installed_base import CUSTOMER, MAKER, NORTH_PUMPS, SOUTH_PUMPS

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(300)]
TURNS = 30


@pytest.fixture
def world(lived_in, visits):
    page = visits.sign_in(MAKER, path="/machines/map")
    expect(page.locator(".mw-marker").first).to_be_visible()
    return page


def test_sites_that_are_close_are_one_marker_that_leads_to_their_machines(world):
    assert world.locator("[data-map] canvas").bounding_box()["width"] > 300
    markers = world.locator(".mw-marker")
    expect(markers).to_have_count(2)
    both = markers.filter(has_text=re.compile(r"2 sites: \d+ machines"))
    expect(both).to_have_attribute("href", re.compile(r"/machines\?.*box="))
    both.click()
    world.wait_for_url(re.compile("box="))
    for pump in NORTH_PUMPS:
        expect(world.get_by_role("link", name=f"{pump} pump").first).to_be_attached()
    expect(world.get_by_role("link", name=f"{SOUTH_PUMPS[0]} pump")).to_have_count(0)


def test_closer_they_part_and_from_afar_they_join_again(world):
    markers = world.locator(".mw-marker")
    both = markers.filter(has_text="2 sites")
    for _ in range(TURNS):
        if not both.count():
            break
        place = both.bounding_box()
        world.mouse.move(place["x"] - 4, place["y"] + place["height"] + 4)
        world.mouse.wheel(0, -480)
        world.wait_for_timeout(100)
    expect(markers.filter(has_text="Quay 4")).to_have_count(1)
    expect(markers.filter(has_text="Cold store")).to_have_count(1)
    for _ in range(TURNS):
        world.get_by_role("button", name="Farther away").click()
    expect(markers.filter(has_text="Quay 4")).to_have_count(0)


def test_a_customers_map_holds_their_own_sites_alone(lived_in, visits):
    page = visits.sign_in(CUSTOMER, path="/machines/map")
    expect(page.locator(".mw-marker").first).to_be_visible()
    assert "Upper mill" not in page.locator("body").inner_text()
    assert page.locator(".mw-marker", has_text="Upper mill").count() == 0
