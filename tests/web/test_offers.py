"""Offers in the portal: what each party reads, presses and never gets to see."""

import re

import pytest
from sqlalchemy import select

from foundation.jobs import run_due
from services.notifications.delivery import HANDLERS
from services.offers.models import Offer, OfferConsent
from services.orders.models import Order
from tests.web.offering import add_rule, propose


@pytest.fixture
def offered(site):
    """A portal in which one offer waits for its dealer's check."""
    propose(site.network, add_rule(site.network))
    return site


def read_offer(site):
    with site.network.database.session(site.network.scope()) as session:
        return session.scalars(select(Offer)).one()


def test_the_dealer_checks_with_margin_and_evidence_at_hand(offered):
    page = offered.as_("manager").read("/offers")
    assert "Variable speed drive" in page
    assert "€5,000.00" in page
    assert "€1,500.00" in page
    page = offered.as_("manager").read("/offers/1")
    for said in ("€3,500.00", "€1,500.00", "4 hours a day", "3.7 to 4.3 hours a day"):
        assert said in page


def test_the_customer_reads_the_arithmetic_and_never_the_margin(offered):
    manager, customer = offered.as_("manager"), offered.as_("customer")
    assert customer.get("/offers/1").status_code == 404
    manager.post("/offers/1/send", {"version": 1})
    page = customer.read("/offers/1")
    for said in (
        "It is worth about €3,942 a year (€3,700 to €4,200).",
        "It idles 4 hours a day and takes 60 kWh a day for that.",
        "Of that 90% is saved, at €0.20 per kWh.",
        "The price is back after about 15.2 months (14.3 to 16.2).",
        "€5,000.00",
        "28",
    ):
        assert said in page, said
    for hidden in ("3,500", "1,500", "margin", "Your cost"):
        assert hidden not in re.sub(r"<[^>]+>", "", page), hidden


def test_the_manufacturer_reads_neither_price_nor_margin_of_an_offer(offered):
    offered.as_("manager").post(
        "/offers/1/edit",
        {"version": 1, "title": "Drive", "description": "", "price": "4,400.00"},
    )
    offered.as_("manager").post(
        "/offers/1/edit", {"version": 1, "title": "Drive", "description": "", "price": "4400"}
    )
    page = offered.as_("maker").read("/offers/1")
    assert "4,400" not in page
    assert "900" not in re.sub(r"<[^>]+>", "", page).split("How that is known")[0]
    assert "Variable speed drive" in page


def test_from_the_check_to_the_order_and_its_end(offered):
    manager, customer = offered.as_("manager"), offered.as_("customer")
    manager.post("/offers/1/send", {"version": 1})
    assert "New for you" in customer.read("/offers")
    customer.post("/offers/1/seen", {"version": 1})
    assert "Waits for your answer" in customer.read("/offers/1")
    customer.post("/offers/1/accept", {"version": 1})
    assert "Ordered" in customer.read("/offers")
    manager.post("/orders/1/move", {"move": "confirm"})
    manager.post("/orders/1/move", {"move": "complete"})
    with offered.network.database.session(offered.network.scope()) as session:
        order = session.scalars(select(Order)).one()
        assert (order.state, order.amount_minor) == ("done", 500_000)
    assert read_offer(offered).done_at is not None


def test_a_stale_form_is_refused_and_the_new_version_shown(offered):
    manager, customer = offered.as_("manager"), offered.as_("customer")
    manager.post("/offers/1/send", {"version": 1})
    customer.post("/offers/1/seen", {"version": 1})
    wording = {"version": 1, "title": "Drive", "description": "Cheaper.", "price": "4400"}
    manager.post("/offers/1/edit", wording)
    customer.post("/offers/1/accept", {"version": 1})
    page = customer.read("/offers/1")
    assert "The offer was changed meanwhile. Read what it says now, then answer." in page
    assert "€4,400.00" in page
    assert read_offer(offered).state == "sent"


def test_both_parties_are_told_that_the_machine_is_down(offered):
    manager, customer = offered.as_("manager"), offered.as_("customer")
    manager.post("/offers/1/send", {"version": 1})
    told = "An alarm or ticket is open on this machine."
    assert told not in customer.read("/offers/1")
    customer.post(f"/machines/{offered.network.asset}/report", {"text": "It hums."})
    assert f"{told} You can answer now" in customer.read("/offers/1")
    assert f"{told} Until it is closed, nothing is sent" in manager.read("/offers/1")
    customer.post("/offers/1/accept", {"version": 1})
    assert read_offer(offered).state == "accepted"
    assert told not in customer.read("/offers/1")


@pytest.mark.parametrize("fields", [{}, {"version": "x"}, {"version": "9" * 30}])
def test_an_answer_without_a_version_is_refused(offered, fields):
    offered.as_("manager").post("/offers/1/send", {"version": 1})
    offered.as_("customer").post("/offers/1/accept", fields)
    assert read_offer(offered).state == "sent"


def test_a_decline_tells_the_dealer_why(offered):
    manager, customer = offered.as_("manager"), offered.as_("customer")
    manager.post("/offers/1/send", {"version": 1})
    answer = {"version": 1, "reason": "too_expensive", "note": "Next year perhaps."}
    customer.post("/offers/1/decline", answer)
    page = manager.read("/offers/1")
    assert "Too expensive" in page
    assert "Next year perhaps." in page


def test_a_veto_without_a_reason_is_asked_for_one(offered):
    manager = offered.as_("manager")
    manager.post("/offers/1/veto", {"version": 1})
    assert "Choose a reason." in manager.read("/offers/1")
    manager.post("/offers/1/veto", {"reason": "no_capacity"})
    assert read_offer(offered).state == "vetoed"


@pytest.mark.parametrize("price", ["1", "99999", "much", ""])
def test_a_price_that_cannot_stand_is_told(offered, price):
    manager = offered.as_("manager")
    fields = {"version": 1, "title": "Drive", "description": "", "price": price}
    manager.post("/offers/1/edit", fields)
    page = manager.read("/offers/1")
    assert "mw-notice-stopped" in page
    assert read_offer(offered).version == 1


def test_a_customer_switches_offers_off_and_on(offered):
    customer = offered.as_("customer")
    assert "Switch offers off" in customer.read("/offers")
    customer.post("/offers/consent", {"given": "no"})
    assert "Switch offers on" in customer.read("/offers")
    customer.post("/offers/consent", {"given": "yes"})
    with offered.network.database.session(offered.network.scope("customer")) as session:
        given = session.scalars(select(OfferConsent)).all()
        assert [each.ended_at is None for each in given] == [False, True]


def test_technicians_have_no_offers(offered):
    assert offered.as_("technician").get("/offers").status_code == 403


def test_a_notice_leads_to_its_offer(offered):
    run_due(offered.network.database, offered.network.clock, HANDLERS)
    assert 'href="/offers/1"' in offered.as_("manager").read("/me")
