"""Codes from the phone in the portal: setting up, signing in, what the organisation asks for."""

import re

import pyotp
import pytest

from tests.web.visitor import find_token
from web.auth import CONFIRMED_FOR

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
WORDS = {"password": "correct horse battery"}


def set_up(site, visitor):
    """Adds a code maker as a person does; returns it and the recovery codes."""
    assert visitor.post("/me/second-factor/begin").status_code == 303
    page = visitor.read("/me/second-factor")
    assert "<svg" in page
    phone = pyotp.TOTP(re.search(r"<code data-secret>(\w+)</code>", page)[1])
    code = {"code": phone.at(site.network.clock.now())}
    page = visitor.post("/me/second-factor/confirm", code).text
    site.network.clock.advance(60)
    return phone, re.findall(r"<li><code>([^<]+)</code>", page)


def begin_sign_in(site, person="technician"):
    visitor = site.visit()
    fields = {"email": site.network.email(person), "next": "/tickets"}
    answer = visitor.post("/sign-in", fields | WORDS)
    assert answer.location == "/sign-in/code?next=/tickets"
    assert visitor.get("/").status_code == 302
    visitor.token = find_token(visitor.read(answer.location))
    return visitor


def test_signing_in_takes_password_and_code(site):
    phone, _ = set_up(site, site.visit("technician"))
    visitor = begin_sign_in(site)
    waiting = visitor.client.get_cookie("mw_login").value
    fields = {"code": phone.at(site.network.clock.now()), "next": "/tickets"}
    assert visitor.post("/sign-in/code", fields).location == "/tickets"
    assert visitor.client.get_cookie("mw_login").value != waiting
    assert visitor.get("/tickets").status_code == 200


def test_a_wrong_or_used_code_is_refused(site):
    phone, _ = set_up(site, site.visit("technician"))
    visitor, code = begin_sign_in(site), {"code": phone.at(site.network.clock.now())}
    assert visitor.post("/sign-in/code", {"code": "1"}).status_code == 422
    assert visitor.post("/sign-in/code", code).status_code == 303
    assert begin_sign_in(site).post("/sign-in/code", code).status_code == 422


def test_a_recovery_code_stands_in(site):
    _, codes = set_up(site, site.visit("technician"))
    assert len(codes) == 10
    answer = begin_sign_in(site).post("/sign-in/code", {"code": codes[3]})
    assert answer.status_code == 303


def test_changing_it_needs_a_fresh_sign_in_or_the_password_again(site):
    visitor = site.visit("technician")
    site.network.clock.advance(CONFIRMED_FOR.total_seconds() + 1)
    assert "/me/confirm?next=" in visitor.post("/me/second-factor/begin").location
    assert visitor.post("/me/confirm", {"password": "wrong"}).status_code == 422
    answer = visitor.post("/me/confirm", WORDS | {"next": "/me/second-factor"})
    assert answer.location == "/me/second-factor"
    assert visitor.post("/me/second-factor/begin").status_code == 303
    assert "<svg" in visitor.read("/me/second-factor")


def test_staff_of_an_organisation_that_asks_for_it_set_it_up_first(site):
    manager, technician = site.visit("manager"), site.visit("technician")
    fields = {"required": "yes"}
    assert manager.post("/administration/sign-in/second-factor", fields).status_code == 303
    assert technician.get("/tickets").location == "/me/second-factor"
    assert technician.get("/live").location == "/me/second-factor"
    set_up(site, technician)
    assert technician.get("/tickets").status_code == 200


def test_other_organisations_are_not_asked(site):
    site.visit("manager").post("/administration/sign-in/second-factor", {"required": "yes"})
    assert site.visit("other_technician").get("/tickets").status_code == 200


def test_a_page_that_shows_a_secret_is_stored_nowhere(site):
    visitor = site.visit("technician")
    visitor.post("/me/second-factor/begin")
    assert visitor.get("/me/second-factor").headers["Cache-Control"] == "no-store"
