"""The fleet as list and map: narrowed down, ordered, paged, kept under a name."""

import re
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from devices.fleet_index import Box, FleetFilter
from devices.sites import Place, Site, locate_site
from foundation.clock import to_ms
from foundation.paging import encode_cursor
from telemetry.health import MachineState
from telemetry.latest import Latest
from tests.network import _register
from web.pages import fleet
from web.pages.fleet_view import SORTS, FleetView, read_view

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
NAMES = re.compile(r'data-row-link href="/machines/\d+">([^<]+)<')
IDS = st.none() | st.integers(1, 10**18 - 1)
DEGREES = st.floats(-180, 180).map(lambda value: round(value, 4))
VIEWS = st.builds(
    FleetView,
    chosen=st.builds(
        FleetFilter,
        search=st.text("ab ü&=?%", max_size=20).map(str.strip),
        model=st.none() | st.from_regex(r"[a-z0-9_]{1,20}", fullmatch=True),
        customer_id=IDS,
        dealer_id=IDS,
        site_id=IDS,
        country=st.none() | st.from_regex(r"[A-Z]{2}", fullmatch=True),
        box=st.none() | st.builds(Box, DEGREES, DEGREES, DEGREES, DEGREES),
    ),
    state=st.none() | st.sampled_from(MachineState),
    sort=st.sampled_from(SORTS),
    is_reversed=st.booleans(),
)


@pytest.fixture
def crowd(network, make_site, monkeypatch):
    """Seven more machines of the network's customer, three rows a page."""
    with network.transaction() as session:
        ids = [_register(network, session, f"P-1{n:03}", f"crowd-{n}", "") for n in range(7)]
    monkeypatch.setattr(fleet, "PAGE_SIZE", 3)
    latest, now_ms = Latest(), to_ms(network.clock.now())
    for place, asset_id in enumerate(ids[:-1]):
        latest.update(asset_id, now_ms - place * 1_000, {"temperature": 60.0})
    return make_site(latest=latest)


def walk(visitor, address):
    """The names on all pages of a list, one list a page."""
    pages = []
    while address:
        text = visitor.read(address)
        pages.append(NAMES.findall(text))
        found = re.search(r'rel="next" href="([^"]+)"', text)
        address = found[1].replace("&amp;", "&") if found else None
    return pages


@given(view=VIEWS)
def test_an_address_says_the_whole_view(database, view):
    assert read_view(view.query()) == view


@given(
    args=st.dictionaries(
        st.sampled_from(
            ["q", "state", "model", "customer", "dealer", "site", "country", "box", "sort"]
        ),
        st.text(max_size=40)
        | st.sampled_from(["nan,1,2,3", "1,2,3", "-", "--name", "²", "9" * 30]),
    )
)
def test_rubbish_in_an_address_is_left_out(database, args):
    view = read_view(args)
    assert read_view(view.query()) == view


@pytest.mark.parametrize("sort", [f"{sign}{sort}" for sort in SORTS for sign in ("", "-")])
def test_pages_of_every_order_show_each_machine_once(crowd, sort):
    visitor = crowd.as_("manager")
    pages = walk(visitor, f"/machines?sort={sort}")
    names = [name for page in pages for name in page]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert len(set(names)) == 8
    backwards = walk(
        visitor, f"/machines?sort={sort.removeprefix('-') if '-' in sort else f'-{sort}'}"
    )
    assert [name for page in backwards for name in page] == names[::-1]


def test_the_worst_and_the_longest_silent_come_first(crowd):
    visitor = crowd.as_("manager")
    assert set(walk(visitor, "/machines?sort=state")[0][:2]) == {"Pump P-0001", "Pump P-1006"}
    heard = [name for page in walk(visitor, "/machines?sort=heard") for name in page]
    assert heard[2:4] == ["Pump P-1005", "Pump P-1004"]


def test_states_are_counted_within_the_other_filters(crowd):
    page = crowd.as_("manager").read("/machines?q=Pump+P-1")
    assert re.search(r"Well <span>6</span>", page)
    assert re.search(r"No data <span>1</span>", page)
    assert "“Pump P-1”" in page


@given(text=st.text(max_size=60))
def test_a_damaged_cursor_is_refused_in_words(lively, text):
    answer = lively.as_("manager").get("/machines?" + urlencode({"cursor": text}))
    assert answer.status_code == (422 if text else 200)


def test_the_cursor_of_another_order_is_refused(crowd):
    cursor = encode_cursor(("Pump", 1))
    answer = crowd.as_("manager").get(f"/machines?sort=state&cursor={cursor}")
    assert "This page address is damaged" in answer.text


def test_filters_are_a_page_and_a_part_of_one(lively):
    visitor = lively.as_("maker")
    assert "<html" in visitor.read("/machines/filters")
    part = visitor.get("/machines/filters?state=well", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert 'value="well" selected' in part
    assert "Hill Textiles" in part
    assert "Hill Textiles" not in lively.as_("customer").read("/machines/filters")


def test_a_view_is_kept_opened_renamed_and_deleted(lively):
    visitor = lively.visit("manager")
    answer = visitor.post("/machines/views", {"name": "Silent", "state": "no_data", "q": "pump"})
    assert answer.headers["Location"] == "/machines?q=pump&state=no_data"
    assert 'href="/machines?q=pump&amp;state=no_data"' in visitor.read("/machines")
    number = max(
        re.findall(r"/machines/views/(\d+)/delete", visitor.read("/machines/views")), key=int
    )
    visitor.post(f"/machines/views/{number}", {"name": "Quiet"})
    assert "Quiet" in visitor.read("/machines")
    assert "Quiet" not in lively.visit("technician").read("/machines/views")
    for each in re.findall(r"/machines/views/\d+/delete", visitor.read("/machines/views")):
        visitor.post(each)
    assert "You keep no view yet." in visitor.read("/machines/views")


def test_a_view_without_a_name_says_so(lively):
    visitor = lively.visit("manager")
    visitor.post("/machines/views", {"name": " "})
    assert "A view needs a name." in visitor.read("/machines")


def test_the_map_holds_the_sites_of_the_reader(lively):
    with lively.network.transaction() as session:
        site = session.scalar(select(Site).order_by(Site.id))
        locate_site(site, Place(country="DE", latitude=53.55, longitude=9.99))
    found = lively.as_("manager").get("/machines/map/sites").json
    assert [each["at"] for each in found["sites"]] == [[9.99, 53.55]]
    assert found["sites"][0]["url"] == f"/machines?site={site.id}"
    assert sum(found["sites"][0]["counts"]) == 1
    page = lively.as_("manager").read("/machines/map")
    assert "Germany" in page
    assert 'data-sites="/machines/map/sites"' in page
    assert lively.as_("other_manager").get("/machines/map/sites").json["sites"] == []


def test_sites_without_a_position_stand_in_the_table_alone(lively):
    page = lively.as_("manager").read("/machines/map")
    assert "position not known" in page
    assert "data-map" not in page


def test_the_operators_base_map_takes_the_place_of_ours(make_site, tmp_path):
    path = tmp_path / "land.json"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    answer = make_site(base_map=path).as_("maker").get("/machines/map/base")
    assert answer.json["type"] == "FeatureCollection"
