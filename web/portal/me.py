"""One's own page: what one was told, and one's password."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from devices.fleet import list_metric_labels
from foundation.identity.directory import change_password
from services.notifications.queries import count_unread, list_notifications, mark_read
from web.forms import PasswordForm, attempt
from web.pages.parts import Action
from web.portal.live import live_addresses
from web.request_scope import get_session, now
from web.wording.translate import gettext as _

blueprint = Blueprint("me", __name__)


@blueprint.get("/me")
def show() -> ResponseReturnValue:
    """Notices first, newest on top; then the account."""
    return _page(PasswordForm())


@blueprint.post("/me/notices/read")
def read_all() -> ResponseReturnValue:
    """Marks all notices as read."""
    mark_read(get_session(), at=now())
    return redirect(url_for("me.show"), 303)


@blueprint.post("/me/password")
def set_password() -> ResponseReturnValue:
    """Changes the password and ends all other sessions."""
    form = PasswordForm(request.form)
    if attempt(form, lambda: _change(form)) is None:
        return _page(form), 422
    flash(_("Your password is changed. You were signed out everywhere else."), "success")
    return redirect(url_for("me.show"), 303)


def _change(form: PasswordForm) -> bool:
    change_password(
        get_session(),
        person_id=current_user.scope.person_id,
        present=form.present.data or "",
        new=form.password.data or "",
        login_id=current_user.login_id,
        at=now(),
    )
    return True


def _page(form: PasswordForm) -> str:
    session = get_session()
    return render_template(
        "me/show.html",
        form=form,
        unread=count_unread(session),
        notices=list_notifications(session, cursor=request.args.get("cursor")),
        metrics=_all_labels(),
        actions=[Action(_("Mark all as read"), action=url_for("me.read_all"), icon="check")],
        **live_addresses(),
    )


def _all_labels() -> dict[str, str]:
    """Names of metrics whatever their model: a notice does not say which model it is about."""
    found: dict[str, str] = {}
    for of_model in list_metric_labels(get_session()).values():
        found.update(of_model)
    return found
