"""The queue, the page of a ticket with its moves and messages, and the close-out."""

import re

import pytest

from foundation.jobs import run_due
from services.notifications.delivery import HANDLERS
from services.tickets.models import Ticket

# What differs between the databases is tried in test_access_matrix, test_hostile and test_live.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

TICKET = "/tickets/1"


def move(visitor, name, **fields):
    answer = visitor.post(f"{TICKET}/move", {"move": name, **fields})
    assert answer.status_code == 303
    return visitor.read(TICKET)


def choices(page):
    """The answers offered by a close-out, in their order, by question."""
    found = {}
    for name, value in re.findall(r'name="(\w+)" type="radio" value="(\w+)"', page):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def started(lively):
    """The technician works on the ticket."""
    manager, technician = lively.as_("manager"), lively.as_("technician")
    person = str(lively.network.people["technician"])
    manager.post(f"{TICKET}/assign", {"person": person})
    move(technician, "start")
    return lively


def test_the_queue_has_its_views_in_the_address(lively):
    visitor = lively.visit("manager")
    assert "T-1001" in visitor.read("/tickets")
    assert "T-1001" in visitor.read("/tickets?view=unassigned")
    assert "T-1001" not in visitor.read("/tickets?view=mine")
    assert "No ticket was closed yet." in visitor.read("/tickets?view=closed")


def test_a_ticket_says_what_was_seen_what_it_may_be_and_why(lively):
    page = lively.visit("manager").read(TICKET)
    assert "Nobody has accepted it yet; the first answer is due" in page
    assert "80%" in page
    assert 'data-mode="evidence"' in page
    assert 'data-groups="temperature,pressure"' in page
    assert "North Service serves this machine." in page


def test_a_customer_reads_the_same_ticket_without_the_dealers_workings(lively):
    page = lively.visit("customer").read(TICKET)
    assert "Sent to your dealer" in page
    assert "What the machine shows" in page
    assert "Why this priority" not in page
    assert "80%" not in page


def test_an_assigned_ticket_is_accepted_and_names_who_takes_care(started):
    page = started.as_("customer").read(TICKET)
    assert "Technician takes care of it. It should be solved by" in page
    assert "Being worked on" in page


def test_internal_notes_stay_with_the_dealer(started):
    started.as_("manager").post(
        f"{TICKET}/messages", {"text": "Bill it as warranty", "audience": "dealer"}
    )
    started.as_("manager").post(f"{TICKET}/messages", {"text": "We come on Friday"})
    for person, reads_note in {"technician": True, "customer": False, "maker": False}.items():
        page = started.visit(person).read(TICKET)
        assert "We come on Friday" in page
        assert ("Bill it as warranty" in page) is reads_note


def test_a_customer_cannot_write_for_the_dealer_alone(lively):
    visitor = lively.visit("customer")
    visitor.post(f"{TICKET}/messages", {"text": "Secret", "audience": "dealer"})
    page = visitor.read(TICKET)
    assert "Only the dealer writes internal notes." in page
    assert "Secret" not in page


def test_a_refused_move_says_why_and_changes_nothing(lively):
    page = move(lively.visit("technician"), "solve")
    assert "The ticket is “New” by now." in page
    assert "Nobody has accepted it yet" in page


@pytest.mark.parametrize(("name", "note"), [("wait", ""), ("wait", "   ")])
def test_a_move_that_needs_a_note_asks_for_it(started, name, note):
    assert "Say in a note why." in move(started.as_("technician"), name, note=note)


def test_a_move_nobody_knows_is_refused(lively):
    assert "There is no such move." in move(lively.visit("manager"), "explode")


def test_the_likely_cause_stands_first_in_the_close_out_and_nothing_is_chosen(started):
    page = started.as_("technician").read(f"{TICKET}/close-out")
    offered = choices(page)
    assert len(offered["failure_mode"]) == 20
    assert offered["verdict_1"] == ["right", "false", "unclear"]
    assert "checked" not in page


def test_an_incomplete_close_out_says_what_is_missing_and_keeps_what_was_said(started):
    visitor = started.as_("technician")
    fields = {"failure_mode": "OHE", "note": "Filter was full"}
    answer = visitor.post(f"{TICKET}/close-out", fields)
    assert answer.status_code == 422
    assert "Choose where the failure came from." in answer.text
    assert "Say for each alarm whether it was right." in answer.text
    assert "Filter was full" in answer.text
    assert re.search(r'value="OHE"[^>]*checked|checked[^>]*value="OHE"', answer.text)
    assert "In progress" in visitor.read(TICKET)


def test_a_close_out_ends_the_ticket_and_everybody_sees_how(started):
    visitor = started.as_("technician")
    fields = {
        "failure_mode": "OHE",
        "failure_cause": "operation_maintenance",
        "verdict_1": "right",
        "note": "Cleaned the cooler",
    }
    assert visitor.post(f"{TICKET}/close-out", fields).location == TICKET
    page = visitor.read(TICKET)
    assert "Closed. Your verdicts help the detectors to do better." in page
    assert "Too hot" in page
    customer = started.as_("customer").read(TICKET)
    assert "Done since" in customer
    assert "Cleaned the cooler" in customer
    assert "T-1001" in started.as_("manager").read("/tickets?view=closed")


def test_a_customer_reopens_what_is_not_solved(started):
    move(started.as_("technician"), "solve")
    customer = started.as_("customer")
    assert "Reopen it if the problem is still there." in customer.read(TICKET)
    assert "Being worked on" in move(customer, "reopen")


def test_only_the_moves_that_are_allowed_are_offered(lively):
    def offered(person):
        return set(re.findall(r'name="move" value="(\w+)"', lively.visit(person).read(TICKET)))

    assert offered("technician") == {"acknowledge"}
    assert offered("customer") == offered("maker") == set()


def test_a_manufacturer_reads_along_and_may_say_something(lively):
    maker = lively.visit("maker")
    assert "What the machine shows" in maker.read(TICKET)
    maker.post(f"{TICKET}/messages", {"text": "This batch has weak bearings."})
    assert "This batch has weak bearings." in lively.visit("technician").read(TICKET)
    maker.post(f"{TICKET}/messages", {"text": "For you alone", "audience": "dealer"})
    assert "For you alone" not in lively.visit("technician").read(TICKET)


def test_notices_are_counted_in_the_frame_until_they_are_read(started):
    network = started.network
    run_due(network.database, network.clock, HANDLERS)
    visitor = started.visit("customer")
    page = visitor.read("/me")
    assert "New ticket" in page
    assert 'class="mw-place-count"' in page
    visitor.post("/me/notices/read")
    page = visitor.read("/me")
    assert "You have seen every notice." in page
    assert "mw-place-count" not in page


def test_who_acts_on_a_ticket_has_read_what_was_told_of_it(started):
    network = started.network
    run_due(network.database, network.clock, HANDLERS)
    visitor = started.visit("technician")
    assert "mw-place-count" in visitor.read("/")
    visitor.post(f"{TICKET}/messages", {"text": "On my way"})
    assert "mw-place-count" not in visitor.read("/")


def test_a_refused_act_leaves_no_trace_in_the_tables(lively):
    visitor = lively.visit("manager")
    visitor.post(f"{TICKET}/assign", {"person": str(lively.network.people["customer"])})
    with lively.network.transaction() as session:
        ticket = session.get_one(Ticket, 1)
        assert (ticket.assignee_id, ticket.state) == (None, "new")
