"""Where a dealer stands among dealers: under which one, and which under it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.sub_dealers import end_work_under, get_place, work_under
from foundation.identity.directory import list_organisations
from foundation.identity.people import get_organisation
from foundation.identity.scope import OrganisationKind
from web.forms import attempt
from web.party_forms import ParentForm
from web.request_scope import get_session, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("sub_dealers", __name__)
_require = require(Act.PLACE_DEALER)


@blueprint.get("/administration/dealers")
@_require
def show() -> ResponseReturnValue:
    """The dealer above and those below."""
    return _page(ParentForm())


@blueprint.post("/administration/dealers")
@_require
def begin() -> ResponseReturnValue:
    """Says under which dealer one works; that one sees what one services."""
    form = ParentForm(request.form)
    if attempt(form, lambda: _begin(form)) is None:
        return _page(form), 422
    flash(_("It is recorded. They see the machines that you service."), "success")
    return redirect(url_for("sub_dealers.show"), 303)


@blueprint.post("/administration/dealers/end")
@_require
def end() -> ResponseReturnValue:
    """Stands alone again."""
    end_work_under(get_session(), at=now())
    flash(_("You work under nobody now."), "success")
    return redirect(url_for("sub_dealers.show"), 303)


def _begin(form: ParentForm) -> bool:
    parent = get_organisation(get_session(), form.organisation.data or "")
    work_under(get_session(), parent=parent, at=now())
    return True


def _page(form: ParentForm) -> str:
    dealers = list_organisations(get_session(), OrganisationKind.DEALER)
    return render_template(
        "sub_dealers/show.html",
        form=form,
        place=get_place(get_session()),
        dealers=[each.name for each in dealers],
    )
