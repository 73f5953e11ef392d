"""What guards every request and answer: trusted hosts, origin of changes, policy headers.

Who somebody is belongs to auth.py; what a role may do to devices/access.py.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from foundation.errors import Forbidden, Invalid
from web.request_scope import SAFE_METHODS, get_runtime

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
TWO_YEARS_S = 63_072_000
MAX_BODY_BYTES = 24 * 1024 * 1024
MAX_FORM_BYTES = 1024 * 1024
MAX_FIELDS = 500


def install_security(
    app: Flask, *, is_secure: bool, trusted_hosts: tuple[str, ...], proxies: int = 0
) -> None:
    """Sets limits and cookies, and hooks the checks into every request and answer.

    What `proxies` in front say of the browser is believed; with none of them, nothing is.
    """
    app.config.update(
        TRUSTED_HOSTS=list(trusted_hosts) or None,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=MAX_FIELDS,
        SESSION_COOKIE_NAME=cookie_name("form", is_secure=is_secure),
        SESSION_COOKIE_SECURE=is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        # The token lives as long as the cookie it belongs to; a sign-in makes new ones.
        WTF_CSRF_TIME_LIMIT=None,
        # The check of the origin below does not depend on a Referer that proxies may strip.
        WTF_CSRF_SSL_STRICT=False,
    )
    if proxies:
        fixed = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)
        app.wsgi_app = fixed  # type: ignore[method-assign]  # as the library's documents say
    app.before_request(limit_body)
    app.before_request(refuse_foreign_origin)
    CSRFProtect(app)
    app.before_request(refuse_nul)
    app.after_request(add_headers)


def cookie_name(part: str, *, is_secure: bool) -> str:
    """The name of one of our cookies; browsers bind `__Host-` ones to this host and to https."""
    return f"__Host-mw_{part}" if is_secure else f"mw_{part}"


def limit_body() -> None:
    """Lets only uploads be large; the library limits the fields of no other kind of form."""
    if request.mimetype != "multipart/form-data":
        request.max_content_length = MAX_FORM_BYTES


def refuse_foreign_origin() -> None:
    """Refuses changes that another site's page asks for, whatever token they carry.

    Raises:
        Forbidden: when Fetch Metadata or Origin name another site.
    """
    if request.method in SAFE_METHODS:
        return
    fetched_by = request.headers.get("Sec-Fetch-Site", "same-origin")
    if fetched_by not in ("same-origin", "none") or not _is_own(request.headers.get("Origin")):
        raise Forbidden("This came from a page of another site, so nothing was changed.")


def _is_own(origin: str | None) -> bool:
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    is_scheme_right = parts.scheme == "https" or not get_runtime().is_secure
    return parts.netloc == request.host and is_scheme_right


def refuse_nul() -> None:
    """Refuses text that one of our databases could not hold.

    Raises:
        Invalid: when an address or a form holds a NUL character.
    """
    given = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if any("\x00" in part for pair in given for part in pair) or "\x00" in request.path:
        raise Invalid(
            "The text holds characters that cannot be stored. Remove them and try again."
        )


def add_headers(response: Response) -> Response:
    """Adds the policy headers to an answer, whichever way it came about."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if get_runtime().is_secure:
        value = f"max-age={TWO_YEARS_S}; includeSubDomains"
        response.headers.setdefault("Strict-Transport-Security", value)
    return response
