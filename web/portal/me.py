"""One's own page: what one was told, who one is, language and colours."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.fleet import list_metric_labels
from services.notifications.queries import count_unread, list_notifications, mark_read
from web.pages.parts import Action
from web.portal.live import live_addresses
from web.request_scope import get_session, now
from web.wording.translate import gettext as _

blueprint = Blueprint("me", __name__)


@blueprint.get("/me")
def show() -> ResponseReturnValue:
    """Notices first, newest on top; then the account."""
    session = get_session()
    return render_template(
        "me/show.html",
        unread=count_unread(session),
        notices=list_notifications(session, cursor=request.args.get("cursor")),
        metrics=_all_labels(),
        actions=[Action(_("Mark all as read"), action=url_for("me.read_all"), icon="check")],
        **live_addresses(),
    )


@blueprint.post("/me/notices/read")
def read_all() -> ResponseReturnValue:
    """Marks all notices as read."""
    mark_read(get_session(), at=now())
    return redirect(url_for("me.show"), 303)


def _all_labels() -> dict[str, str]:
    """Names of metrics whatever their model: a notice does not say which model it is about."""
    found: dict[str, str] = {}
    for of_model in list_metric_labels(get_session()).values():
        found.update(of_model)
    return found
