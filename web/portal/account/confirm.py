"""Showing once more who one is, before what must not be done from a desk left alone."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.identity import second_factor
from foundation.identity.sessions import check_credentials, confirm_login
from web.auth import get_device, safe_next
from web.forms import attempt
from web.request_scope import get_session, get_vault, keep_despite_refusal, now
from web.sign_in_forms import ConfirmForm
from web.wording.translate import gettext as _

blueprint = Blueprint("confirm", __name__)


@blueprint.get("/me/confirm")
def show() -> ResponseReturnValue:
    """Asks for the password, and for a code where the person has a code maker."""
    return _page(ConfirmForm(data={"next": request.args.get("next", "")}))


@blueprint.post("/me/confirm")
def check() -> ResponseReturnValue:
    """Goes on to where the person wanted."""
    form = ConfirmForm(request.form)
    if not attempt(form, lambda: _check(form)):
        return _page(form), 422
    return redirect(safe_next(form.next.data), 303)


def _check(form: ConfirmForm) -> bool:
    session, person_id = get_session(), current_user.scope.person_id
    person = check_credentials(
        session,
        email=current_user.email,
        password=form.password.data or "",
        address=request.remote_addr or "unknown",
        device=get_device(),
        at=now(),
    )
    if person is None or not _is_code_right(form, person_id):
        keep_despite_refusal()
        form.form_errors.append(_("Password or code is wrong."))
        return False
    confirm_login(session, current_user.login_id, now())
    return True


def _is_code_right(form: ConfirmForm, person_id: int) -> bool:
    if not second_factor.needs_code(get_session(), person_id):
        return True
    code = form.code.data or ""
    return second_factor.try_code(
        get_session(),
        person_id=person_id,
        code=code,
        vault=get_vault(),
        at=now(),
        address=request.remote_addr or "unknown",
    )


def _page(form: ConfirmForm) -> str:
    needs_code = second_factor.needs_code(get_session(), current_user.scope.person_id)
    return render_template("confirm/show.html", form=form, needs_code=needs_code)
