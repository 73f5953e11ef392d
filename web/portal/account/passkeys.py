"""Passkeys: adding and removing one's own, and signing in by one."""

from urllib.parse import urlsplit

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.identity import passkeys
from foundation.identity.models import LoginMethod
from foundation.identity.passkeys import Begun, Passkey, Site
from foundation.identity.sessions import open_login, set_method
from web.auth import (
    describe_client,
    get_attempt,
    public,
    recently,
    remember,
    remember_attempt,
    safe_next,
)
from web.forms import attempt
from web.request_scope import get_session, keep_despite_refusal, now
from web.sign_in_forms import PasskeyForm, SignInForm
from web.wording.translate import gettext as _

blueprint = Blueprint("passkeys", __name__)


@blueprint.get("/me/passkeys")
@recently
def index() -> ResponseReturnValue:
    """One's passkeys, and the form to add one."""
    return _page(PasskeyForm())


@blueprint.post("/me/passkeys/options")
@recently
def begin() -> ResponseReturnValue:
    """What the browser needs to make one, as JSON."""
    return _hand_out(passkeys.begin_adding(get_session(), person_id=_me(), site=_site(), at=now()))


@blueprint.post("/me/passkeys")
@recently
def add() -> ResponseReturnValue:
    """Keeps the one that the browser made."""
    form = PasskeyForm(request.form)
    if attempt(form, lambda: _add(form)) is None:
        return _page(form), 422
    flash(_("The passkey is added."), "success")
    return redirect(url_for("passkeys.index"), 303)


@blueprint.post("/me/passkeys/<id:passkey_id>/remove")
@recently
def remove(passkey_id: int) -> ResponseReturnValue:
    """Forgets one of one's passkeys."""
    passkeys.remove(get_session(), passkey_id, at=now())
    return redirect(url_for("passkeys.index"), 303)


@blueprint.post("/sign-in/passkey/options")
@public
def begin_sign_in() -> ResponseReturnValue:
    """What the browser needs to use one, as JSON."""
    return _hand_out(passkeys.begin_using(get_session(), site=_site(), at=now()))


@blueprint.post("/sign-in/passkey")
@public
def sign_in() -> ResponseReturnValue:
    """Starts a session of whose passkey signed."""
    form = PasskeyForm(request.form)
    token = attempt(form, lambda: _open(form))
    if not token:
        shown = SignInForm(data={"next": form.next.data})
        shown.form_errors = [*form.form_errors, _("This passkey does not sign anybody in here.")]
        return render_template("sign_in/show.html", form=shown), 422
    return remember(redirect(safe_next(form.next.data), 303), token)


def _open(form: PasskeyForm) -> str:
    person = passkeys.use(
        get_session(),
        site=_site(),
        token=get_attempt(),
        credential=form.credential.data or "",
        at=now(),
    )
    # An attempt is used up, whatever comes of it.
    keep_despite_refusal()
    if person is None:
        return ""
    return open_login(
        get_session(),
        person=person,
        at=now(),
        client=describe_client(),
        method=LoginMethod.PASSKEY,
    )


def _add(form: PasskeyForm) -> Passkey:
    made = passkeys.add(
        get_session(),
        person_id=_me(),
        site=_site(),
        token=get_attempt(),
        credential=form.credential.data or "",
        name=form.name.data or "",
        at=now(),
    )
    # To make one, the device has just checked its user.
    set_method(get_session(), current_user.login_id, LoginMethod.PASSKEY)
    return made


def _hand_out(begun: Begun) -> ResponseReturnValue:
    return remember_attempt(jsonify(begun.options), begun.token)


def _site() -> Site:
    return Site(urlsplit(request.host_url).hostname or "", request.host_url.rstrip("/"))


def _page(form: PasskeyForm) -> str:
    known = passkeys.list_passkeys(get_session(), _me())
    return render_template("passkeys/index.html", form=form, passkeys=known)


def _me() -> int:
    return int(current_user.scope.person_id)
