"""Hostile texts in every field and query: refused or shown as text, never a fault."""

import pytest

from foundation.paging import encode_cursor
from tests.web.matrix import read_rows, things_of

SCRIPT = "<script>alert(1)</script>"
MARKUP = (
    SCRIPT,
    "{{ 7 * 7 }}{% raw %}",
    "\"'><img src=x onerror=alert(1)>",
    "a\r\nSet-Cookie: x=1\r\n\r\nb",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "abc\u202egnp.exe\u2066",
)
HOSTILE = {
    "markup": " ".join(MARKUP),
    "nul": "a\x00b",
    "surrogate": "\ud800",
    "long": "x" * 20_000,
    "huge number": "9" * 400,
    "negative": "-1",
    "infinite": "1e999",
    "not a number": "NaN",
    "spaces": " \t\u00a0\u2003 ",
    "digits of another script": "\u0663\u00b2",
}
FIELDS = """
    email password next present text is_stopped equipment_model serial name customer dealer site
    time_zone device commissioned_on is_critical kind role file signal metric unit scale offset
    device_key failure_mode failure_cause note verdict_1 threshold_0 hysteresis_0 on_delay_s_0
    move person audience source code
"""
QUERIES = "q state view cursor range from to since points groups asset last_event_id source code"
PEOPLE = ("maker", "manager", "customer")


def rows_of(person, method):
    rows = [row for row in read_rows() if row.method == method and person in row.who]
    return [row for row in rows if row.path != "/sign-out"]


def as_sent(text):
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_form_breaks(lively, kind):
    things = things_of(lively.network, "")
    for person in PEOPLE:
        visitor = lively.visit(person)
        fields = dict.fromkeys(FIELDS.split(), as_sent(HOSTILE[kind]))
        for row in rows_of(person, "POST"):
            answer = visitor.post(row.address(things), fields)
            assert answer.status_code < 500, (person, row.path)
            assert SCRIPT not in answer.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_query_breaks(lively, kind):
    things = things_of(lively.network, "nothing-here.js")
    text = as_sent(HOSTILE[kind][:5_000])
    for person in ("maker", "manager"):
        visitor = lively.visit(person)
        for row in rows_of(person, "GET"):
            query = dict.fromkeys(QUERIES.split(), text)
            path = row.address(things).split("?")[0]
            answer = visitor.get(path, query_string=query, buffered=False)
            assert answer.status_code < 500, (person, row.path)
            answer.close()


PLACES = (
    ("/machines", "q"),
    ("/machines", "cursor"),
    ("/tickets", "cursor"),
    ("/me", "cursor"),
    ("/machines/1/chart", "range"),
    ("/machines/1/chart", "since"),
    ("/machines/1/chart", "points"),
    ("/live/poll", "asset"),
)


@pytest.mark.parametrize(("page", "name"), PLACES)
def test_each_query_alone_breaks_nothing(lively, page, name):
    visitor = lively.visit("manager")
    for kind, text in HOSTILE.items():
        answer = visitor.get(page, query_string={name: as_sent(text[:5_000])})
        assert answer.status_code < 500, kind


def test_a_text_of_a_megabyte_is_refused_in_words(lively):
    visitor = lively.visit("customer")
    answer = visitor.post("/tickets/1/messages", {"text": "x" * 1_000_000})
    assert answer.status_code == 303
    assert "The text has more than 4000 characters." in visitor.read("/tickets/1")


@pytest.mark.parametrize(
    "key",
    [[], None, ["a"], ["a", "b"], ["b", 1], [1e99], [2**70], ["b", 2**70], [1, 2, 3], [-1], [[]]],
    ids=str,
)
def test_a_forged_cursor_gives_a_page_or_a_refusal(lively, key):
    visitor, cursor = lively.visit("maker"), encode_cursor(key)
    fault = "/quarantine/fault?source=pump-1&code=unknown_metric&x=1"
    for page in ("/machines?x=1", "/tickets?x=1", "/tickets?view=closed", "/me?x=1", fault):
        assert visitor.get(f"{page}&cursor={cursor}").status_code in (200, 302, 422), page


def test_what_people_write_is_shown_as_text(lively):
    customer = lively.visit("customer")
    for text in MARKUP:
        answer = customer.post("/tickets/1/messages", {"text": text})
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
    fields = {"kind": "customer", "name": SCRIPT, "time_zone": "UTC"}
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
