"""A visitor of the portal as its people have one: pages, links, forms and cookies over HTTP.

It knows nothing of what the pages are about; what it finds there it finds by attributes that do
not change with the language. It keeps its session alive, and signs in again when that ended.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

TIMEOUT_S = 60.0
_MAX_REDIRECTS = 5
_TOLD = 400
_SIGN_IN = "/sign-in"
# A page shows what it could not do in a notice of this class.
_REFUSAL = "div.mw-notice-stopped"


class PageFailed(Exception):
    """The portal answered with an error, or a page lacks what a person looked for on it."""

    def __init__(self, address: str, status: int, text: str) -> None:
        super().__init__(f"{address} answered {status}: {text}")
        self.address, self.status, self.text = address, status, text


@dataclass(frozen=True, slots=True)
class Account:
    """How somebody signs in."""

    email: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Form:
    """A form as it stands on its page; `choices` of a select or of radio buttons, by name."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)

    def fits(self, action: str, fields: Mapping[str, str]) -> bool:
        """Whether it posts to that address and holds these fields already."""
        is_there = self.method == "post" and urlsplit(self.action).path == action
        return is_there and all(self.fields.get(name) == each for name, each in fields.items())


@dataclass(frozen=True)
class Page:
    """What the portal answered; its parts are read when somebody asks for them."""

    address: str
    status: int
    text: str

    @cached_property
    def _tree(self) -> LexborHTMLParser:
        return LexborHTMLParser(self.text)

    @cached_property
    def forms(self) -> list[Form]:
        return [_read_form(each) for each in self._tree.css("form")]

    @property
    def links(self) -> list[str]:
        """Addresses that the page leads to."""
        return [_read(each)["href"] for each in self._tree.css("a[href]")]

    @property
    def next_page(self) -> str | None:
        """Where a list goes on; None on its last page."""
        found = self._tree.css_first("a[href][rel=next]")
        return None if found is None else _read(found)["href"]

    @property
    def refusals(self) -> list[str]:
        """What the page says could not be done."""
        return [each.text().strip() for each in self._tree.css(_REFUSAL)]

    def find_form(self, action: str, **fields: str) -> Form | None:
        """The form that posts to `action` with these fields in it already."""
        return next((each for each in self.forms if each.fits(action, fields)), None)

    def get_mark(self, element: str, name: str) -> str:
        """The `data-…` attribute of the element with that id; empty when there is none."""
        found = self._tree.css_first(f"#{element}")
        return "" if found is None else _read(found).get(f"data-{name}", "")

    def list_live(self, kind: str) -> list[tuple[int, Mapping[str, str]]]:
        """Ids and attributes of the things of a kind on the page, such as `ticket`."""
        return [
            (int(number), attributes)
            for each in self._tree.css(f'[data-live-id^="{kind}:"]')
            for attributes in [_read(each)]
            for number in [attributes["data-live-id"].partition(":")[2]]
            if number.isdecimal()
        ]

    def as_json(self) -> Any:
        return json.loads(self.text)


def _read(node: LexborNode) -> dict[str, str]:
    """The attributes; one without a value has the empty one."""
    return {name: value or "" for name, value in node.attributes.items()}


def _read_form(node: LexborNode) -> Form:
    given = _read(node)
    form = Form(given.get("action", ""), given.get("method", "get").lower())
    for each in node.css("input[name], textarea[name], select[name]"):
        name = _read(each)["name"]
        if each.tag == "select":
            _take_select(form, name, each)
        elif each.tag == "textarea":
            form.fields[name] = ""
        else:
            _take_input(form, name, _read(each))
    return form


def _take_select(form: Form, name: str, node: LexborNode) -> None:
    options = [(_read(each), each.text()) for each in node.css("option")]
    form.choices[name] = {given.get("value", ""): label for given, label in options}
    chosen = [given for given, _ in options if "selected" in given]
    for given in chosen or [each for each, _ in options[:1]]:
        form.fields[name] = given.get("value", "")


def _take_input(form: Form, name: str, given: Mapping[str, str]) -> None:
    value, kind = given.get("value", ""), given.get("type", "text")
    if kind in ("radio", "checkbox"):
        form.choices.setdefault(name, {})[value or "on"] = ""
        if "checked" in given:
            form.fields[name] = value or "on"
    elif kind != "file":
        form.fields[name] = value


class Visitor:
    """One person's browser; requests go one after the other."""

    def __init__(self, url: str, account: Account) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._account = account
        self._cookies: dict[str, str] = {}
        self._connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_S)
        self.requests = 0

    @property
    def is_signed_in(self) -> bool:
        """Whether the portal let them in and they did not leave since."""
        return any(name.endswith("mw_login") for name in self._cookies)

    def read(self, path: str) -> Page:
        """A page; who is sent to sign in does so and comes back.

        Raises:
            PageFailed: when it answers with an error.
        """
        page = self._follow("GET", path)
        is_sent_away = urlsplit(page.address).path == _SIGN_IN
        return _checked(self._sign_in(page, path) if is_sent_away else page)

    def ask(self, path: str) -> Any:
        """What a script on the page would be told.

        Raises:
            PageFailed: when it answers with an error.
        """
        page = self._send("GET", path, accept="application/json")[0]
        if page.status == http.client.UNAUTHORIZED:
            page = self._sign_in(self._follow("GET", _SIGN_IN), path)
        return _checked(page).as_json()

    def press(self, page: Page, form: Form | None, **fields: str) -> None:
        """Fills in a form of the page and sends it.

        They do not wait for the page that comes then: what it would say, such as why something
        could not be done, stands on the next page that they read.

        Raises:
            PageFailed: when there is no such form, or it answers with an error.
        """
        if form is None:
            raise PageFailed(page.address, page.status, "what was to be pressed is not there")
        body = urlencode({**form.fields, **fields})
        _checked(self._send("POST", form.action or page.address, body)[0])

    def close(self) -> None:
        self._connection.close()

    def _sign_in(self, page: Page, path: str) -> Page:
        """The page at `path`, to which the portal leads whoever signed in."""
        form = page.find_form(_SIGN_IN)
        if form is None:
            raise PageFailed(page.address, page.status, "there is no form to sign in")
        account = {"email": self._account.email, "password": self._account.password}
        after = self._follow("POST", _SIGN_IN, urlencode({**form.fields, **account, "next": path}))
        if urlsplit(after.address).path == _SIGN_IN:
            raise PageFailed(after.address, after.status, "the portal let nobody in")
        return after

    def _follow(self, method: str, path: str, body: str | None = None) -> Page:
        page, target = self._send(method, path, body)
        for _ in range(_MAX_REDIRECTS):
            if target is None:
                return page
            page, target = self._send("GET", target)
        raise PageFailed(path, page.status, "sent on again and again")

    def _send(
        self, method: str, path: str, body: str | None = None, *, accept: str = "text/html"
    ) -> tuple[Page, str | None]:
        """The answer, and where it sends us on to."""
        headers = {"Accept": accept, "Accept-Language": "en"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={each}" for name, each in self._cookies.items())
        response = self._request(method, path, body, headers)
        text = response.read().decode("utf-8", "replace")
        self._keep_cookies(response)
        target = response.headers.get("Location")
        is_sent_on = target is not None and 300 <= response.status < 400
        return Page(path, response.status, text), target if is_sent_on else None

    def _request(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        self.requests += 1
        try:
            self._connection.request(method, path, body, dict(headers))
            return self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The portal closes connections that were idle; it took nothing from this one.
            self._connection.close()
            self._connection.request(method, path, body, dict(headers))
            return self._connection.getresponse()
        except OSError as error:
            self._connection.close()
            raise PageFailed(path, 0, f"the portal cannot be reached: {error}") from error

    def _keep_cookies(self, response: http.client.HTTPResponse) -> None:
        for line in response.headers.get_all("Set-Cookie") or []:
            for morsel in SimpleCookie(line).values():
                if morsel["max-age"] == "0" or not morsel.value:
                    self._cookies.pop(morsel.key, None)
                else:
                    self._cookies[morsel.key] = morsel.value


def _checked(page: Page) -> Page:
    if page.status >= http.client.BAD_REQUEST:
        raise PageFailed(page.address, page.status, " ".join(page.text.split())[:_TOLD])
    return page
