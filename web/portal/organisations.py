"""Organisations: the dealers and customers that a manufacturer works with."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from foundation.identity.directory import list_organisations
from foundation.identity.models import Organisation
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind
from web.forms import OrganisationForm, attempt
from web.pages.parts import Action
from web.request_scope import get_session, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("organisations", __name__)
_require = require(Act.ADMINISTER_ASSETS)


@blueprint.get("/administration/organisations")
@_require
def index() -> ResponseReturnValue:
    """All of them by name."""
    organisations = list_organisations(get_session())
    new_one = Action(
        _("Enter an organisation"), url_for("organisations.new"), icon="plus", primary=True
    )
    return render_template(
        "organisations/index.html", organisations=organisations, actions=[new_one]
    )


@blueprint.get("/administration/organisations/new")
@_require
def new() -> ResponseReturnValue:
    """The form for one."""
    return render_template("organisations/edit.html", form=OrganisationForm())


@blueprint.post("/administration/organisations")
@_require
def create() -> ResponseReturnValue:
    """Enters a dealer or a customer."""
    form = OrganisationForm(request.form)
    made = attempt(form, lambda: _create(form))
    if made is None:
        return render_template("organisations/edit.html", form=form), 422
    flash(_("%(name)s is entered.", name=made.name), "success")
    return redirect(url_for("organisations.index"), 303)


def _create(form: OrganisationForm) -> Organisation:
    return create_organisation(
        get_session(),
        kind=OrganisationKind(form.kind.data),
        name=form.name.data or "",
        time_zone=form.time_zone.data or "UTC",
        at=now(),
    )
