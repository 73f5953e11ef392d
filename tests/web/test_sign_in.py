"""Signing in and out, and what the session and its cookie are good for."""

import pytest
from sqlalchemy import select

from foundation.identity.guessing import MAX_FAILURES_PER_EMAIL_AND_ADDRESS
from foundation.identity.models import LoginSession, Person
from foundation.identity.sessions import IDLE_LIFE
from tests.web.visitor import find_token, sign_in

# What differs between the databases is tried in test_access_matrix, test_hostile and test_live.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def cookie(answer, name):
    return next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith(name))


def test_the_right_password_leads_home_and_to_a_page_of_the_role(site):
    visitor = site.visit()
    answer = sign_in(visitor, site.network.email("manager"))
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Service manager" in visitor.read("/")


@pytest.mark.parametrize("email", ["manager@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(site, email):
    answer = site.visit().post("/sign-in", {"email": email, "password": "not this one"})
    assert answer.status_code == 422
    assert "E-mail address or password is wrong." in answer.text


def test_after_too_many_guesses_the_answer_says_how_long_to_wait(site):
    visitor, email = site.visit(), site.network.email("manager")
    for _ in range(MAX_FAILURES_PER_EMAIL_AND_ADDRESS):
        sign_in(visitor, email, "wrong")
    answer = sign_in(visitor, email)
    assert answer.status_code == 422
    assert "Too many attempts from here. Wait 15 minutes" in answer.text


def test_a_browser_that_signed_in_before_is_not_locked_out_by_strangers(site):
    known, stranger, email = site.visit("manager"), site.visit(), site.network.email("manager")
    for number in range(60):
        address = {"REMOTE_ADDR": f"203.0.113.{number}"}
        fields = {"email": email, "password": "wrong"}
        stranger.post("/sign-in", fields, environ_base=address)
    known.post("/sign-out")
    known.token = find_token(known.read("/sign-in"))
    assert "Too many attempts" in sign_in(site.visit(), email).text
    assert sign_in(known, email).status_code == 303


def test_the_cookie_is_kept_from_scripts_and_other_sites(site):
    answer = sign_in(site.visit(), site.network.email("manager"))
    text = cookie(answer, "mw_login=")
    assert "HttpOnly" in text
    assert "SameSite=Lax" in text
    assert "Path=/" in text


def test_behind_https_all_cookies_are_bound_to_host_and_https(make_site):
    site = make_site(is_secure=True)
    client = site.app.test_client()
    page = client.get("/sign-in", base_url="https://localhost")
    fields = {
        "csrf_token": find_token(page.text),
        "email": site.network.email("manager"),
        "password": "correct horse battery",
    }
    answer = client.post("/sign-in", data=fields, base_url="https://localhost")
    assert answer.status_code == 303
    for text in (cookie(page, "__Host-mw_form="), cookie(answer, "__Host-mw_login=")):
        assert "Secure" in text
        assert "Path=/" in text
        assert "Domain" not in text


def test_each_sign_in_gives_a_new_token_and_no_token_stands_in_the_tables(site):
    tokens = set()
    for _ in range(2):
        answer = sign_in(site.visit(), site.network.email("manager"))
        tokens.add(cookie(answer, "mw_login=").split(";")[0].removeprefix("mw_login="))
    with site.network.transaction() as session:
        stored = set(session.scalars(select(LoginSession.token_hash)))
    assert len(tokens) == 2
    assert all(len(token) >= 32 for token in tokens)
    assert not tokens & stored


def test_signing_out_ends_the_session_on_the_server(site):
    visitor = site.visit("manager")
    token = visitor.client.get_cookie("mw_login").value
    assert visitor.post("/sign-out").status_code == 303
    visitor.client.set_cookie("mw_login", token)
    answer = visitor.get("/")
    assert (answer.status_code, answer.location) == (302, "/sign-in?next=/")


def test_a_session_that_was_idle_too_long_is_over(site):
    visitor = site.visit("manager")
    site.network.clock.advance(IDLE_LIFE.total_seconds() + 1)
    assert visitor.get("/").status_code == 302


def test_who_is_switched_off_is_out_at_the_next_request(site):
    visitor = site.visit("technician")
    with site.network.transaction() as session:
        session.get_one(Person, site.network.people["technician"]).is_active = False
    assert visitor.get("/").status_code == 302


def test_whoever_comes_without_signing_in_returns_to_the_page_they_wanted(site):
    visitor = site.visit()
    answer = visitor.get("/machines?state=watch")
    assert answer.location == "/sign-in?next=/machines?state%3Dwatch"
    page = visitor.read(answer.location)
    fields = {"next": "/machines?state=watch"}
    visitor.token = find_token(page)
    answer = sign_in(visitor, site.network.email("customer"), **fields)
    assert answer.location == "/machines?state=watch"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "//[evil",
    ],
)
def test_nobody_is_sent_to_another_site(site, target):
    answer = sign_in(site.visit(), site.network.email("customer"), next=target)
    assert answer.location == "/"


def test_a_script_without_sign_in_gets_a_short_401(site):
    answer = site.visit().get("/live/poll", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json["error"]["status"] == 401


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(site):
    here, there = site.visit("manager"), site.visit("manager")
    fields = {"present": "correct horse battery", "password": "a longer new password"}
    fields["end_others"] = "y"
    assert here.post("/me/password", fields).status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302


def test_a_new_password_needs_the_present_one(site):
    fields = {"present": "not mine", "password": "a longer new password"}
    answer = site.visit("manager").post("/me/password", fields)
    assert answer.status_code == 422
    assert "This is not your present password." in answer.text
