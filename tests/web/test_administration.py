"""Entering machines, organisations and people, one by one and as lists; the quarantine."""

import io
import re

import pytest

from tests.network import PASSWORD
from tests.web.visitor import sign_in

# What differs between the databases is tried in test_access_matrix, test_hostile and test_live.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

MACHINE = {
    "equipment_model": "pump",
    "serial": "P-0003",
    "name": "Cooling pump",
    "customer": "Harbour Foods",
    "dealer": "North Service",
    "site": "Plant 2",
    "time_zone": "Europe/Berlin",
    "device": "pump-3",
    "commissioned_on": "2026-01-15",
    "is_critical": "y",
}
HEADER = "equipment_model,serial,customer,dealer,site\n"


def upload(text):
    content = text if isinstance(text, bytes) else text.encode()
    return {"file": (io.BytesIO(content), "list.csv")}


@pytest.fixture
def maker(lively):
    return lively.visit("maker")


def test_a_machine_is_entered_with_everything_around_it(maker, lively):
    answer = maker.post("/administration/machines", MACHINE)
    assert (answer.status_code, answer.location) == (303, "/machines/3")
    page = lively.visit("customer").read("/machines/3")
    for word in ("Cooling pump, Plant 2", "pump-3", "cannot do without it", "Never heard"):
        assert word in page


def test_a_machine_of_another_dealer_is_not_seen_by_this_one(maker, lively):
    maker.post("/administration/machines", MACHINE | {"dealer": "South Service"})
    assert lively.visit("manager").get("/machines/3").status_code == 404
    assert lively.visit("other_manager").get("/machines/3").status_code == 200


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"serial": ""}, "This is needed."),
        ({"serial": "P-0003", "site": ""}, "This is needed."),
        ({"customer": "Nobody"}, "Choose one of the list."),
        ({"time_zone": "Mars/Olympus"}, "is no time zone"),
        ({"device": "a/b"}, "is no device key"),
        ({"commissioned_on": "soon"}, "Write a date"),
        ({"name": "x" * 201}, "At most 200 characters."),
    ],
)
def test_a_fault_stands_in_the_form_and_nothing_is_stored(maker, changed, said):
    answer = maker.post("/administration/machines", MACHINE | changed)
    assert answer.status_code == 422
    assert said in answer.text
    assert maker.get("/machines/3").status_code == 404
    assert "Plant 2" not in maker.read("/administration/machines/new")


def test_a_machine_is_brought_up_to_date_but_keeps_model_and_serial(maker):
    fields = MACHINE | {"serial": "other", "equipment_model": "other", "dealer": "South Service"}
    assert maker.post("/administration/machines/1", fields).location == "/machines/1"
    page = maker.read("/machines/1")
    assert "Cooling pump" in page
    assert "P-0001" in page
    assert "South Service" in page


def test_each_row_of_a_list_has_its_result(maker):
    rows = (
        "pump,P-0010,Harbour Foods,North Service,Plant 1\n"
        "pump,P-0011,Nobody Ltd,North Service,Plant 1\n"
        "pump,P-0001,Harbour Foods,North Service,Plant 9\n"
    )
    answer = maker.post("/administration/machines/import", upload(HEADER + rows))
    assert answer.status_code == 200
    assert "2 of 3 rows taken in" in answer.text
    assert "no organisation named" in answer.text
    assert "brought up to date" in answer.text
    assert "1 machine for" in maker.read("/machines?q=P-0010")
    assert "No machine fits" in maker.read("/machines?q=P-0011")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Choose a file first."),
        ("serial\nP-1\n", "The header lacks the column"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (HEADER.encode() + b"a\x00b", "NUL"),
    ],
)
def test_a_file_that_is_no_list_is_refused(maker, content, said):
    answer = maker.post("/administration/machines/import", upload(content))
    assert answer.status_code == 422
    assert said in answer.text


def test_the_templates_can_be_imported_as_they_are(maker):
    for path in ("/administration/machines/template.csv", "/administration/people/template.csv"):
        answer = maker.get(path)
        assert answer.mimetype == "text/csv"
        assert len(answer.text.splitlines()) == 2


def test_a_person_is_entered_and_can_sign_in(lively):
    fields = {
        "name": "Kim",
        "email": "kim@example.com",
        "role": "technician",
        "password": PASSWORD,
    }
    manager = lively.visit("manager")
    assert manager.post("/administration/people", fields).status_code == 303
    assert "kim@example.com" in manager.read("/administration/people")
    assert sign_in(lively.visit(), "kim@example.com").status_code == 303


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"role": "manufacturer"}, "Choose one of the list."),
        ({"email": "no address"}, "is no e-mail address"),
        ({"email": "technician@example.com"}, "signs in with"),
        ({"password": "short"}, "A password has"),
    ],
)
def test_a_person_is_refused_in_words(lively, changed, said):
    fields = {"name": "Kim", "email": "kim@example.com", "role": "technician"}
    answer = lively.visit("manager").post("/administration/people", fields | changed)
    assert answer.status_code == 422
    assert said in answer.text


def test_nobody_enters_people_of_other_organisations(lively):
    rows = "organisation,kind,name,email,role\nSouth Service,dealer,Eve,eve@x.com,technician\n"
    answer = lively.visit("manager").post("/administration/people/import", upload(rows))
    assert "0 of 1 rows taken in" in answer.text
    assert "eve@x.com" not in lively.visit("other_manager").read("/administration/people")


def test_an_organisation_is_entered_once(maker):
    fields = {"kind": "dealer", "name": "West Service", "time_zone": "Europe/Lisbon"}
    assert maker.post("/administration/organisations", fields).status_code == 303
    answer = maker.post("/administration/organisations", fields)
    assert answer.status_code == 422
    assert "already" in answer.text


def test_an_unknown_device_leads_to_the_form_with_its_key(maker):
    page = maker.read("/administration/machines/new?device=ghost-7")
    assert 'value="ghost-7"' in page


def test_refused_messages_are_tried_again_after_a_fix(make_site, lively):
    tried = []

    def again(message):
        tried.append(message.topic)
        return True

    maker = make_site(reprocess=again).visit("maker")
    fault = {"source": "pump-1", "code": "unknown_metric"}
    answer = maker.post("/quarantine/reprocess", fault)
    assert answer.status_code == 303
    assert tried == ["mw/v1/pump-1/telemetry"]
    assert maker.get(answer.location).location == "/quarantine"
    page = maker.read("/quarantine")
    assert "1 message was stored." in page
    assert "Every message was understood." in page


def test_refused_messages_can_be_let_go(maker):
    fault = {"source": "pump-1", "code": "unknown_metric"}
    assert maker.post("/quarantine/dismiss", fault).location == "/quarantine"
    assert "1 message was dismissed." in maker.read("/quarantine")
    assert maker.post("/quarantine/dismiss", fault).status_code == 404


@pytest.fixture
def site_address(maker):
    return re.search(r"/administration/sites/\d+", maker.read("/administration/sites"))[0]


SITE = {"site": "Quay", "time_zone": "Europe/Lisbon"}


def test_a_site_is_brought_up_to_date(maker, site_address):
    where = {"latitude": "38.7", "longitude": "-9.1", "country": "pt", "address": "Cais 4"}
    assert maker.post(site_address, SITE | where).status_code == 303
    page = maker.read(site_address)
    assert {
        each for each in ("Quay", "-9.1", "PT", "Cais 4") if f'value="{each}"' not in page
    } == set()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time_zone": "Mars"}, "no time zone"),
        ({"country": "XYZ"}, "2 characters"),
        ({"latitude": "91", "longitude": "0"}, "between"),
        ({"latitude": "1"}, "longitude"),
        ({"site": " "}, "needs a name"),
    ],
)
def test_a_site_that_cannot_be_says_why(maker, site_address, wrong, said):
    answer = maker.post(site_address, SITE | wrong)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_site_does_not_take_the_name_of_another(maker, site_address):
    fields = {
        **MACHINE,
        "serial": "P-0009",
        "site": "Quay",
        "time_zone": "Europe/Lisbon",
        "device": "",
    }
    assert maker.post("/administration/machines", fields).status_code == 303
    answer = maker.post(site_address, SITE)
    assert (answer.status_code, "already" in answer.text) == (422, True)
