"""The portal as a script sees it: signs in like a browser, keeps its cookies, reads pages."""

import http.client
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urlencode, urlsplit

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What the portal answered; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    text: str


class Portal:
    """One person's connection to the portal, kept open between requests."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=30)
        self._cookies: dict[str, str] = {}
        self._token = ""

    def sign_in(self, email: str, password: str) -> None:
        """Signs in by the form; what comes after is this person's."""
        self.get("/sign-in")
        answer = self.post("/sign-in", {"email": email, "password": password})
        assert answer.status == 303, f"{email} could not sign in: {answer.status}"
        self.get("/me")

    @classmethod
    def of(cls, url: str, email: str, password: str) -> "Portal":
        """A connection of a person who is signed in."""
        portal = cls(url)
        try:
            portal.sign_in(email, password)
        except BaseException:
            portal.__exit__()
            raise
        return portal

    def get(self, path: str, *, accept: str = "text/html") -> Answer:
        answer = self._ask("GET", path, {"Accept": accept})
        found = _TOKEN.search(answer.text)
        self._token = found[1] if found else self._token
        return answer

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Sends a form with the token of the page that was read last."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        body = urlencode({"csrf_token": self._token, **fields})
        return self._ask("POST", path, headers, body)

    def follow(self, path: str) -> Iterator[str]:
        """The names and details of a live page's events, one line each, until the stream ends."""
        connection = http.client.HTTPConnection(self._host, timeout=30)
        try:
            connection.request("GET", path, headers=self._headers({"Accept": "text/event-stream"}))
            response = connection.getresponse()
            assert response.status == 200, f"no live stream: {response.status}"
            for line in response:
                yield line.decode().rstrip("\n")
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self._connection.close()

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return dict(given) | ({"Cookie": cookies} if cookies else {})

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: str | None = None
    ) -> Answer:
        self._connection.request(method, path, body, self._headers(headers))
        response = self._connection.getresponse()
        text = response.read().decode(errors="replace")
        for line in response.headers.get_all("Set-Cookie") or []:
            for morsel in SimpleCookie(line).values():
                self._cookies[morsel.key] = morsel.value
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, text)
