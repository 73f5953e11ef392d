"""How one signs in: the password, and the browsers that are signed in."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.identity.directory import change_password
from foundation.identity.logins import end_other_logins, end_own_login, list_logins
from web.forms import attempt
from web.request_scope import get_session, now
from web.sign_in_forms import PasswordForm
from web.wording.translate import gettext as _

blueprint = Blueprint("security", __name__)


@blueprint.get("/me/security")
def show() -> ResponseReturnValue:
    """Sessions first, then the password."""
    return _page(PasswordForm())


@blueprint.post("/me/password")
def set_password() -> ResponseReturnValue:
    """Changes the password, and ends all other sessions where that was asked for."""
    form = PasswordForm(request.form)
    if attempt(form, lambda: _change(form)) is None:
        return _page(form), 422
    flash(_("Your password is changed."), "success")
    return redirect(url_for("security.show"), 303)


@blueprint.post("/me/sessions/end-others")
def end_others() -> ResponseReturnValue:
    """Ends all sessions but this one."""
    _end_others()
    flash(_("You are signed out everywhere else."), "success")
    return redirect(url_for("security.show"), 303)


@blueprint.post("/me/sessions/<id:login_id>/end")
def end(login_id: int) -> ResponseReturnValue:
    """Ends one of one's own sessions."""
    end_own_login(get_session(), login_id, at=now())
    return redirect(url_for("security.show"), 303)


def _change(form: PasswordForm) -> bool:
    change_password(
        get_session(),
        person_id=current_user.scope.person_id,
        present=form.present.data or "",
        new=form.password.data or "",
        at=now(),
    )
    if form.end_others.data:
        _end_others()
    return True


def _end_others() -> None:
    end_other_logins(
        get_session(),
        person_id=current_user.scope.person_id,
        login_id=current_user.login_id,
        at=now(),
    )


def _page(form: PasswordForm) -> str:
    return render_template(
        "security/show.html",
        form=form,
        logins=list_logins(get_session(), current_user.scope.person_id, at=now()),
        here=current_user.login_id,
    )
