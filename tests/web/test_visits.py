"""Planned visits and money at stake on the pages: who sees what, and in whose time."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from services.triage.triage import run_triage
from telemetry.alarms.lifecycle import raise_alarm
from telemetry.alarms.models import Severity

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

TICKET = "/tickets/1"


def fields(site, *, days=1, begins="09:00", ends="11:00"):
    day = site.network.clock.now().astimezone(ZoneInfo("Europe/Berlin")) + timedelta(days=days)
    return {"day": day.date().isoformat(), "from": begins, "to": ends}


@pytest.fixture
def planned(lively):
    """The technician is to come tomorrow from nine to eleven."""
    manager = lively.as_("manager")
    manager.post(f"{TICKET}/assign", {"person": str(lively.network.people["technician"])})
    assert manager.post(f"{TICKET}/visit", fields(lively)).status_code == 303
    return lively


def test_a_customer_knows_who_comes_when(planned):
    visitor = planned.as_("customer")
    for page in (visitor.read("/"), visitor.read(TICKET)):
        assert "Technician comes" in page
        assert "9:00" in page
        assert "Plan a visit" not in page
    assert "A visit is planned" in visitor.read(TICKET)


def test_a_technicians_day_begins_with_the_next_visit(planned):
    page = planned.as_("technician").read("/")
    assert page.index("Next:") < page.index("9:00") < page.index("What to bring")


def test_a_manager_sees_who_goes_where(planned):
    page = planned.as_("manager").read("/")
    assert page.index("open tickets in hand") < page.index("9:00")


def test_a_visit_is_moved_and_taken_back_on_the_page(planned):
    technician = planned.as_("technician")
    technician.post(f"{TICKET}/visit", fields(planned, days=2, begins="13:00", ends="15:30"))
    page = technician.read(TICKET)
    assert "The visit is moved to" in page
    assert 'value="13:00"' in page
    technician.post(f"{TICKET}/visit", {"take_back": "yes"})
    assert "The planned visit does not take place." in technician.read(TICKET)
    assert "Technician comes" not in planned.as_("customer").read("/")


def test_who_did_not_come_in_time_is_not_announced(planned):
    planned.network.clock.advance(3 * 86_400)
    assert "has not begun" in planned.visit("customer").read(TICKET)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ends": "08:00"}, "The visit must end after it begins."),
        ({"days": -3}, "The visit would be over already."),
        ({"begins": "soon"}, "Give the day of the visit and both times."),
    ],
)
def test_times_that_do_not_fit_are_refused_in_words(planned, changed, said):
    manager = planned.as_("manager")
    manager.post(f"{TICKET}/visit", fields(planned, **changed))
    assert said in manager.read(TICKET)


@pytest.fixture
def costly(lively):
    """An alarm with a known cause joins the ticket; its repair's costs are known."""
    network, at = lively.network, lively.network.clock.now()
    with network.transaction() as session:
        raise_alarm(
            session,
            asset_id=network.asset,
            condition="limit:temperature:high:serious",
            detector="limit",
            severity=Severity.SERIOUS,
            started_at=at,
            raised_at=at,
            evidence={"metrics": [{"metric": "temperature", "share": 1.0}]},
        )
        run_triage(session, at=at)
    return lively


def test_what_is_at_stake_is_told_with_its_arithmetic_but_not_to_the_customer(costly):
    sum_of_all = "At stake: €1,110.00 on 1 open ticket."
    assert sum_of_all in costly.visit("manager").read("/")
    for person in ("manager", "technician", "maker"):
        page = costly.visit(person).read(TICKET)
        assert "At stake are €1,200.00 − €90.00 = €1,110.00." in page
        assert "€1,110.00" in costly.visit(person).read("/tickets")
    customer = costly.visit("customer")
    for address in ("/", "/tickets", TICKET):
        page = customer.read(address)
        assert "1,110" not in page
        assert "At stake" not in page


def test_an_unknown_cost_is_said_to_be_unknown(lively):
    manager = lively.visit("manager")
    assert "What is at stake is not known of any open ticket." in manager.read("/")
    assert "unknown" in manager.read("/tickets")


def test_the_catalogue_shows_what_a_repair_costs_now_and_once_it_failed(lively):
    page = lively.visit("maker").read("/catalogue/pump")
    assert "€90.00" in page
    assert "€1,200.00" in page
