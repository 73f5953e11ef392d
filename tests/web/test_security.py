"""What guards every request and answer: headers, tokens, origins, hosts, sizes, faults."""

import sqlite3

import pytest
from flask import request

from foundation.errors import Unavailable
from tests.web.matrix import read_rows, things_of
from tests.web.visitor import Visitor, find_token
from web.auth import public
from web.security import HEADERS, MAX_BODY_BYTES

# What differs between the databases is tried in test_access_matrix, test_hostile and test_live.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

UNSAFE = [row for row in read_rows() if row.method == "POST"]
READING = [row for row in read_rows() if row.method == "GET"]


def assert_guarded(answer):
    for name, value in HEADERS.items():
        if name != "Cache-Control":
            assert answer.headers[name] == value, name
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Request-Id"]


def test_every_route_answers_with_all_headers(lively):
    visitor = lively.visit("maker")
    things = things_of(lively.network, "nothing-here.js")
    for row in READING:
        answer = visitor.get(row.address(things), buffered=False)
        answer.close()
        assert_guarded(answer)
        if row.path != "/static/dist/<path:file>":
            assert answer.headers["Cache-Control"] == "no-store", row.path


def test_errors_and_refusals_have_the_headers_as_well(lively):
    visitor = lively.visit("customer")
    answers = {
        404: visitor.get("/nothing"),
        405: visitor.client.delete("/machines"),
        403: visitor.post("/quarantine/dismiss"),
        422: visitor.post("/me/password"),
        413: visitor.post("/me/password", {"present": "x" * (2 * 1024 * 1024)}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert_guarded(answer)


def test_browsers_are_held_to_https_where_it_is_used(make_site):
    answer = make_site(is_secure=True).app.test_client().get("/sign-in")
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"


def test_files_with_a_hash_in_their_name_are_kept_for_good(site):
    address = site.app.jinja_env.globals["asset"]
    with site.app.test_request_context():
        path = address("site.css")
    answer = site.app.test_client().get(path)
    answer.close()
    assert_guarded(answer)
    assert "immutable" in answer.headers["Cache-Control"]
    assert "no-store" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "text/plain"])
def test_no_change_without_a_token(lively, form):
    things = things_of(lively.network, "")
    visitor = lively.visit("maker")
    # A device claims its password by a code, without a browser and its cookies.
    for row in (each for each in UNSAFE if each.path != "/claim"):
        answer = visitor.client.post(row.address(things), data="x=1", content_type=form)
        assert answer.status_code == 403, row.path
    assert visitor.get("/").status_code == 200


def test_another_persons_token_is_worth_nothing(lively):
    theirs = lively.visit("customer").token
    visitor = lively.visit("manager")
    answer = visitor.client.post("/me/notices/read", data={"csrf_token": theirs})
    assert answer.status_code == 403


def test_a_token_from_before_signing_in_is_worth_nothing_after(site):
    early = site.visit()
    before = early.token
    late = Visitor(early.client, before)
    assert late.post("/sign-in", credentials(site)).status_code == 303
    assert late.post("/me/notices/read").status_code == 403
    late.token = find_token(late.read("/me"))
    assert late.post("/me/notices/read").status_code == 303


def credentials(site):
    return {"email": site.network.email("manager"), "password": "correct horse battery"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://[evil"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_another_site_changes_nothing_even_with_a_token(site, headers):
    answer = site.as_("manager").post("/me/notices/read", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}]
)
def test_ones_own_page_may_change_things(site, headers):
    assert site.as_("manager").post("/me/notices/read", headers=headers).status_code == 303


def test_a_script_sends_its_token_in_a_header(site):
    visitor = site.visit("manager")
    headers = {"X-CSRFToken": visitor.token, "HX-Request": "true"}
    assert visitor.client.post("/me/notices/read", headers=headers).status_code == 303


def test_hosts_that_are_not_ours_are_refused_without_a_page(make_site):
    client = make_site(trusted_hosts=("localhost", "portal.example")).app.test_client()
    assert client.get("/sign-in", base_url="http://portal.example:8000").status_code == 200
    for method in (client.get, client.post):
        answer = method("/sign-in", base_url="http://evil.example")
        assert answer.status_code == 400
        assert answer.text == "This address is not one of this portal's.\n"
        assert_guarded(answer)


def test_a_fault_shows_a_number_and_nothing_of_its_inside(make_site, lively, capsys):
    def fail(_message):
        raise RuntimeError("secret inside, SELECT 1")

    visitor = Visitor(make_site(reprocess=fail).app.test_client())
    visitor.token = find_token(visitor.read("/sign-in"))
    fields = {"email": "maker@example.com", "password": "correct horse battery"}
    visitor.post("/sign-in", fields)
    visitor.token = find_token(visitor.read("/me"))
    answer = visitor.post("/quarantine/reprocess", {"source": "pump-1", "code": "unknown_metric"})
    assert answer.status_code == 500
    assert_guarded(answer)
    assert answer.headers["X-Request-Id"] in answer.text
    for word in ("secret", "SELECT", "Traceback", "RuntimeError", "Werkzeug", "Flask"):
        assert word not in answer.text
    assert "secret inside" in capsys.readouterr().out


def test_a_store_that_is_away_is_said_to_scripts_with_a_time_to_come_back(make_site, lively):
    class Away:
        def buckets(self, *_, **__):
            raise Unavailable("the store is closed: /data/telemetry.duckdb")

    site = make_site(store=Away())
    answer = site.visit("customer").get(
        f"/machines/{lively.network.asset}/chart", headers={"Accept": "application/json"}
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "duckdb" not in answer.text


def test_a_database_that_is_locked_answers_503_and_keeps_nothing(lively):
    visitor, engine = lively.visit("customer"), lively.network.database.engine
    if engine.dialect.name != "sqlite":
        pytest.skip("only SQLite has one writer")
    holder = sqlite3.connect(engine.url.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = visitor.post(f"/machines/{lively.network.asset}/report")
    holder.execute("ROLLBACK")
    holder.close()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "locked" not in answer.text


def test_bodies_have_a_limit(site):
    visitor = site.visit("manager")
    answer = visitor.client.post(
        "/administration/people/import",
        data=b"x" * (MAX_BODY_BYTES + 1),
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 413
    assert "The file is too large" in answer.text


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
}


def test_what_claims_to_be_a_proxy_is_not_believed(make_site):
    site = make_site()
    site.app.add_url_rule("/who", "who", public(lambda: f"{request.remote_addr} {request.url}"))
    answer = site.app.test_client().get("/who", headers=FORWARDED)
    assert answer.text == "127.0.0.1 http://localhost/who"


def test_a_configured_proxy_is_believed_once_and_its_host_still_checked(make_site):
    site = make_site(proxies=1, trusted_hosts=("portal.example",))
    site.app.add_url_rule("/who", "who", public(lambda: f"{request.remote_addr} {request.url}"))
    client = site.app.test_client()
    assert client.get("/who", headers=FORWARDED).status_code == 400
    headers = FORWARDED | {
        "X-Forwarded-Host": "portal.example",
        "X-Forwarded-For": "198.51.100.1, 203.0.113.9",
    }
    answer = client.get("/who", headers=headers)
    assert answer.text == "203.0.113.9 https://portal.example/who"


def test_a_form_cookie_of_an_earlier_key_is_still_read(make_site):
    old, new = "an earlier key of the tests, quite long", "the present key of the tests, long too"
    before = make_site(secret_key=old).visit()
    cookie = before.client.get_cookie("mw_form").value
    for earlier, is_read in (((old,), True), ((), False)):
        site = make_site(secret_key=new, earlier_keys=earlier)
        client = site.app.test_client()
        client.set_cookie("mw_form", cookie)
        client.get("/sign-in")
        with client.session_transaction() as held:
            assert (held["csrf_token"] == token_in(before)) == is_read


def token_in(visitor):
    with visitor.client.session_transaction() as held:
        return held["csrf_token"]
