"""Signing in and out."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.identity.models import LoginSession
from foundation.identity.second_factor import needs_code, try_code
from foundation.identity.sessions import (
    check_credentials,
    end_login,
    find_awaiting,
    finish_awaiting,
    open_login,
)
from web.auth import (
    describe_client,
    forget,
    get_device,
    get_token,
    know_browser,
    public,
    remember,
    safe_next,
)
from web.forms import attempt
from web.request_scope import get_session, get_vault, keep_despite_refusal, now
from web.sign_in_forms import CodeForm, SignInForm
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
    opened = attempt(form, lambda: _open(form))
    if opened is None:
        return render_template("sign_in/show.html", form=form), 422
    token, person_id, awaits_code = opened
    target = safe_next(form.next.data)
    if awaits_code:
        return remember(redirect(url_for("sign_in.ask_code", next=target), 303), token)
    return know_browser(remember(redirect(target, 303), token), person_id)


@blueprint.get("/sign-in/code")
@public
def ask_code() -> ResponseReturnValue:
    """Asks whose password was right for a code as well."""
    if find_awaiting(get_session(), get_token(), now()) is None:
        return redirect(url_for("sign_in.show"))
    form = CodeForm(data={"next": request.args.get("next", "")})
    return render_template("sign_in/code.html", form=form)


@blueprint.post("/sign-in/code")
@public
def check_code() -> ResponseReturnValue:
    """Checks the code and starts a session under another new token."""
    form = CodeForm(request.form)
    waiting = find_awaiting(get_session(), get_token(), now())
    if waiting is None:
        return redirect(url_for("sign_in.show"), 303)
    token = attempt(form, lambda: _finish(form, waiting))
    if not token:
        return render_template("sign_in/code.html", form=form), 422
    answer = remember(redirect(safe_next(form.next.data), 303), token)
    return know_browser(answer, waiting.person_id)


def _finish(form: CodeForm, waiting: LoginSession) -> str:
    session, code = get_session(), form.code.data or ""
    if not try_code(
        session,
        person_id=waiting.person_id,
        code=code,
        vault=get_vault(),
        at=now(),
        address=request.remote_addr or "unknown",
    ):
        keep_despite_refusal()
        form.form_errors.append(_("This code is wrong, or was used already."))
        return ""
    return finish_awaiting(session, waiting, client=describe_client(), at=now())


def _open(form: SignInForm) -> tuple[str, int, bool] | None:
    """A new session's token, its person, and whether a code is still awaited.

    None, with the failure counted, when the password is wrong.
    """
    person = check_credentials(
        get_session(),
        email=form.email.data or "",
        password=form.password.data or "",
        address=request.remote_addr or "unknown",
        device=get_device(),
        at=now(),
    )
    if person is None:
        keep_despite_refusal()
        form.form_errors.append(_("E-mail address or password is wrong."))
        return None
    awaits_code = needs_code(get_session(), person.id)
    token = open_login(
        get_session(),
        person=person,
        at=now(),
        client=describe_client(),
        awaits_code=awaits_code,
    )
    return token, person.id, awaits_code


@blueprint.post("/sign-out")
@public
def leave() -> ResponseReturnValue:
    """Ends the session for good, also on the server."""
    if current_user.is_authenticated:
        end_login(get_session(), current_user.login_id, now())
    return forget(redirect(url_for("sign_in.show"), 303))
