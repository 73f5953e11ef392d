"""Hostile texts in every field and query: refused or shown as text, never a fault."""

import pytest

from tests.web.matrix import read_rows, things_of

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "template": "{{ 7 * 7 }}{% raw %}",
    "quotes": "\"'><img src=x onerror=alert(1)>",
    "nul": "a\x00b",
    "bidi": "abc\u202egnp.exe\u2066",
    "surrogate": "\ud800",
    "lines": "a\r\nSet-Cookie: x=1\r\n\r\nb",
    "formula": "=cmd|' /C calc'!A0",
    "long": "x" * 1_000_000,
    "huge number": "9" * 400,
    "negative": "-1",
    "not a number": "NaN",
    "infinite": "1e999",
    "path": "../../etc/passwd",
    "empty": "",
    "spaces": " \t\u00a0\u2003 ",
    "digits of another script": "\u0663\u00b2",
}
FIELDS = (
    "email password next present text is_stopped equipment_model serial name customer dealer site "
    "time_zone device commissioned_on is_critical kind role file signal metric unit scale offset "
    "device_key failure_mode failure_cause note verdict_1 threshold_0 hysteresis_0 on_delay_s_0 "
    "move person audience source code"
).split()
QUERIES = "q state view cursor range from to since points groups asset last_event_id source code"
UNSAFE = [row for row in read_rows() if row.method == "POST" and row.path != "/sign-out"]
READING = [row for row in read_rows() if row.method == "GET"]
PEOPLE = ("maker", "manager", "customer")


def as_sent(text):
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_form_breaks(lively, kind):
    things = things_of(lively.network, "")
    for person in PEOPLE:
        visitor = lively.visit(person)
        fields = dict.fromkeys(FIELDS, as_sent(HOSTILE[kind]))
        for row in UNSAFE:
            answer = visitor.post(row.address(things), fields)
            assert answer.status_code < 500, (person, row.path)
            assert HOSTILE["script"] not in answer.text


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_query_breaks(lively, kind):
    things = things_of(lively.network, "nothing-here.js")
    text = as_sent(HOSTILE[kind][:5_000])
    for person in PEOPLE:
        visitor = lively.visit(person)
        for row in READING:
            query = dict.fromkeys(QUERIES.split(), text)
            path = row.address(things).split("?")[0]
            answer = visitor.get(path, query_string=query, buffered=False)
            assert answer.status_code < 500, (person, row.path)
            answer.close()


@pytest.mark.parametrize("name", ["q", "cursor", "state", "view", "range", "from", "asset"])
def test_each_query_alone_breaks_nothing(lively, name):
    visitor = lively.visit("manager")
    asset = lively.network.asset
    pages = ("/machines", "/tickets", "/me", f"/machines/{asset}/chart", "/live/poll")
    for text in HOSTILE.values():
        for page in pages:
            query = {name: as_sent(text[:5_000])}
            assert visitor.get(page, query_string=query).status_code < 500, (page, text)


def test_what_people_write_is_shown_as_text(lively):
    customer = lively.visit("customer")
    for kind in ("script", "template", "quotes", "bidi"):
        answer = customer.post("/tickets/1/messages", {"text": HOSTILE[kind]})
        assert answer.status_code == 303
    page = lively.visit("manager").read("/tickets/1")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_what_machines_send_is_shown_as_text(lively):
    page = lively.visit("maker").read("/quarantine/messages/1")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_a_name_from_an_import_is_shown_as_text(lively):
    maker = lively.visit("maker")
    fields = {"kind": "customer", "name": HOSTILE["script"], "time_zone": "UTC"}
    assert maker.post("/administration/organisations", fields).status_code == 303
    for path in ("/administration/organisations", "/administration/machines/new"):
        page = maker.read(path)
        assert "&lt;script&gt;" in page
        assert "<script>alert" not in page


def test_nul_is_refused_alike_on_every_database(lively):
    visitor = lively.visit("manager")
    assert visitor.get("/machines?q=a%00b").status_code == 422
    assert visitor.post("/tickets/1/messages", {"text": "a\x00b"}).status_code == 422
    assert visitor.get("/catalogue/a%00b").status_code in (403, 422)
