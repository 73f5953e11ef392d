"""The choice of the portal's language, for whoever is signed in and for the browser."""

from urllib.parse import urlsplit

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.errors import Invalid
from foundation.identity.directory import set_language
from foundation.identity.sessions import ABSOLUTE_LIFE
from web.auth import public, safe_next
from web.request_scope import get_runtime, get_session
from web.wording.languages import COOKIE, LANGUAGES
from web.wording.translate import gettext as _

blueprint = Blueprint("language", __name__)


@blueprint.post("/language")
@public
def choose() -> ResponseReturnValue:
    """Keeps the choice with the person, and in the browser for the page before the sign-in."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        raise Invalid(_("There is no such language."))
    if current_user.is_authenticated:
        set_language(get_session(), person_id=current_user.scope.person_id, language=language)
    response = redirect(safe_next(_find_page_before()), 303)
    response.set_cookie(
        COOKIE,
        language,
        max_age=ABSOLUTE_LIFE,
        secure=get_runtime().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def _find_page_before() -> str | None:
    """Path and query of our page that the choice was made on, if the browser tells."""
    try:
        before = urlsplit(request.referrer or "")
    except ValueError:
        return None
    return (
        before._replace(scheme="", netloc="").geturl() if before.netloc == request.host else None
    )
