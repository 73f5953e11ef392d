"""Who is signed in: our own session rows behind Flask-Login, and the cookie that names one.

Everything needs a sign-in unless its view says otherwise with `public`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, abort, current_app, g, redirect, request, url_for
from flask import session as form_session
from flask_login import LoginManager, current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from foundation.database import Database
from foundation.errors import Unavailable
from foundation.identity import attempts
from foundation.identity.api_tokens import (
    ApiToken,
    find_api_token,
    is_use_worth_noting,
    note_use,
)
from foundation.identity.guessing import DEVICE_LIFE, know_device
from foundation.identity.models import LoginMethod, LoginSession, Organisation, Person
from foundation.identity.scope import Scope
from foundation.identity.second_factor import is_required
from foundation.identity.sessions import (
    ABSOLUTE_LIFE,
    Client,
    find_login,
    is_touch_due,
    scope_of,
    touch_login,
)
from web.request_scope import get_runtime, get_session, now
from web.security import cookie_name

MAX_TOKEN = 200
CONFIRMED_FOR = timedelta(minutes=10)
# What people whose sign-in is not enough may still use: what makes it enough, and the way out.
_OPEN_TO_WEAK = frozenset(
    {"second_factor", "passkeys", "security", "confirm", "language", "assets"}
)
_API = "api"
_PORTAL = Scope.system("sign-in")
_log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")
_View = TypeVar("_View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person of this request, as Flask-Login and the frame of a page want to know them.

    `is_weak` when they showed less than their organisation asks for.
    """

    login_id: int
    scope: Scope
    name: str
    email: str
    organisation: str
    time_zone: str
    language: str | None
    confirmed_at: datetime
    is_weak: bool = False
    api_scopes: frozenset[str] = frozenset()
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return str(self.login_id)


def install_auth(app: Flask) -> None:
    """Hooks the sign-in into the app; everything not public needs one from here on."""
    manager = LoginManager()
    # The session row is the protection; Flask-Login's own would write into the form cookie.
    manager.session_protection = None
    manager.request_loader(_load)
    manager.init_app(app)
    app.before_request(_require_sign_in)


def public(view: _View) -> _View:
    """Marks a view that needs no sign-in."""
    view.is_public = True  # type: ignore[attr-defined]  # read back by is_public
    return view


def recently(view: Callable[P, R]) -> Callable[P, R | Response]:
    """A view for whom only a while ago showed who they are; others are asked once more."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if now() - current_user.confirmed_at <= CONFIRMED_FOR:
            return view(*args, **kwargs)
        is_reading = request.method == "GET"
        wanted = request.path if is_reading else url_for("security.show")
        return redirect(url_for("confirm.show", next=wanted), 302 if is_reading else 303)

    return guarded


def is_public(view: object) -> bool:
    """Whether a view needs no sign-in."""
    return getattr(view, "is_public", False)


def find_signed_in(database: Database, token: str, at: datetime) -> SignedIn | None:
    """Whoever holds that token, if their session lives; its use is written down now and then.

    Raises:
        Unavailable: when the database does not answer.
    """
    with database.session(_PORTAL) as session:
        login = find_login(session, token, at)
        if login is None:
            return None
        found = _describe(session, login)
    if is_touch_due(login, at):
        _write(database, lambda session: touch_login(session, login.id, at))
    return found


def get_token() -> str:
    """The token that the browser sent; empty when it is none of ours."""
    token = request.cookies.get(_cookie(), "")
    return token if len(token) <= MAX_TOKEN else ""


def describe_client() -> Client:
    """What is written down of the browser that signs in, for the list of its person's sessions."""
    return Client(request.headers.get("User-Agent", ""), request.remote_addr or "")


def remember(response: Response, token: str) -> Response:
    """Hands the token to the browser; what the forms before knew is forgotten."""
    form_session.clear()
    response.set_cookie(
        _cookie(),
        token,
        max_age=ABSOLUTE_LIFE,
        secure=get_runtime().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def get_device() -> str:
    """The token by which this browser is known; empty when it is not."""
    token = request.cookies.get(_device_cookie(), "")
    return token if len(token) <= MAX_TOKEN else ""


def know_browser(response: Response, person_id: int) -> Response:
    """Lets the browser be known as the person's from now on, also when they signed out."""
    response.set_cookie(
        _device_cookie(),
        know_device(get_session(), person_id=person_id, device=get_device(), at=now()),
        max_age=DEVICE_LIFE,
        secure=get_runtime().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def _device_cookie() -> str:
    return cookie_name("device", is_secure=get_runtime().is_secure)


def get_attempt() -> str:
    """The token of the attempt that this browser began; empty without one."""
    token = request.cookies.get(_attempt_cookie(), "")
    return token if len(token) <= MAX_TOKEN else ""


def remember_attempt(response: Response, token: str) -> Response:
    """Hands the token of an attempt to the browser, which brings it back with its second step."""
    response.set_cookie(
        _attempt_cookie(),
        token,
        max_age=attempts.LIFE,
        secure=get_runtime().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def forget(response: Response) -> Response:
    """Takes the token from the browser."""
    form_session.clear()
    secure = get_runtime().is_secure
    response.delete_cookie(_cookie(), secure=secure, httponly=True, samesite="Lax", path="/")
    return response


def safe_next(target: str | None) -> str:
    """The address to go to after signing in: one of ours, or the home page."""
    home = url_for("home.show")
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return home
    if any(character < " " or character == "\\" for character in target):
        return home
    try:
        parts = urlsplit(target)
    except ValueError:
        return home
    return home if parts.scheme or parts.netloc else target


def _attempt_cookie() -> str:
    return cookie_name("attempt", is_secure=get_runtime().is_secure)


def _cookie() -> str:
    return cookie_name("login", is_secure=get_runtime().is_secure)


def _load(_: Request) -> SignedIn | None:
    if request.blueprint == _API:
        return _load_bearer()
    token = get_token()
    if not token or g.get("is_load_broken", False):
        return None
    # An error page asks again who is signed in; what failed once must not fail there as well.
    g.is_load_broken = True
    found = find_signed_in(get_runtime().database, token, now())
    g.is_load_broken = False
    return found


def _load_bearer() -> SignedIn | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token or len(token) > MAX_TOKEN:
        return None
    database = get_runtime().database
    with database.session(_PORTAL) as session:
        found = find_api_token(session, token.strip(), now())
        if found is None:
            return None
        caller = _describe_caller(session, found)
    if is_use_worth_noting(found, now()):
        _write(database, lambda session: note_use(session, found.id, now()))
    return caller


def _describe_caller(session: Session, token: ApiToken) -> SignedIn:
    scope = Scope.of_person(token.person_id, token.organisation_id, token.role)
    return replace(
        _describe_person(session, scope, token.created_at), api_scopes=frozenset(token.scopes)
    )


def _describe_person(session: Session, scope: Scope, confirmed_at: datetime) -> SignedIn:
    person = session.get_one(Person, scope.person_id)
    organisation = session.get_one(Organisation, scope.organisation_id)
    return SignedIn(
        login_id=0,
        scope=scope,
        name=person.name,
        email=person.email,
        organisation=organisation.name,
        time_zone=organisation.time_zone,
        language=person.language,
        confirmed_at=confirmed_at,
    )


def _describe(session: Session, login: LoginSession) -> SignedIn:
    return replace(
        _describe_person(session, scope_of(login), login.confirmed_at),
        login_id=login.id,
        is_weak=login.method == LoginMethod.PASSWORD
        and is_required(session, login.organisation_id, login.role),
    )


def _write(database: Database, act: Callable[[Session], None]) -> None:
    try:
        with database.transaction(_PORTAL) as session:
            act(session)
    except Unavailable as error:
        # Somebody else writes for long: a page that only reads is shown all the same.
        _log.info("use_not_noted", why=str(error))


def _require_sign_in() -> Response | None:
    if request.endpoint is None:
        return None
    view = current_app.view_functions.get(request.endpoint)
    if is_public(view):
        return None
    if not current_user.is_authenticated:
        abort(401)
    if current_user.is_weak and request.blueprint not in _OPEN_TO_WEAK:
        return redirect(url_for("second_factor.show"), 302 if request.method == "GET" else 303)
    return None
