"""What one request works with: the runtime, one instant, one database session and its scope.

Reading requests get a session, changing ones a transaction. It commits when the view answered
below 400, before the answer leaves; a view that must keep what it wrote beside a refusal says so.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.routing import IntegerConverter

from devices import access
from devices.access import Act
from foundation.errors import Forbidden
from foundation.identity.scope import Scope
from foundation.identity.vault import Vault
from web.runtime import WebRuntime

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_EXTENSION = "millwright"

P = ParamSpec("P")
R = TypeVar("R")


class IdConverter(IntegerConverter):
    """A row's id in an address; what no database could hold matches no route."""

    def __init__(self, url_map: object) -> None:
        super().__init__(url_map, min=1, max=2**63 - 1)  # type: ignore[arg-type]  # a Map by contract


def as_id(text: str) -> int:
    """A row's id in a query or form; what no database could hold is refused like any other word.

    Raises:
        ValueError: which leaves the default to whoever asked for it.
    """
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError(text)
    return number


class Portal(Flask):
    """Flask, with the request's session closed in the one place that sees view and answer."""

    def dispatch_request(self) -> ResponseReturnValue:
        with _request_session():
            response = self.make_response(super().dispatch_request())
            _give_up_when_refused(response)
        return response


def bind_runtime(app: Flask, runtime: WebRuntime) -> None:
    """Hands the runtime to the requests of an app."""
    app.extensions[_EXTENSION] = runtime
    app.url_map.converters["id"] = IdConverter


def get_runtime() -> WebRuntime:
    """The runtime of the app that answers."""
    return cast("WebRuntime", current_app.extensions[_EXTENSION])


def get_vault() -> Vault:
    """What seals small secrets, under the portal's key."""
    runtime = get_runtime()
    return Vault(runtime.secret_key, runtime.earlier_keys)


def now() -> datetime:
    """The instant of this request: the same for all it reads and writes."""
    if "at" not in g:
        g.at = get_runtime().clock.now()
    return cast("datetime", g.at)


def find_scope() -> Scope | None:
    """The scope of whoever is signed in."""
    return current_user.scope if current_user.is_authenticated else None


def get_scope() -> Scope:
    """The scope of whoever is signed in.

    Raises:
        Forbidden: when nobody is.
    """
    scope = find_scope()
    if scope is None:
        raise Forbidden("Sign in first.")
    return scope


def get_session() -> Session:
    """The request's session, opened at its first use."""
    if "session" not in g:
        g.session = g.session_stack.enter_context(_open())
    return cast("Session", g.session)


@contextmanager
def past_session() -> Iterator[Session]:
    """A reading session that also sees what was the reader's before, in that time."""
    with get_runtime().database.session(get_scope().looking_back()) as session:
        yield session


def has_session() -> bool:
    """Whether a session is open now; none is while an error is put into words."""
    return "session" in g


def keep_despite_refusal() -> None:
    """Commits what was written although the answer is a refusal, such as a counted failure."""
    g.keep = True


def give_up() -> None:
    """Takes back what this request wrote so far; the session goes on."""
    if has_session():
        get_session().rollback()


def may(act: Act) -> bool:
    """Whether whoever is signed in may do that."""
    scope = find_scope()
    return scope is not None and access.may(scope, act)


def require(act: Act) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A view that only roles with this act may call; others are refused with 403."""

    def wrap(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            access.require(get_scope(), act)
            return view(*args, **kwargs)

        return guarded

    return wrap


def _open() -> AbstractContextManager[Session]:
    runtime = get_runtime()
    # Before anybody is signed in the portal itself looks the person up.
    scope = find_scope() or Scope.system("sign-in")
    if request.method in SAFE_METHODS:
        return runtime.database.session(scope)
    return runtime.database.transaction(scope)


@contextmanager
def _request_session() -> Iterator[None]:
    with ExitStack() as stack:
        g.session_stack = stack
        try:
            yield
        finally:
            # Whatever comes after, such as an error page, must not use this session any more.
            g.pop("session_stack")
            g.pop("session", None)


def _give_up_when_refused(response: Response) -> None:
    if response.status_code >= 400 and not g.get("keep", False):
        give_up()
