"""A visitor of the portal as its people have one: pages, links, forms and cookies over HTTP.

It knows nothing of what the pages are about; what it finds there it finds by attributes that do
not change with the language. It keeps its session alive, and signs in again when that ended.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 60.0
_MAX_REDIRECTS = 5
_TOLD = 400
_SIGN_IN = "/sign-in"
# A page shows what it could not do in a notice of this class.
_REFUSAL = "mw-notice-stopped"


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
    def parts(self) -> "_Parts":
        reader = _Parts()
        reader.feed(self.text)
        reader.close()
        return reader

    @property
    def forms(self) -> list[Form]:
        return self.parts.forms

    @property
    def links(self) -> list[str]:
        """Addresses that the page leads to."""
        return self.parts.links

    @property
    def next_page(self) -> str | None:
        """Where a list goes on; None on its last page."""
        return self.parts.next_page

    @property
    def refusals(self) -> list[str]:
        """What the page says could not be done."""
        return [each.strip() for each in self.parts.refusals]

    def find_form(self, action: str, **fields: str) -> Form | None:
        """The form that posts to `action` with these fields in it already."""
        return next((each for each in self.forms if each.fits(action, fields)), None)

    def get_mark(self, element: str, name: str) -> str:
        """The `data-…` attribute of the element with that id; empty when there is none."""
        return self.parts.marks.get(element, {}).get(f"data-{name}", "")

    def list_live(self, kind: str) -> list[tuple[int, Mapping[str, str]]]:
        """Ids and attributes of the things of a kind on the page, such as `ticket`."""
        return [
            (int(number), attributes)
            for each, attributes in self.parts.live
            for found, _, number in [each.partition(":")]
            if found == kind and number.isdecimal()
        ]

    def as_json(self) -> Any:
        return json.loads(self.text)


class _Parts(HTMLParser):
    """Gathers forms, links, marks and refusals of a page in one pass."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.next_page: str | None = None
        self.live: list[tuple[str, dict[str, str]]] = []
        self.marks: dict[str, dict[str, str]] = {}
        self.refusals: list[str] = []
        self._form: Form | None = None
        self._select = ""
        self._option: str | None = None
        self._notice_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "data-live-id" in given:
            self.live.append((given["data-live-id"], given))
        if "id" in given:
            self.marks[given["id"]] = given
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
            if given.get("rel") == "next":
                self.next_page = given["href"]
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is not None:
            self._take_field(self._form, tag, given)
        self._follow_notice(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = ""
        if tag == "option":
            self._option = None
        if tag == "div" and self._notice_depth:
            self._notice_depth -= 1

    def handle_data(self, data: str) -> None:
        if self._option is not None and self._form is not None:
            labels = self._form.choices[self._select]
            labels[self._option] += data
        if self._notice_depth:
            self.refusals[-1] += data

    def _follow_notice(self, tag: str, given: Mapping[str, str]) -> None:
        if tag != "div":
            return
        if _REFUSAL in given.get("class", "").split():
            self.refusals.append("")
            self._notice_depth = 1
        elif self._notice_depth:
            self._notice_depth += 1

    def _take_field(self, form: Form, tag: str, given: Mapping[str, str]) -> None:
        name = given.get("name", "")
        if tag == "input" and name:
            _take_input(form, name, given)
        elif tag == "textarea" and name:
            form.fields[name] = ""
        elif tag == "select":
            self._select = name
            form.choices[name] = {}
        elif tag == "option" and self._select:
            self._option = given.get("value", "")
            form.choices[self._select][self._option] = ""
            if "selected" in given or self._select not in form.fields:
                form.fields[self._select] = self._option


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
