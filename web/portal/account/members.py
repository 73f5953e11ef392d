"""One person of one's own organisation: their roles and sessions, and taking both away."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from foundation.errors import NotFound
from foundation.identity.logins import end_member_logins, get_member, take_role
from foundation.identity.scope import Role
from web.request_scope import get_session, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("members", __name__)
_require = require(Act.ADMINISTER_PEOPLE)


@blueprint.get("/administration/people/<id:person_id>")
@_require
def show(person_id: int) -> ResponseReturnValue:
    """The person's roles, and where they are signed in."""
    return render_template("members/show.html", one=get_member(get_session(), person_id, at=now()))


@blueprint.post("/administration/people/<id:person_id>/sessions/end")
@_require
def end_sessions(person_id: int) -> ResponseReturnValue:
    """Signs the person out everywhere."""
    end_member_logins(get_session(), person_id, at=now())
    flash(_("The person is signed out everywhere."), "success")
    return redirect(url_for("members.show", person_id=person_id), 303)


@blueprint.post("/administration/people/<id:person_id>/roles/take")
@_require
def take(person_id: int) -> ResponseReturnValue:
    """Takes a role from the person, who is out of it at once."""
    given = request.form.get("role", "")
    if given not in set(Role):
        raise NotFound("There is no such person.")
    take_role(get_session(), person_id, Role(given), at=now())
    flash(_("The role is taken away."), "success")
    return redirect(url_for("people.index"), 303)
