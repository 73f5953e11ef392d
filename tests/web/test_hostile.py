"""Hostile texts in every field and query: refused or shown as text, never a fault."""

import ast

import pytest

from foundation.paging import encode_cursor
from tests.architecture.sources import ROOT
from tests.web.matrix import read_rows, things_of
from web import forms

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
# Fields that are there once for each limit, alarm or end of a range; no source names them whole.
NUMBERED = {"verdict_1", "threshold_0", "hysteresis_0", "on_delay_s_0"}
PEOPLE = ("maker", "manager", "customer", "anonymous")


def list_asked(*sources):
    """The names that views and pages ask a request for, such as `request.args.get("q")`."""
    for path in sorted((ROOT / "web").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=source, attr="get" | "getlist"),
                    args=[ast.Constant(value=str(name)), *_],
                ) if ast.unparse(source) in sources:
                    yield name


def list_form_fields():
    for form in vars(forms).values():
        if isinstance(form, type) and issubclass(form, forms.PortalForm):
            yield from (name for name, value in vars(form).items() if is_field(value))


def is_field(value):
    return hasattr(value, "field_class")


QUERIES = {"from", "to", *list_asked("request.args", "args")}
FIELDS = NUMBERED | {*list_asked("request.form", "args"), *list_form_fields()}


def test_what_is_tried_grows_with_the_forms_and_pages():
    assert {"price", "reason", "given", "parameters", "control_percent", "enabled"} <= FIELDS
    assert {"sort", "box", "model", "country", "device", "since", "groups", "on"} <= QUERIES


def list_tried(method):
    """Each row with somebody whom the table lets in."""
    for row in read_rows():
        person = next((each for each in PEOPLE if each in row.who), None)
        # What only scripts may ask for is tried with their tokens elsewhere.
        if row.method == method and row.path != "/sign-out" and person is not None:
            yield person, row


def visit(lively, person):
    return lively.visit() if person == "anonymous" else lively.as_(person)


def as_sent(text):
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_form_breaks(lively, kind):
    things = things_of(lively.network, "")
    fields = dict.fromkeys(FIELDS, as_sent(HOSTILE[kind]))
    for person, row in list_tried("POST"):
        answer = visit(lively, person).post(row.address(things), fields)
        assert answer.status_code < 500, (person, row.path)
        assert SCRIPT not in answer.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_query_breaks(lively, kind):
    things = things_of(lively.network, "nothing-here.js")
    query = dict.fromkeys(QUERIES, as_sent(HOSTILE[kind][:5_000]))
    for person, row in list_tried("GET"):
        path = row.address(things).split("?")[0]
        answer = visit(lively, person).get(path, query_string=query, buffered=False)
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
