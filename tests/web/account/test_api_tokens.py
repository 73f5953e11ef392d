"""Tokens for scripts and the API that they open: shown once, for one purpose, in one's scope."""

import re

import pytest
from sqlalchemy import delete, select

from foundation.identity.api_tokens import ApiToken
from foundation.identity.models import Membership

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
EVERYTHING = ["assets:read", "readings:read", "tickets:read"]


def make(site, person="manager", scopes=EVERYTHING, days="30"):
    fields = {"name": "nightly report", "scopes": scopes, "days": days}
    page = site.as_(person).post("/me/tokens", fields)
    assert page.status_code == 200, page.text
    return re.search(r'value="(mw_[^"]+)"', page.text)[1]


def ask(site, path, token, **options):
    headers = {"Authorization": f"Bearer {token}"}
    return site.app.test_client().get(f"/api/v1{path}", headers=headers, **options)


def paths(site):
    return ["/assets", f"/assets/{site.network.asset}/readings", "/tickets"]


def test_a_token_reads_what_its_person_sees(lively):
    token = make(lively)
    assert [row["id"] for row in ask(lively, "/assets", token).json["rows"]] == [
        lively.network.asset
    ]
    found = ask(lively, f"/assets/{lively.network.asset}/readings?range=1h", token).json
    assert found["units"] == {"temperature": "Cel", "pressure": "bar"}
    assert len(ask(lively, "/tickets", token).json["rows"]) == 1


@pytest.mark.parametrize("person", ["other_manager", "other_customer", "rival"])
def test_a_stranger_reads_nothing_of_it_by_a_token(lively, person):
    token = make(lively, person)
    ids = [row["id"] for row in ask(lively, "/assets", token).json["rows"]]
    assert lively.network.asset not in ids
    assert ask(lively, f"/assets/{lively.network.asset}/readings", token).status_code == 404
    assert ask(lively, "/tickets", token).json["rows"] == []


@pytest.mark.parametrize("given", ["assets:read", "tickets:read"])
def test_a_token_opens_only_what_it_was_made_for(lively, given):
    token = make(lively, scopes=[given])
    opened = [path for path in paths(lively) if ask(lively, path, token).status_code == 200]
    assert opened == [f"/{given.split(':')[0]}"]


def test_a_cookie_opens_no_api_and_a_token_no_page(lively):
    visitor, token = lively.visit("manager"), make(lively)
    for path in paths(lively):
        answer = visitor.get(f"/api/v1{path}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.is_json
    headers = {"Authorization": f"Bearer {token}"}
    assert lively.app.test_client().get("/tickets", headers=headers).status_code == 302


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic bXc6", "Bearer mw_x", "mw_x"])
def test_what_is_no_live_token_is_refused_alike(site, header):
    client = site.app.test_client()
    answer = client.get("/api/v1/assets", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_revoked_an_expired_and_a_roleless_token_are_worth_nothing(site):
    revoked, expired = make(site), make(site)
    assert site.as_("manager").post("/me/tokens/1/revoke").status_code == 303
    assert ask(site, "/assets", revoked).status_code == 401
    assert ask(site, "/assets", expired).status_code == 200
    site.network.clock.advance(30 * 86_400)
    assert ask(site, "/assets", expired).status_code == 401


def test_who_lost_the_role_reads_nothing_any_more(site):
    token = make(site, "technician")
    with site.network.transaction() as session:
        person_id = site.network.people["technician"]
        session.execute(delete(Membership).where(Membership.person_id == person_id))
    assert ask(site, "/assets", token).status_code == 401


def test_the_list_shows_the_last_use_and_nothing_to_steal(site):
    token = make(site)
    ask(site, "/assets", token)
    page = site.as_("manager").read("/me/tokens")
    assert token[:9] in page
    assert token[9:] not in page
    with site.network.transaction() as session:
        found = session.scalar(select(ApiToken))
    assert found.used_at == site.network.clock.now()
    assert found.token_hash not in token


def test_nobody_revokes_somebody_elses_token(site):
    token = make(site)
    assert site.as_("technician").post("/me/tokens/1/revoke").status_code == 404
    assert ask(site, "/assets", token).status_code == 200


@pytest.mark.parametrize(
    "changed", [{"name": " "}, {"scopes": []}, {"scopes": ["all"]}, {"days": "4000"}]
)
def test_a_token_without_name_purpose_or_end_is_not_made(site, changed):
    fields = {"name": "x", "scopes": EVERYTHING, "days": "30"} | changed
    assert site.as_("manager").post("/me/tokens", fields).status_code == 422
