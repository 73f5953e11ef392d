"""People: who of one's own organisation signs in; entered one by one or as a list."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from foundation.csv_rows import RowResult, decode_text
from foundation.identity.directory import get_own_organisation, list_people
from foundation.identity.models import Person
from foundation.identity.people import PEOPLE_COLUMNS, create_person, import_people
from foundation.identity.scope import ROLES_OF_KIND, Role
from web.csv_files import csv_template
from web.forms import PersonForm, UploadForm, attempt, choice, read_upload, submitted
from web.pages.parts import Action
from web.request_scope import get_session, now, require
from web.wording import labels
from web.wording.translate import gettext as _

blueprint = Blueprint("people", __name__)
_require = require(Act.ADMINISTER_PEOPLE)


@blueprint.get("/administration/people")
@_require
def index() -> ResponseReturnValue:
    """The people of one's own organisation."""
    home = get_own_organisation(get_session())
    people = list_people(get_session(), home.id)
    acts = [
        Action(_("Invite a person"), url_for("invitations.index"), icon="mail", primary=True),
        Action(_("Enter a person"), url_for("people.new"), icon="plus"),
    ]
    return render_template("people/index.html", home=home, people=people, actions=acts)


@blueprint.get("/administration/people/new")
@_require
def new() -> ResponseReturnValue:
    """The form for a person."""
    return render_template("people/edit.html", form=_with_roles(PersonForm()))


@blueprint.post("/administration/people")
@_require
def create() -> ResponseReturnValue:
    """Enters a person of one's own organisation."""
    form = _with_roles(PersonForm(request.form))
    person = attempt(form, lambda: _create(form))
    if person is None:
        return render_template("people/edit.html", form=form), 422
    flash(_("%(name)s is entered.", name=person.name), "success")
    return redirect(url_for("people.index"), 303)


@blueprint.get("/administration/people/import")
@_require
def import_page() -> ResponseReturnValue:
    """The form for a list of people."""
    return render_template("people/import.html", form=UploadForm(), results=None)


@blueprint.post("/administration/people/import")
@_require
def import_list() -> ResponseReturnValue:
    """Enters each row; a refused one is left out and says why."""
    form = UploadForm(submitted())
    results = attempt(form, lambda: _import(form))
    status = 422 if results is None else 200
    return render_template("people/import.html", form=form, results=results), status


@blueprint.get("/administration/people/template.csv")
@_require
def template() -> ResponseReturnValue:
    """An empty list with its header and one example."""
    home = get_own_organisation(get_session())
    role = ROLES_OF_KIND[home.kind][-1]
    example = (home.name, home.kind.value, "Kim Berger", "kim.berger@example.com", role.value)
    return csv_template("people.csv", PEOPLE_COLUMNS, example)


def _with_roles(form: PersonForm) -> PersonForm:
    roles = ROLES_OF_KIND[get_own_organisation(get_session()).kind]
    form.role.choices = [choice(role.value, labels.ROLES[role]) for role in roles]
    return form


def _create(form: PersonForm) -> Person:
    return create_person(
        get_session(),
        email=form.email.data or "",
        name=form.name.data or "",
        organisation=get_own_organisation(get_session()),
        role=Role(form.role.data),
        password=form.password.data or None,
        at=now(),
    )


def _import(form: UploadForm) -> list[RowResult]:
    text = decode_text(read_upload(form.file))
    return list(import_people(get_session(), text, at=now()))
