"""Invitations: making, renewing and withdrawing them, and the page that their link opens."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from devices.access import Act
from foundation.identity import invitations
from foundation.identity.directory import get_own_organisation
from foundation.identity.models import Person
from foundation.identity.scope import ROLES_OF_KIND, Role
from web.auth import public
from web.forms import attempt, choice
from web.request_scope import get_session, keep_despite_refusal, now, require
from web.sign_in_forms import AcceptForm, InvitationForm
from web.wording import labels
from web.wording.translate import gettext as _

blueprint = Blueprint("invitations", __name__)
_require = require(Act.ADMINISTER_PEOPLE)


@blueprint.get("/administration/invitations")
@_require
def index() -> ResponseReturnValue:
    """Who is invited, and the form to invite somebody."""
    return _page(_with_roles(InvitationForm()))


@blueprint.post("/administration/invitations")
@_require
def create() -> ResponseReturnValue:
    """Invites somebody and shows the link, this once."""
    form = _with_roles(InvitationForm(request.form))
    token = attempt(form, lambda: _invite(form))
    if token is None:
        return _page(form), 422
    return _page(_with_roles(InvitationForm()), token=token)


@blueprint.post("/administration/invitations/<id:invitation_id>/renew")
@_require
def renew(invitation_id: int) -> ResponseReturnValue:
    """A new link in place of the old one."""
    token = invitations.renew(get_session(), invitation_id, at=now())
    return _page(_with_roles(InvitationForm()), token=token)


@blueprint.post("/administration/invitations/<id:invitation_id>/withdraw")
@_require
def withdraw(invitation_id: int) -> ResponseReturnValue:
    """Takes an invitation back."""
    invitations.withdraw(get_session(), invitation_id, at=now())
    return redirect(url_for("invitations.index"), 303)


@blueprint.get("/invitation")
@public
def show() -> ResponseReturnValue:
    """What the link offers; who is signed in signs out first."""
    if current_user.is_authenticated:
        return render_template("invitations/signed_in.html")
    return _offer(AcceptForm(data={"token": request.args.get("token", "")}))


@blueprint.post("/invitation")
@public
def accept() -> ResponseReturnValue:
    """Joins the organisation; signing in comes after, with all that it asks for."""
    if current_user.is_authenticated:
        return render_template("invitations/signed_in.html"), 409
    form = AcceptForm(request.form)
    if attempt(form, lambda: _accept(form)) is None:
        return _offer(form), 422
    flash(_("Welcome. Sign in with your e-mail address and password."), "success")
    return redirect(url_for("sign_in.show"), 303)


def _invite(form: InvitationForm) -> str:
    role = Role(form.role.data)
    return invitations.invite(get_session(), email=form.email.data or "", role=role, at=now())


def _accept(form: AcceptForm) -> Person | None:
    person = invitations.accept(
        get_session(),
        token=form.token.data or "",
        name=form.name.data or "",
        password=form.password.data or "",
        address=request.remote_addr or "unknown",
        at=now(),
    )
    if person is None:
        keep_despite_refusal()
        form.form_errors.append(_("E-mail address or password is wrong."))
    return person


def _offer(form: AcceptForm) -> str:
    offer = invitations.read_offer(get_session(), form.token.data or "", at=now())
    return render_template("invitations/show.html", form=form, offer=offer)


def _with_roles(form: InvitationForm) -> InvitationForm:
    roles = ROLES_OF_KIND[get_own_organisation(get_session()).kind]
    form.role.choices = [choice(role.value, labels.ROLES[role]) for role in roles]
    return form


def _page(form: InvitationForm, token: str = "") -> str:
    link = url_for("invitations.show", token=token, _external=True) if token else ""
    return render_template(
        "invitations/index.html",
        form=form,
        link=link,
        waiting=invitations.list_open(get_session()),
    )
