"""Calls to addresses that users name reach no machine that is not public."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from foundation.errors import Invalid, Unavailable
from foundation.outgoing import check_address, fetch_json


@pytest.fixture
def inside():
    """A server on this machine, and how often it was asked."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "/")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[1]" if self.path == "/list" else b'{"a": 1}')

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.asked = []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "url",
    ["http://example.com", "ftp://example.com", "https://", "https://u:p@example.com", "x", "//["],
)
def test_only_https_is_called(url):
    with pytest.raises(Invalid):
        check_address(url, ())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_this_machine_hears_nothing_whatever_it_is_called(inside, host):
    url = inside.url.replace("http", "https").replace("127.0.0.1", host)
    with pytest.raises(Unavailable) as refused:
        fetch_json(url, ())
    assert "not a public one" in str(refused.value.__cause__)
    assert inside.asked == []


def test_a_host_that_the_operator_excepts_is_called(inside):
    assert fetch_json(f"{inside.url}/", ["127.0.0.1"]) == {"a": 1}


@pytest.mark.parametrize("path", ["/away", "/list"])
def test_no_redirect_is_followed_and_only_objects_are_taken(inside, path):
    with pytest.raises(Unavailable):
        fetch_json(f"{inside.url}{path}", ["127.0.0.1"])
    assert inside.asked == [path]
