"""Every route with every role and with strangers, against the reviewed table."""

from pathlib import Path

import pytest

from tests.web.matrix import NOBODY, ROLES, STRANGERS, read_rows, things_of

ROWS = read_rows()


@pytest.fixture
def own_things(lively, person):
    """Addresses of what the network's own people see, with a view that one in the role keeps."""
    folder = Path(__file__).parents[2] / "web/static/dist"
    styles = sorted(folder.glob("site-*.css"))
    assert styles, "build the front end first: python hatch_build.py"
    keeper = STRANGERS.get(person, person)
    return things_of(lively.network, styles[0].name, lively.views.get(keeper, NOBODY))


def send(visitor, row, address):
    if row.method == "GET":
        return visitor.get(address, buffered=False)
    return visitor.post(address, row.form)


def ask(visitor, row, address):
    # Each request in a context of its own, and no stream is left open.
    answer = send(visitor, row, address)
    answer.close()
    return answer.status_code


def test_every_route_has_its_row(site):
    rules = {
        (rule.rule, method)
        for rule in site.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert rules == {(row.path, row.method) for row in ROWS}


@pytest.mark.parametrize("person", ["anonymous", *ROLES, *STRANGERS])
def test_everybody_gets_what_the_table_says(lively, own_things, person):
    visitor = lively.visit(None if person == "anonymous" else person)
    wrong = {}
    for row in ROWS:
        got = ask(visitor, row, row.address(own_things))
        if got != row.expected(person):
            wrong[row.method, row.path] = f"{got}, not {row.expected(person)}"
    assert wrong == {}


@pytest.mark.parametrize("person", STRANGERS)
def test_what_is_foreign_cannot_be_told_from_what_does_not_exist(lively, own_things, person):
    visitor = lively.visit(person)
    nothing = own_things | {
        "asset_id": NOBODY,
        "device_id": NOBODY,
        "ticket_id": NOBODY,
        "message_id": NOBODY,
        "offer_id": NOBODY,
        "order_id": NOBODY,
        "rule_id": NOBODY,
        "view_id": NOBODY,
        "person_id": NOBODY,
        "key": "no_such_model",
    }
    for row in ROWS:
        if not row.names_a_thing or STRANGERS[person] not in row.who:
            continue
        foreign = send(visitor, row, row.address(own_things))
        missing = send(visitor, row, row.address(nothing))
        assert strip_number(foreign) == strip_number(missing), row.path


def strip_number(answer):
    """The answer without what differs from request to request by itself."""
    number = answer.headers.get("X-Request-Id", "")
    lines = answer.text.replace(number, "").splitlines()
    return answer.status_code, [line for line in lines if "csrf" not in line.lower()]


def test_an_id_that_no_database_could_hold_is_no_address(lively):
    visitor = lively.visit("manager")
    for number in ("0", "-1", str(2**63), "9" * 400, "1e3", "one"):
        assert visitor.get(f"/tickets/{number}").status_code == 404
        assert visitor.get(f"/machines/{number}").status_code == 404


def test_a_foreign_machine_cannot_be_watched_by_its_number_in_a_query(lively):
    visitor = lively.visit("other_customer")
    for number in (lively.network.asset, NOBODY, 2**70, -1):
        assert visitor.get(f"/live/poll?asset={number}").status_code == 404


def test_a_stranger_cannot_be_made_responsible(lively):
    visitor = lively.visit("manager")
    stranger = lively.network.people["other_technician"]
    visitor.post("/tickets/1/assign", {"person": stranger})
    page = visitor.read("/tickets/1")
    assert "Choose a person of your own organisation." in page
    assert "Other Technician" not in page


def test_a_customer_cannot_set_what_is_not_theirs_by_further_fields(lively):
    visitor = lively.visit("customer")
    fields = {"text": "Loud", "priority": "1", "dealer_id": "1", "state": "closed"}
    visitor.post(f"/machines/{lively.network.asset}/report", fields)
    page = lively.visit("manager").read("/tickets/1")
    assert "P3 Normal" in page
    assert "North Service" in page
