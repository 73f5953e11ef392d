"""Turns refusals and faults into answers: a page, or a small body where a script asked.

This is the request boundary: whatever a view lets through ends here, logged with the number that
the page shows, and nothing of its inside reaches the browser.
"""

import secrets

import structlog
from flask import (
    Flask,
    Response,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from sqlalchemy.exc import DataError, IntegrityError
from werkzeug.exceptions import HTTPException, SecurityError

from foundation import errors
from web.request_scope import SAFE_METHODS
from web.wording.translate import gettext as _
from web.wording.translate import say_refusal

RETRY_AFTER_S = 5
PAGES = (400, 401, 403, 404, 405, 409, 413, 429, 500, 503)
STATUS_OF_KIND: dict[type[errors.MillwrightError], int] = {
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.Invalid: 422,
    errors.Conflict: 409,
    errors.Unavailable: 503,
}
_log = structlog.get_logger()


def install_errors(app: Flask) -> None:
    """Registers one handler a kind."""
    app.before_request(_number_request)
    app.after_request(_tell_number)
    app.register_error_handler(SecurityError, _on_wrong_host)
    app.register_error_handler(CSRFError, _on_missing_token)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(errors.MillwrightError, _on_refusal)
    app.register_error_handler(IntegrityError, _on_collision)
    app.register_error_handler(DataError, _on_misfit)
    app.register_error_handler(Exception, _on_fault)


def _number_request() -> None:
    g.request_id = secrets.token_hex(5)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _tell_number(response: Response) -> Response:
    if "request_id" in g:
        response.headers["X-Request-Id"] = g.request_id
    return response


def _on_wrong_host(error: SecurityError) -> ResponseReturnValue:
    # No page: building one needs an address, and this request came to none of ours.
    del error
    return Response("This address is not one of this portal's.\n", 400, mimetype="text/plain")


def _on_missing_token(error: CSRFError) -> ResponseReturnValue:
    _log.info("refused", path=request.path, why=error.description)
    return _answer(403, _("This form is no longer valid. Load the page again and repeat."))


def _on_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    if error.code == 401 and request.method in SAFE_METHODS and not wants_small():
        return redirect(url_for("sign_in.show", next=request.full_path.rstrip("?")))
    response = make_response(_answer(error.code))
    if error.code == 401 and request.blueprint == "api":
        response.headers["WWW-Authenticate"] = 'Bearer realm="Millwright"'
    if error.code == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return response


def _on_refusal(error: errors.MillwrightError) -> ResponseReturnValue:
    status = next(code for kind, code in STATUS_OF_KIND.items() if isinstance(error, kind))
    _log.info("refused", path=request.path, status=status, why=str(error))
    # What cannot be seen is not told apart from what does not exist, nor what failed inside.
    is_told = status not in (404, 503)
    response = make_response(_answer(status, say_refusal(error) if is_told else ""))
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _on_collision(error: IntegrityError) -> ResponseReturnValue:
    _log.warning("collision", path=request.path, why=str(error.orig))
    return _answer(409)


def _on_misfit(error: DataError) -> ResponseReturnValue:
    # SQLite takes almost anything; PostgreSQL refuses what does not fit a column.
    _log.warning("misfit", path=request.path, why=str(error.orig))
    return _answer(422, _("Something in it cannot be stored or looked for. Change it and repeat."))


def _on_fault(error: Exception) -> ResponseReturnValue:
    _log.error("fault", path=request.path, method=request.method, exc_info=error)
    return _answer(500)


def wants_small() -> bool:
    """Whether a script asked, which cannot use a whole page."""
    if request.headers.get("HX-Request") or request.blueprint == "api":
        return True
    best = request.accept_mimetypes.best_match(
        ["text/html", "application/json", "text/event-stream"]
    )
    return best is not None and best != "text/html"


def _answer(status: int, sentence: str = "") -> ResponseReturnValue:
    if request.headers.get("HX-Request"):
        text = sentence or _("That did not work. Load the page again.")
        return f'<p class="mw-fault" role="alert">{escape(text)}</p>', status
    if wants_small():
        return jsonify({"error": {"status": status, "message": sentence}}), status
    return _page(status, sentence), status


def _page(status: int, sentence: str) -> str:
    if sentence:
        return render_template(
            "errors/error.html",
            heading=_HEADINGS.get(status, lambda: _("This could not be done"))(),
            sentence=sentence,
            picture="warning",
            request_id=g.get("request_id"),
        )
    known = status if status in PAGES else 400 if status < 500 else 500
    return render_template(f"errors/{known}.html", request_id=g.get("request_id"))


_HEADINGS = {
    403: lambda: _("You may not do this"),
    409: lambda: _("This does not fit what is there"),
    422: lambda: _("This cannot be used as it is"),
}
