"""Home pages: what must I do now, for each role, in words before anything else."""

import re

import pytest
from sqlalchemy import select

from devices.sites import Place, Site, locate_site
from services.tickets.queries import Attention
from telemetry.health import HealthFacts, count_states, decide_health
from web.wording.homes import customer_sentence, dealer_sentence, fleet_sentence

# What differs between the databases is tried in test_access_matrix, test_hostile and test_live.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_a_service_manager_sees_what_waits_and_the_most_urgent_first(lively):
    page = lively.visit("manager").read("/")
    assert "1 ticket has nobody yet. Assign it." in page
    assert "Bearing temperature behaves unusually" in page
    assert page.index("Due next") < page.index("T-1001")


def test_a_technician_takes_a_ticket_from_the_first_page(lively):
    visitor = lively.visit("technician")
    assert "You have no ticket. 1 waits for somebody to take it." in visitor.read("/")
    person = str(lively.network.people["technician"])
    assert visitor.post("/tickets/1/assign", {"person": person}).status_code == 303
    assert "You have 1 ticket today." in visitor.read("/")


def test_a_customer_sees_machines_and_requests_in_plain_words(lively):
    page = lively.visit("customer").read("/")
    assert "Your dealer is working on 1 request." in page
    assert "Pump P-0001" in page
    assert "Pump P-0002" not in page
    assert "Sent to your dealer" in page
    assert "P3" not in page


def test_a_manufacturer_sees_the_fleet_its_dealers_and_what_was_refused(lively):
    page = lively.visit("maker").read("/")
    assert "Machines that need attention" in page
    assert "North Service" in page
    assert "Unknown value" in page
    assert "Messages in quarantine" in page
    assert "1 message" in page


def test_a_state_that_no_machine_is_in_is_quiet_and_each_has_its_sign(lively):
    page = lively.visit("maker").read("/")
    looks = set(re.findall(r'class="mw-figure ([^"]+)"', page))
    assert "is-none" in looks
    assert any(each.startswith("mw-figure-") for each in looks)
    assert "#needs-service" in page


def test_no_role_has_more_than_seven_places_and_everybody_reaches_their_account(lively):
    for who in ("maker", "manager", "technician", "customer"):
        page = lively.visit(who).read("/")
        assert 3 <= page.count('class="mw-place"') <= 7
        assert 'href="/me"' in page


def test_who_serves_nothing_is_told_that_nothing_waits(lively):
    assert "No ticket is open." in lively.visit("other_manager").read("/")


@pytest.fixture
def speaking(site):
    with site.app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("attention", "said"),
    [
        (Attention(5, 2, 1, 1, 1), "1 ticket has waited too long"),
        (Attention(5, 2, 1, 0, 3), "3 tickets are past their due time."),
        (Attention(5, 2, 1, 0, 0), "2 tickets have nobody yet."),
        (Attention(5, 0, 1, 0, 0), "5 tickets are open, all in hands and in time."),
        (Attention(0, 0, 0, 0, 0), "Nothing waits for you."),
    ],
)
def test_only_the_most_pressing_thing_is_said(speaking, attention, said):
    assert dealer_sentence(attention).startswith(said)


def healths(network, *facts):
    return count_states(decide_health(each, network.clock.now()).state for each in facts)


def test_a_fleet_is_told_by_its_worst_machines(speaking, network):
    now = network.clock.now()
    well, silent = HealthFacts(heard_at=now), HealthFacts()
    service = HealthFacts(heard_at=now, has_open_ticket=True)
    assert fleet_sentence(healths(network)).startswith("No machine is registered yet.")
    assert fleet_sentence(healths(network, well, silent, service)) == "1 machine needs service."
    assert fleet_sentence(healths(network, well, silent)) == "1 machine sends no readings."
    assert fleet_sentence(healths(network, well, well)).startswith("All 2 machines")


def test_a_customer_whose_machines_are_well_need_do_nothing(speaking, network):
    well = HealthFacts(heard_at=network.clock.now())
    said = customer_sentence(healths(network, well), 0)
    assert said == "Your machine is well. You need to do nothing."


def test_a_customer_is_asked_to_look_at_what_is_reported_as_solved(speaking, network):
    well = HealthFacts(heard_at=network.clock.now())
    said = customer_sentence(healths(network, well), 2, solved=1)
    assert said.startswith("1 request is reported as solved. Look whether it is")


def test_a_technician_knows_where_to_go_what_to_bring_and_whom_to_call(lively):
    network = lively.network
    with network.transaction() as session:
        site = session.scalar(select(Site).order_by(Site.id))
        place = Place("Kai 3, Hamburg", "DE", 53.55, 9.99, "+49 40 123-456")
        locate_site(site, place)
    visitor = lively.visit("technician")
    visitor.post("/tickets/1/assign", {"person": str(network.people["technician"])})
    page = visitor.read("/")
    assert "Next: Bearing temperature behaves unusually" in page
    assert "Kai 3, Hamburg" in page
    assert 'href="geo:53.55,9.99"' in page
    assert 'href="tel:+4940123456"' in page
    assert "no part is named for this cause" in page


def test_a_service_manager_sees_the_day_of_each_technician(lively):
    visitor = lively.visit("manager")
    assert "Nobody has a ticket in hand." in visitor.read("/")
    visitor.post("/tickets/1/assign", {"person": str(lively.network.people["technician"])})
    assert re.search(r"Technician</span>.*?mw-num", visitor.read("/"), re.DOTALL)


def test_first_steps_are_crossed_off_by_what_is_there_and_can_be_put_away(lively):
    visitor = lively.visit("maker")
    page = visitor.read("/")
    assert "2 of 4 done" in page
    assert 'href="/administration/people/new">Let a colleague sign in' in page
    assert visitor.post("/first-steps/dismiss").status_code == 303
    assert "First steps" not in visitor.read("/")
    assert "First steps" in lively.visit("customer").read("/")


def test_first_steps_go_away_by_themselves_once_all_are_done(lively):
    visitor = lively.visit("technician")
    assert "Take a ticket from the queue" in visitor.read("/")
    visitor.post("/tickets/1/assign", {"person": str(lively.network.people["technician"])})
    assert "First steps" not in visitor.read("/")
