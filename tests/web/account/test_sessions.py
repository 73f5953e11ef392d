"""Sessions in the portal: the person ends them, an administrator ends them, streams close."""

import time

import pytest
from sqlalchemy import delete

from foundation.identity.models import Membership, Person
from tests.web.visitor import find_token
from web.portal import live

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_a_person_sees_where_they_are_signed_in_and_ends_it(site):
    here, there = site.visit("manager"), site.visit("manager")
    page = here.read("/me/security")
    assert page.count("/me/sessions/") == 2  # the other one, and all others
    assert here.post("/me/sessions/2/end").status_code == 303
    assert (here.get("/").status_code, there.get("/").status_code) == (200, 302)


def test_a_person_ends_all_others_at_once(site):
    here, there = site.visit("manager"), site.visit("manager")
    assert here.post("/me/sessions/end-others").status_code == 303
    assert (here.get("/").status_code, there.get("/").status_code) == (200, 302)


def test_an_administrator_signs_a_person_out(site):
    visitor, person = site.visit("technician"), site.network.people["technician"]
    path = f"/administration/people/{person}"
    assert "Where the person is signed in" in site.as_("manager").read(path)
    assert site.as_("manager").post(f"{path}/sessions/end").status_code == 303
    assert visitor.get("/").status_code == 302


def test_who_loses_the_role_is_out_at_the_next_request(site):
    visitor, person = site.visit("technician"), site.network.people["technician"]
    path = f"/administration/people/{person}/roles/take"
    assert site.as_("manager").post(path, {"role": "technician"}).status_code == 303
    assert visitor.get("/").status_code == 302


def take_role(session, person_id):
    session.execute(delete(Membership).where(Membership.person_id == person_id))


def switch_off(session, person_id):
    session.get_one(Person, person_id).is_active = False


@pytest.mark.parametrize("change", [take_role, switch_off])
def test_an_open_stream_closes_soon_after_its_right_ends(site, monkeypatch, change):
    assert live.RECHECK_S + live.HEARTBEAT_S <= 30
    monkeypatch.setattr(live, "RECHECK_S", 0.1)
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.1)
    stream = iter(site.visit("technician").get("/live", buffered=False).response)
    assert b"retry" in next(stream)
    assert next(stream)
    with site.network.transaction() as session:
        change(session, site.network.people["technician"])
    began = time.monotonic()
    assert all(part for part in stream)
    assert time.monotonic() - began < 5


def test_the_password_changes_and_other_sessions_go_on_where_wanted(site):
    here, there = site.visit("manager"), site.visit("manager")
    fields = {"present": "correct horse battery", "password": "a longer new password"}
    assert here.post("/me/password", fields).status_code == 303
    here.token = find_token(here.read("/me/security"))
    assert (here.get("/").status_code, there.get("/").status_code) == (200, 200)
