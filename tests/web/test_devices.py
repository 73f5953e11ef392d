"""Devices in the portal: passwords and codes shown once, claims, lists, what was refused."""

import base64
import io
import re

import pytest

from devices.security.claims import MAX_FAILURES_PER_GUESSER, make_code
from devices.security.credentials import list_broker_users
from devices.security.denials import Denial, record_denial
from devices.security.hashing import is_password

# What differs between the databases is tried in test_access_matrix and in tests/devices.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PUMP = "/administration/devices/1"


@pytest.fixture
def maker(lively):
    return lively.visit("maker")


def codes_on(page):
    return re.findall(r"<code>([^<]+)</code>", page)


def users(site):
    with site.network.database.session(site.network.scope()) as session:
        return {each.user: each for each in list_broker_users(session, site.network.clock.now())}


def print_label(maker, device, purpose):
    fields = {"purpose": purpose, "life": "1d"}
    answer = maker.post(f"/administration/devices/{device}/code", fields)
    assert answer.status_code == 200
    (code,) = codes_on(answer.text)
    return code, answer.text


def register(maker, key):
    answer = maker.post("/administration/devices", {"device": key})
    assert answer.status_code == 303
    return int(answer.location.rsplit("/", 1)[1])


def test_a_password_is_shown_on_the_answer_and_never_again(maker, lively):
    answer = maker.post(f"{PUMP}/credential", {"overlap": "0"})
    user, password = codes_on(answer.text)
    assert is_password(password, users(lively)[user].password_hash)
    assert answer.headers["Cache-Control"] == "no-store"
    assert password not in maker.read(PUMP)
    assert users(lively)[user].password_hash not in maker.read(PUMP)


def test_the_dealer_rotates_and_revokes(lively):
    manager = lively.visit("manager")
    manager.post(f"{PUMP}/credential", {"overlap": "0"})
    answer = manager.post(f"{PUMP}/credential", {"overlap": "1d"})
    assert codes_on(answer.text)[0] == "pump-1~2"
    assert manager.post(f"{PUMP}/revoke").status_code == 303
    assert users(lively) == {}
    page = manager.read(PUMP)
    assert "has no password" in page
    assert "Claim code" not in page


def test_a_label_has_its_picture_and_no_script_or_style(maker):
    code, page = print_label(maker, 1, "machine")
    picture = re.search(r"<svg[^>]*segno.*?</svg>", page, re.DOTALL)[0]
    assert "style" not in picture
    assert "script" not in picture
    assert code not in maker.read(PUMP)


@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_whoever_mounts_it_says_on_which_machine(maker, lively, person):
    code, _ = print_label(maker, register(maker, "box-1"), "machine")
    visitor = lively.visit(person)
    assert code in visitor.read(f"/devices/claim?code={code}")
    fields = {"code": code.lower(), "serial": "P-0001"}
    assert visitor.post("/devices/claim", fields).location == "/machines/1"
    assert "box-1" in visitor.read("/machines/1")
    again = visitor.post("/devices/claim", fields)
    assert again.status_code == 422
    assert "wrong, used or over" in again.text


def test_a_foreign_machine_is_no_machine(maker, lively):
    code, _ = print_label(maker, register(maker, "box-1"), "machine")
    fields = {"code": code, "serial": "P-0001"}
    answer = lively.visit("other_customer").post("/devices/claim", fields)
    assert answer.status_code == 422
    assert "is no machine of yours" in answer.text


def test_guesses_in_the_portal_are_stopped(lively):
    visitor = lively.visit("customer")
    for _ in range(MAX_FAILURES_PER_GUESSER):
        fields = {"code": make_code(), "serial": "P-0001"}
        assert "wrong, used or over" in visitor.post("/devices/claim", fields).text
    answer = visitor.post("/devices/claim", {"code": make_code(), "serial": "P-0001"})
    assert "Too many attempts" in answer.text


def test_a_device_gets_its_password_once_by_its_code(maker, lively):
    code, _ = print_label(maker, 1, "credential")
    device = lively.app.test_client()
    given = device.post("/claim", json={"code": code}).get_json()
    assert (given["device"], given["user"]) == ("pump-1", "pump-1")
    assert is_password(given["password"], users(lively)["pump-1"].password_hash)
    again = device.post("/claim", json={"code": code})
    assert again.status_code == 422
    assert "password" not in again.get_json()


def test_a_devices_guesses_are_stopped_for_its_address_alone(maker, lively):
    code, _ = print_label(maker, 1, "credential")
    device = lively.app.test_client()
    for _ in range(MAX_FAILURES_PER_GUESSER):
        assert device.post("/claim", data={"code": make_code()}).status_code == 422
    assert device.post("/claim", data={"code": code}).status_code == 403
    other = {"REMOTE_ADDR": "127.0.0.2"}
    assert device.post("/claim", data={"code": code}, environ_base=other).status_code == 200


def test_no_password_leaves_in_clear(lively):
    far = {"REMOTE_ADDR": "192.0.2.7"}
    answer = lively.app.test_client().post("/claim", json={"code": "x"}, environ_base=far)
    assert answer.status_code == 403


@pytest.mark.parametrize("given", [[], "x", {"code": 7}, {"code": ""}, {"code": "x" * 61}, {}])
def test_what_is_no_code_is_refused(lively, given):
    assert lively.app.test_client().post("/claim", json=given).status_code == 422


def test_a_list_of_devices_has_its_results_and_its_passwords_once(maker, lively):
    rows = "device,serial,equipment_model\nbox-1,P-0001,pump\nbad key,,\n"
    fields = {"file": (io.BytesIO(rows.encode()), "devices.csv")}
    answer = maker.post("/administration/devices/import", fields)
    assert "1 of 2 rows taken in" in answer.text
    file = re.search(
        r'href="data:text/csv;base64,([^"]+)" download="credentials.csv"', answer.text
    )
    lines = base64.b64decode(file[1]).decode().splitlines()
    assert lines[0] == "device,user,password"
    device, user, password = lines[1].split(",")
    assert (device, user) == ("box-1", "box-1")
    assert is_password(password, users(lively)["box-1"].password_hash)
    assert "box-1" in maker.read("/administration/devices?q=box")


def test_a_gateway_is_named_on_both_pages(maker, lively):
    gateway = register(maker, "gate-1")
    assert maker.post(f"{PUMP}/gateway", {"gateway": "gate-1"}).status_code == 303
    assert "Speaks for pump-1 as well" in maker.read(f"/administration/devices/{gateway}")
    assert "gate-1" in maker.read(PUMP)
    answer = maker.post(f"{PUMP}/gateway", {"gateway": "pump-1"})
    assert answer.status_code == 422
    assert "cannot be a gateway" in answer.text


def test_what_was_refused_is_read_by_the_manufacturer_alone(maker, lively):
    with lively.network.transaction() as session:
        at = lively.network.clock.now()
        record_denial(session, Denial("pump-1", "publish", "mw/v1/<b>/x", 3), at=at)
    for path in ("/administration/devices/denials", PUMP):
        assert "mw/v1/&lt;b&gt;/x" in maker.read(path)
    assert "mw/v1/&lt;b&gt;/x" not in lively.visit("manager").read(PUMP)
    assert "Nothing was refused" in lively.visit("rival").read("/administration/devices/denials")


def test_a_machines_page_leads_to_its_devices(lively):
    assert "/administration/devices?asset=1" in lively.visit("manager").read("/machines/1")
    page = lively.visit("manager").read("/administration/devices?asset=1")
    assert "pump-1" in page
    assert "/devices/claim?serial=P-0001" in lively.visit("customer").read("/machines/1")
