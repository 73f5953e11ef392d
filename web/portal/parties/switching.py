"""Acting in another organisation: a person with several roles changes between them."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.identity.scope import Scope
from foundation.identity.switching import switch_role
from web.auth import remember
from web.request_scope import as_id, get_runtime, now

blueprint = Blueprint("switching", __name__)


@blueprint.post("/me/role")
def switch() -> ResponseReturnValue:
    """Goes on in another role, under a new token."""
    number = request.form.get("membership", type=as_id) or 0
    # What a person is in other organisations the session of the present one does not see.
    with get_runtime().database.transaction(Scope.system("sign-in")) as session:
        token = switch_role(
            session, login_id=current_user.login_id, membership_id=number, at=now()
        )
    return remember(redirect(url_for("home.show"), 303), token)
