"""A site under test and the people who visit it: they sign in by the form and carry its token."""

import re
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient

from tests.network import PASSWORD, Network
from web.runtime import WebRuntime

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def find_token(html: str) -> str:
    """The token of the first form on a page."""
    found = _TOKEN.search(html)
    assert found, "the page has no form with a token"
    return found[1]


@dataclass
class Visitor:
    """A browser, signed in or not."""

    client: FlaskClient
    token: str = ""

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, data=None, **options):
        """Sends a form with the visitor's own token."""
        fields = {"csrf_token": self.token, **(data or {})}
        return self.client.post(path, data=fields, **options)

    def read(self, path):
        """The text of a page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text


@dataclass
class Site:
    """The application with its runtime and the network it shows."""

    app: Flask
    runtime: WebRuntime
    network: Network
    # Of people who keep a view of the fleet its number.
    views: dict[str, int] = field(default_factory=dict)
    _visitors: dict[str, Visitor] = field(default_factory=dict)

    def visit(self, person=None) -> Visitor:
        """A new browser, signed in as that person."""
        visitor = Visitor(self.app.test_client())
        visitor.token = find_token(visitor.read("/sign-in"))
        if person is not None:
            sign_in(visitor, self.network.email(person))
        return visitor

    def as_(self, person) -> Visitor:
        """The one browser of that person in this test."""
        if person not in self._visitors:
            self._visitors[person] = self.visit(person)
        return self._visitors[person]


def sign_in(visitor, email, password=PASSWORD, **fields):
    """Signs in by the form; the token is that of the new session afterwards."""
    answer = visitor.post("/sign-in", {"email": email, "password": password, **fields})
    if answer.status_code == 303:
        visitor.token = find_token(visitor.read("/me"))
    return answer
