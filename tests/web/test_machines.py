"""The list of machines, the page of one, its chart data and its file."""

import csv
import io
import re
from datetime import timedelta
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.assets import get_asset
from devices.ownership import PartyKind, set_party
from foundation.clock import to_ms
from foundation.identity.people import get_organisation
from foundation.paging import encode_cursor
from telemetry.latest import Latest
from telemetry.store.contract import SampleBatch
from tests.network import _register
from tests.web.visitor import sign_in
from web.pages import history

# What differs between the databases is tried in test_access_matrix, test_hostile and test_live.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

JSON = {"Accept": "application/json"}


@pytest.fixture
def readings(network, store):
    """An hour of readings every ten seconds up to now, of the network's own machine."""
    end_ms = to_ms(network.clock.now())
    at_ms = np.arange(end_ms - 3_600_000, end_ms, 10_000, dtype=np.int64)
    values = {
        "temperature": 60 + np.sin(np.arange(at_ms.size) / 20),
        "pressure": np.full(at_ms.size, 8.0),
    }
    asset = np.full(at_ms.size, network.asset, dtype=np.uint32)
    store.write([SampleBatch("pump", asset, at_ms, values)])
    latest = Latest()
    latest.update(network.asset, int(at_ms[-1]), {"temperature": 61.5, "pressure": 8.0})
    return latest


def test_a_machine_that_reports_and_has_nothing_wrong_is_well(make_site, readings):
    page = make_site(latest=readings).visit("customer").read("/machines/1")
    assert "Pump P-0001, Plant 1" in page
    assert "All readings are as they should be." in page
    assert "61.5 °C" in page
    assert 'data-url="/machines/1/chart"' in page


def test_a_silent_machine_says_what_to_check(make_site, readings):
    site = make_site(latest=readings)
    site.network.clock.advance(3_600)
    page = site.visit("manager").read("/machines/1")
    assert "Not heard since Mar 2, 06:59, expected every 10 seconds." in page
    assert "Check power and network of device pump-1." in page


def test_a_machine_with_a_ticket_leads_to_it(lively):
    page = lively.visit("manager").read("/machines/1")
    assert "Bearing temperature behaves unusually since" in page
    assert "Ticket T-1001 is open and nobody is assigned" in page
    assert 'href="/tickets/1"' in page


@pytest.mark.parametrize("text", ["p-0001", "HARBOUR", "plant 1", "P-100"])
def test_machines_are_found_by_serial_customer_site_and_model(lively, text):
    page = lively.visit("manager").read(f"/machines?q={text}")
    assert "1 machine for" in page
    assert "Pump P-0001" in page


def test_wildcards_are_ordinary_letters(lively):
    for text in ("%25", "_", "P%250001"):
        assert "No machine fits." in lively.visit("manager").read(f"/machines?q={text}")


def test_the_state_filter_stands_in_the_address(lively):
    visitor = lively.visit("manager")
    assert "Pump P-0001" in visitor.read("/machines?state=no_data")
    assert "No machine fits." in visitor.read("/machines?state=well")
    assert "Pump P-0001" in visitor.read("/machines?state=nonsense")


def test_a_ticket_number_opens_the_ticket_and_other_words_search(lively):
    visitor = lively.visit("manager")
    assert visitor.get("/search?q=t-1001").location == "/tickets/1"
    assert visitor.get("/search?q=GA+37").location == "/machines?q=GA+37"


def test_the_chart_answers_as_the_front_end_reads_it(make_site, readings):
    visitor = make_site(latest=readings).visit("customer")
    answer = visitor.get("/machines/1/chart?range=1h&points=400", headers=JSON).json
    assert answer["range"]["key"] == "1h"
    assert answer["range"]["to"] - answer["range"]["from"] == 3600
    assert answer["time_zone"] == "Europe/Berlin"
    assert [group["unit"] for group in answer["groups"]] == ["°C", "bar"]
    series = answer["groups"][0]["series"][0]
    assert len(series["t"]) == len(series["mean"]) == 360
    assert all(a < b for a, b in zip(series["t"], series["t"][1:], strict=False))
    assert answer["groups"][0]["limits"] == [
        {"label": "Bearing too hot", "value": 80.0, "direction": "high"}
    ]


def test_a_continuation_joins_what_was_shown_without_a_seam(make_site, readings):
    visitor = make_site(latest=readings).visit("customer")
    path = "/machines/1/chart?range=1h&points=60"
    whole = visitor.get(path, headers=JSON).json["groups"][0]["series"][0]
    since = whole["t"][-5]
    more = visitor.get(f"{path}&since={since}", headers=JSON).json["groups"][0]["series"][0]
    assert more["t"] == whole["t"][-5:]
    assert more["mean"] == whole["mean"][-5:]


def test_an_alarm_is_marked_and_leads_to_its_ticket(lively):
    answer = lively.visit("manager").get("/machines/1/chart?range=24h", headers=JSON).json
    (span,) = answer["alarms"]
    assert span["label"] == "Bearing temperature behaves unusually"
    assert (span["severity"], span["to"], span["url"]) == ("needs_service", None, "/tickets/1")


def test_some_metrics_are_drawn_in_the_order_asked_for(make_site, readings):
    visitor = make_site(latest=readings).visit("customer")
    path = "/machines/1/chart?groups=pressure,temperature,unknown"
    groups = visitor.get(path, headers=JSON).json["groups"]
    assert [group["series"][0]["metric"] for group in groups] == ["pressure", "temperature"]


@pytest.mark.parametrize(
    "query",
    ["range=2h", "from=5&to=5", "from=9&to=1", "from=x&to=1", "from=1&to=nan", "from=0&to=1e10"],
)
def test_a_range_that_is_none_is_refused(lively, query):
    answer = lively.visit("manager").get(f"/machines/1/chart?{query}", headers=JSON)
    assert answer.status_code == 422


def test_readings_are_a_file_of_their_stored_values(make_site, readings):
    answer = make_site(latest=readings).visit("customer").get("/machines/1/readings.csv?range=1h")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["time_utc", "temperature [°C]", "pressure [bar]"]
    assert len(rows) == 1 + 359  # an hour ends with the present, and begins after its first
    assert rows[1][0].endswith("+00:00")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="readings-1.csv"'


def test_a_file_of_too_many_readings_is_refused_with_the_way_out(lively):
    answer = lively.visit("customer").get("/machines/1/readings.csv?range=90d")
    assert answer.status_code == 422
    assert "Choose a shorter one." in answer.text


def test_a_new_owner_reads_nothing_from_before(make_site, readings, network):
    site = make_site(latest=readings)
    network.clock.advance(-1_800)
    with network.transaction() as session:
        asset = get_asset(session, network.asset)
        owner = get_organisation(session, "Hill Textiles")
        at = network.clock.now()
        set_party(session, asset=asset, kind=PartyKind.OWNER, organisation=owner, at=at)
    network.clock.advance(1_800)
    path = "/machines/1/chart?range=1h&points=400"
    seen = site.visit("other_customer").get(path, headers=JSON).json["groups"][0]["series"][0]
    assert min(seen["t"]) >= at.timestamp()
    assert len(seen["t"]) == 180
    assert site.visit("customer").get(path, headers=JSON).status_code == 404


def test_reporting_takes_one_click_and_leads_to_the_ticket(site):
    visitor = site.visit("customer")
    answer = visitor.post("/machines/1/report")
    assert (answer.status_code, answer.location) == (303, "/tickets/1")
    page = visitor.read("/tickets/1")
    assert "Reported to North Service." in page
    assert "Your dealer was told. Expect an answer by" in page


def test_a_second_report_joins_the_open_ticket_with_its_words(site):
    visitor = site.visit("customer")
    visitor.post("/machines/1/report")
    fields = {"text": "It squeals", "is_stopped": "y"}
    assert visitor.post("/machines/1/report", fields).location == "/tickets/1"
    page = visitor.read("/tickets/1")
    assert "It squeals" in page
    assert "Added to the ticket that is open on this machine." in page


def test_an_idle_page_signs_in_again_to_where_it_was(site):
    visitor = site.visit("customer")
    site.network.clock.advance(timedelta(hours=13).total_seconds())
    answer = visitor.get("/machines/1")
    visitor.read(answer.location)
    assert answer.location == "/sign-in?next=/machines/1"
    answer = sign_in(visitor, site.network.email("customer"), next="/machines/1")
    assert answer.location == "/machines/1"


def test_the_history_tells_alarms_tickets_and_owners_newest_first(lively):
    page = lively.visit("manager").read("/machines/1")
    story = page[page.index('id="machine-history"') :]
    told = ["Alarm: Bearing temperature behaves unusually", "North Service began to serve it"]
    assert [each in story for each in told] == [True, True]
    assert story.index("T-1001: Ticket opened") < story.index("Harbour Foods became its owner")


def test_earlier_lines_are_a_page_and_a_part_of_one(lively, monkeypatch):
    monkeypatch.setattr(history, "SHOWN", 1)
    visitor = lively.visit("manager")
    address = re.search(r'href="(/machines/1/history\?cursor=[^"]+)"', visitor.read("/machines/1"))
    assert "<html" in visitor.read(address[1])
    part = visitor.get(address[1], headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "became its owner" in part


@given(text=st.text(max_size=40) | st.integers().map(lambda n: encode_cursor((n,))))
def test_a_damaged_place_in_the_history_is_refused_in_words(lively, text):
    address = "/machines/1/history?" + urlencode({"cursor": text})
    assert lively.as_("manager").get(address).status_code in (200, 422)


def test_similar_machines_are_the_nearest_that_the_reader_sees(lively):
    assert "Pump P-0002" in lively.visit("maker").read("/machines/1")
    assert "You see no other machine of this model" in lively.visit("manager").read("/machines/1")


def test_run_hours_and_age_say_which_machines_are_near(network, make_site):
    with network.transaction() as session:
        ids = [_register(network, session, f"N-{n}", f"near-{n}", "") for n in range(4)]
    latest, now_ms = Latest(), to_ms(network.clock.now())
    for asset_id, hours in zip(
        [network.asset, *ids], (1_000, 9_000, 1_100, 100, 4_000), strict=True
    ):
        latest.update(asset_id, now_ms, {"run_hours": float(hours)})
    page = make_site(latest=latest).visit("manager").read("/machines/1")
    similar = page[page.index("Similar machines") :]
    order = [similar.index(f"Pump N-{n}") for n in (1, 3, 0, 2)]
    assert order == sorted(order)
    assert "9,000 h" in similar
