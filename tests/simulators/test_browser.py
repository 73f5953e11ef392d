"""The people's browser: what it finds on a page, and how it goes through a site's sign-in."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from simulators.browser import Account, Page, PageFailed, Visitor

TICKET = """
<div id="ticket-head" data-state="new" data-serial="SC-1 &amp; 2"></div>
<section data-live-id="alarm:7" data-active="yes"></section>
<table><tr data-live-id="ticket:9"></tr></table>
<a href="/machines/3">Machine</a> <a rel="next" href="/tickets?cursor=x">Next</a>
<div class="mw-notice mw-notice-stopped"><div>icon</div><p>Not <b>now</b>.</p></div><div>else</div>
<form method="post" action="/tickets/9/move">
  <input type="hidden" name="csrf_token" value="t"><input type="hidden" name="move" value="start">
</form>
<form method="post" action="/tickets/9/move">
  <input type="hidden" name="move" value="wait"><textarea name="note">old</textarea>
</form>
<form method="POST" action="/tickets/9/assign">
  <select name="person"><option value="">Nobody</option>
    <option value="4" selected>Tom <i>Tech</i></option></select>
  <input type="radio" name="mode" value="VIB"><input type="radio" name="mode" value="OHE" checked>
  <input type="checkbox" name="is_stopped"><input type="file" name="picture">
</form>
<form action="/search"><input name="q" value="all"></form>
"""
PAGE = Page("/tickets/9", 200, TICKET)


def test_a_form_is_found_by_where_it_goes_and_what_it_holds():
    assert PAGE.find_form("/tickets/9/move").fields == {"csrf_token": "t", "move": "start"}
    assert PAGE.find_form("/tickets/9/move", move="wait").fields == {"move": "wait", "note": ""}
    assert PAGE.find_form("/tickets/9/move", move="close") is None
    assert PAGE.find_form("/search") is None


def test_choices_are_told_with_their_labels_and_what_is_chosen():
    form = PAGE.find_form("/tickets/9/assign")
    assert form.fields == {"person": "4", "mode": "OHE"}
    assert form.choices["person"] == {"": "Nobody", "4": "Tom Tech"}
    assert list(form.choices["mode"]) == ["VIB", "OHE"]
    assert list(form.choices["is_stopped"]) == ["on"]


def test_things_are_found_by_their_marks():
    assert PAGE.get_mark("ticket-head", "serial") == "SC-1 & 2"
    assert PAGE.get_mark("nothing", "serial") == ""
    (alarm,) = PAGE.list_live("alarm")
    assert (alarm[0], alarm[1]["data-active"]) == (7, "yes")
    assert [number for number, _ in PAGE.list_live("ticket")] == [9]
    assert PAGE.links[0] == "/machines/3"
    assert PAGE.next_page == "/tickets?cursor=x"


def test_what_could_not_be_done_is_read_whole_and_alone():
    (said,) = PAGE.refusals
    assert "Not now." in " ".join(said.split())
    assert "else" not in said


class Site(BaseHTTPRequestHandler):
    """A site with a sign-in, whose sessions the test ends."""

    protocol_version = "HTTP/1.1"
    tokens: set
    asked: list

    def do_GET(self):
        self.asked.append(self.path)
        if self.path.startswith("/sign-in"):
            self._answer(200, '<form method="post" action="/sign-in"><input name="next"></form>')
        elif not self._is_signed_in():
            if "json" in self.headers["Accept"]:
                self._answer(401, "{}")
            else:
                self._answer(302, "", Location=f"/sign-in?next={self.path}")
        elif self.path == "/broken":
            self._answer(500, "<h1>Out of   order</h1>")
        elif self.path == "/circle":
            self._answer(302, "", Location="/circle")
        else:
            self._answer(200, f'{{"path": "{self.path}"}}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = {name: values[0] for name, values in parse_qs(body).items()}
        if given["password"] != "right":
            self._answer(303, "", Location="/sign-in")
        else:
            token = f"t{len(self.asked)}"
            self.tokens.add(token)
            cookie = f"mw_login={token}; Path=/; HttpOnly"
            self._answer(303, "", Location=given["next"], **{"Set-Cookie": cookie})

    def _is_signed_in(self):
        return any(f"mw_login={token}" in self.headers.get("Cookie", "") for token in self.tokens)

    def _answer(self, status, text, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *said):
        """Says nothing."""


@contextmanager
def serving(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site():
    return type("Fresh", (Site,), {"tokens": set(), "asked": []})


@pytest.fixture
def visit(site):
    made = []

    def start(password="right"):
        made.append(Visitor(url, Account("a@example.com", password)))
        return made[-1]

    with serving(site) as url:
        yield start
        for each in made:
            each.close()


def test_who_is_sent_to_sign_in_comes_back_to_where_they_wanted(visit, site):
    visitor = visit()
    assert not visitor.is_signed_in
    assert visitor.read("/tickets").as_json() == {"path": "/tickets"}
    assert visitor.is_signed_in
    assert visitor.read("/machines").as_json() == {"path": "/machines"}
    assert len(site.tokens) == 1


def test_after_the_session_ended_they_sign_in_again(visit, site):
    visitor = visit()
    visitor.read("/tickets")
    site.tokens.clear()
    assert visitor.ask("/live/poll") == {"path": "/live/poll"}
    site.tokens.clear()
    assert visitor.read("/tickets").status == 200


def test_a_wrong_password_is_an_error_at_once(visit, site):
    with pytest.raises(PageFailed, match="let nobody in"):
        visit("wrong").read("/tickets")


@pytest.mark.parametrize(
    ("path", "said"), [("/broken", "500: <h1>Out of order</h1>"), ("/circle", "again and again")]
)
def test_an_error_is_told_with_address_and_text(visit, path, said):
    visitor = visit()
    visitor.read("/tickets")
    with pytest.raises(PageFailed, match=path) as failed:
        visitor.read(path)
    assert said in str(failed.value)


def test_what_is_not_on_the_page_cannot_be_pressed(visit):
    visitor = visit()
    with pytest.raises(PageFailed, match="not there"):
        visitor.press(PAGE, PAGE.find_form("/nowhere"))


def test_a_portal_that_is_away_is_an_error_too():
    visitor = Visitor("http://127.0.0.1:9", Account("a@example.com", "right"))
    with pytest.raises(PageFailed, match="cannot be reached"):
        visitor.read("/tickets")
