"""Views of the fleet list that a person keeps under a name."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from devices.access import Act
from foundation.errors import Conflict, Invalid
from foundation.identity.preferences import delete_view, list_views, rename_view, save_view
from web.pages.fleet_list import VIEWS_PAGE
from web.pages.fleet_view import read_view
from web.request_scope import get_session, give_up, now, require
from web.wording.translate import gettext as _
from web.wording.translate import say_refusal

blueprint = Blueprint("views", __name__)
_require = require(Act.SEE_FLEET)


@blueprint.get("/machines/views")
@_require
def index() -> ResponseReturnValue:
    """The kept views, each to be opened, renamed or deleted."""
    return render_template("machines/views.html", views=list_views(get_session(), VIEWS_PAGE))


@blueprint.post("/machines/views")
@_require
def save() -> ResponseReturnValue:
    """Keeps the view that the form's fields describe."""
    query = read_view(request.form).query()
    try:
        name = request.form.get("name", "")
        view = save_view(get_session(), page=VIEWS_PAGE, name=name, query=query, at=now())
    except Invalid as error:
        give_up()
        flash(say_refusal(error), "error")
    else:
        flash(_("The view “%(name)s” is kept.", name=view.name), "success")
    return redirect(url_for("machines.index", **query), 303)  # type: ignore[arg-type]  # parts of an address are text


@blueprint.post("/machines/views/<id:view_id>")
@_require
def rename(view_id: int) -> ResponseReturnValue:
    """Gives a kept view another name."""
    try:
        rename_view(get_session(), view_id, request.form.get("name", ""))
    except (Invalid, Conflict) as error:
        give_up()
        flash(say_refusal(error), "error")
    else:
        flash(_("The view is renamed."), "success")
    return _back()


@blueprint.post("/machines/views/<id:view_id>/delete")
@_require
def delete(view_id: int) -> ResponseReturnValue:
    """Forgets a kept view."""
    delete_view(get_session(), view_id)
    flash(_("The view is deleted."), "success")
    return _back()


def _back() -> Response:
    return redirect(url_for("views.index"), 303)
