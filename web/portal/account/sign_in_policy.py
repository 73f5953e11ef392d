"""How an organisation's people sign in: whether a password alone is enough for staff."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from foundation.identity.directory import get_own_organisation, set_second_factor_policy
from web.auth import recently
from web.request_scope import get_session, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("sign_in_policy", __name__)
_require = require(Act.ADMINISTER_PEOPLE)


@blueprint.get("/administration/sign-in")
@_require
@recently
def show() -> ResponseReturnValue:
    """The organisation's rule."""
    return render_template("sign_in_policy/show.html", home=get_own_organisation(get_session()))


@blueprint.post("/administration/sign-in/second-factor")
@_require
@recently
def set_second_factor() -> ResponseReturnValue:
    """Asks for more than a password from now on, or no longer."""
    wanted = request.form.get("required") == "yes"
    set_second_factor_policy(get_session(), is_required=wanted, at=now())
    flash(_("The rule is changed."), "success")
    return redirect(url_for("sign_in_policy.show"), 303)
