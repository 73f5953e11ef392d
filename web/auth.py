"""Who is signed in: our own session rows behind Flask-Login, and the cookie that names one.

Everything needs a sign-in unless its view says otherwise with `public`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, abort, current_app, g, request, url_for
from flask import session as form_session
from flask_login import LoginManager, current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from foundation.database import Database
from foundation.errors import Unavailable
from foundation.identity.models import LoginSession, Organisation, Person
from foundation.identity.scope import Scope
from foundation.identity.sessions import (
    ABSOLUTE_LIFE,
    find_login,
    is_touch_due,
    scope_of,
    touch_login,
)
from web.request_scope import get_runtime, now
from web.security import cookie_name

MAX_TOKEN = 200
_PORTAL = Scope.system("sign-in")
_log = structlog.get_logger()
_View = TypeVar("_View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person of this request, as Flask-Login and the frame of a page want to know them."""

    login_id: int
    scope: Scope
    name: str
    email: str
    organisation: str
    time_zone: str
    language: str | None
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
        _touch(database, login.id, at)
    return found


def get_token() -> str:
    """The token that the browser sent; empty when it is none of ours."""
    token = request.cookies.get(_cookie(), "")
    return token if len(token) <= MAX_TOKEN else ""


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


def _cookie() -> str:
    return cookie_name("login", is_secure=get_runtime().is_secure)


def _load(_: Request) -> SignedIn | None:
    token = get_token()
    if not token or g.get("is_load_broken", False):
        return None
    # An error page asks again who is signed in; what failed once must not fail there as well.
    g.is_load_broken = True
    found = find_signed_in(get_runtime().database, token, now())
    g.is_load_broken = False
    return found


def _describe(session: Session, login: LoginSession) -> SignedIn:
    person = session.get_one(Person, login.person_id)
    organisation = session.get_one(Organisation, login.organisation_id)
    return SignedIn(
        login_id=login.id,
        scope=scope_of(login),
        name=person.name,
        email=person.email,
        organisation=organisation.name,
        time_zone=organisation.time_zone,
        language=person.language,
    )


def _touch(database: Database, login_id: int, at: datetime) -> None:
    try:
        with database.transaction(_PORTAL) as session:
            touch_login(session, login_id, at)
    except Unavailable as error:
        # Somebody else writes for long: a page that only reads is shown all the same.
        _log.info("session_not_touched", why=str(error))


def _require_sign_in() -> None:
    if request.endpoint is None:
        return
    view = current_app.view_functions.get(request.endpoint)
    if not is_public(view) and not current_user.is_authenticated:
        abort(401)
