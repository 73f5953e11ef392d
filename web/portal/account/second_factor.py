"""One's own code maker: adding it by its QR code, recovery codes, removing it."""

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from foundation.identity import second_factor
from foundation.identity.models import LoginMethod
from foundation.identity.sessions import set_method
from web.auth import recently
from web.forms import attempt
from web.request_scope import get_session, get_vault, now
from web.sign_in_forms import CodeForm
from web.wording.translate import gettext as _

blueprint = Blueprint("second_factor", __name__)


@blueprint.get("/me/second-factor")
@recently
def show() -> ResponseReturnValue:
    """What there is, or how to begin."""
    return _page(CodeForm())


@blueprint.post("/me/second-factor/begin")
@recently
def begin() -> ResponseReturnValue:
    """Makes a new secret for a code maker; it counts once its first code was entered."""
    second_factor.begin(get_session(), person_id=_me(), vault=get_vault(), at=now())
    return redirect(url_for("second_factor.show"), 303)


@blueprint.post("/me/second-factor/confirm")
@recently
def confirm() -> ResponseReturnValue:
    """Checks the first code, and shows the recovery codes this once."""
    form = CodeForm(request.form)
    codes = attempt(form, lambda: _confirm(form))
    if codes is None:
        return _page(form), 422
    return render_template("second_factor/codes.html", codes=codes)


@blueprint.post("/me/second-factor/recovery-codes")
@recently
def renew_codes() -> ResponseReturnValue:
    """New recovery codes in place of the old ones, shown this once."""
    codes = second_factor.renew_recovery_codes(get_session(), person_id=_me(), at=now())
    return render_template("second_factor/codes.html", codes=codes)


@blueprint.post("/me/second-factor/remove")
@recently
def remove() -> ResponseReturnValue:
    """Takes the code maker away; from now on the password alone signs in."""
    second_factor.remove(get_session(), person_id=_me(), at=now())
    set_method(get_session(), current_user.login_id, LoginMethod.PASSWORD)
    flash(_("The code maker is removed."), "success")
    return redirect(url_for("security.show"), 303)


def _confirm(form: CodeForm) -> list[str]:
    codes = second_factor.confirm(
        get_session(), person_id=_me(), code=form.code.data or "", vault=get_vault(), at=now()
    )
    set_method(get_session(), current_user.login_id, LoginMethod.PASSWORD_AND_CODE)
    return codes


def _page(form: CodeForm) -> str:
    session = get_session()
    address = second_factor.find_begun(session, person_id=_me(), vault=get_vault())
    return render_template(
        "second_factor/show.html",
        form=form,
        is_set=second_factor.needs_code(session, _me()),
        left=second_factor.count_recovery_codes(session, _me()),
        picture=_draw(address) if address else "",
        secret=address.split("secret=")[1].split("&")[0] if address else "",
        is_needed=current_user.is_weak,
    )


def _draw(address: str) -> Markup:
    # The library writes the picture itself; nothing of the address stands in it as text.
    return Markup(segno.make(address).svg_inline(scale=5, light="#fff", border=2))  # noqa: S704


def _me() -> int:
    return int(current_user.scope.person_id)
