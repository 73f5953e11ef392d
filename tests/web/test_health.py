"""Live and ready differ, and the numbers are for those who may read them."""

import pytest

from foundation.database import open_database

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
TOKEN = "t" * 40
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.mark.parametrize("part", ["schema", "store", "broker", "worker"])
def test_a_part_that_waits_makes_the_portal_unready_and_leaves_it_alive(make_site, part):
    browser = make_site(check_parts=lambda: {"other": True, part: False}).app.test_client()
    answer = browser.get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json["parts"] == {"database": "ready", "other": "ready", part: "waiting"}
    assert browser.get("/healthz/live").status_code == 200


def test_without_its_database_it_is_alive_and_not_ready(make_site, tmp_path):
    away = open_database(f"sqlite:///{tmp_path}/missing/millwright.db")
    browser = make_site(database=away).app.test_client()
    answer = browser.get("/healthz/ready")
    assert (answer.status_code, answer.json["parts"]) == (503, {"database": "waiting"})
    assert browser.get("/healthz/live").status_code == 200
    away.close()


def test_a_portal_that_ends_takes_no_more_requests(make_site):
    site = make_site()
    assert site.app.test_client().get("/healthz/ready").status_code == 200
    site.runtime.stop.set()
    assert site.app.test_client().get("/healthz/ready").status_code == 503


@pytest.mark.parametrize(
    ("token", "environ", "header", "status"),
    [
        ("", {}, None, 200),
        ("", {"REMOTE_ADDR": "::1"}, None, 200),
        ("", ELSEWHERE, None, 404),
        ("", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, None, 404),
        ("", {"HTTP_FORWARDED": "for=127.0.0.1"}, None, 404),
        (TOKEN, {}, None, 404),
        (TOKEN, {}, f"Bearer {TOKEN}", 200),
        (TOKEN, ELSEWHERE, f"Bearer {TOKEN}", 200),
        (TOKEN, ELSEWHERE, f"Bearer {TOKEN}x", 404),
        (TOKEN, ELSEWHERE, "Bearer schl\u00fcssel", 404),
        (TOKEN, ELSEWHERE, TOKEN, 404),
    ],
)
def test_numbers_are_for_the_token_or_this_machine(make_site, token, environ, header, status):
    site = make_site(metrics_token=token, render_metrics=lambda: b"millwright_ready 1\n")
    headers = {} if header is None else {"Authorization": header}
    browser = site.app.test_client()
    answer = browser.get("/metrics", environ_base=environ, headers=headers)
    assert answer.status_code == status
    assert ("millwright_ready 1" in answer.text) is (status == 200)
