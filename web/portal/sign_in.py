"""Signing in and out."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.identity.sessions import check_credentials, end_login, open_login
from web.auth import forget, public, remember, safe_next
from web.forms import SignInForm, attempt
from web.request_scope import get_session, keep_despite_refusal, now
from web.wording.translate import gettext as _

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@public
def show() -> ResponseReturnValue:
    """The form; who is signed in goes on to where they wanted."""
    if current_user.is_authenticated:
        return redirect(safe_next(request.args.get("next")))
    form = SignInForm(data={"next": request.args.get("next", "")})
    return render_template("sign_in/show.html", form=form)


@blueprint.post("/sign-in")
@public
def enter() -> ResponseReturnValue:
    """Checks the password and starts a session under a new token."""
    form = SignInForm(request.form)
    if current_user.is_authenticated:
        return redirect(safe_next(form.next.data), 303)
    token = attempt(form, lambda: _open(form))
    if not token:
        return render_template("sign_in/show.html", form=form), 422
    return remember(redirect(safe_next(form.next.data), 303), token)


def _open(form: SignInForm) -> str:
    """The token of a new session; empty, with the failure counted, when the password is wrong."""
    person = check_credentials(
        get_session(),
        email=form.email.data or "",
        password=form.password.data or "",
        address=request.remote_addr or "unknown",
        at=now(),
    )
    if person is None:
        keep_despite_refusal()
        form.form_errors.append(_("E-mail address or password is wrong."))
        return ""
    return open_login(get_session(), person=person, at=now())


@blueprint.post("/sign-out")
@public
def leave() -> ResponseReturnValue:
    """Ends the session for good, also on the server."""
    if current_user.is_authenticated:
        end_login(get_session(), current_user.login_id, now())
    return forget(redirect(url_for("sign_in.show"), 303))
