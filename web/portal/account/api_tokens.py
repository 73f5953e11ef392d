"""One's tokens for scripts: making one, which is shown once, and revoking them."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from foundation.identity.api_tokens import list_api_tokens, make_api_token, revoke_api_token
from web.auth import recently
from web.forms import attempt
from web.request_scope import get_session, now
from web.sign_in_forms import TokenForm

blueprint = Blueprint("api_tokens", __name__)


@blueprint.get("/me/tokens")
@recently
def index() -> ResponseReturnValue:
    """One's live tokens, and the form for another."""
    return _page(TokenForm())


@blueprint.post("/me/tokens")
@recently
def create() -> ResponseReturnValue:
    """Makes a token and shows it, this once."""
    form = TokenForm(request.form)
    token = attempt(form, lambda: _make(form))
    if token is None:
        return _page(form), 422
    return _page(TokenForm(), token=token)


@blueprint.post("/me/tokens/<id:token_id>/revoke")
@recently
def revoke(token_id: int) -> ResponseReturnValue:
    """Makes a token worthless."""
    revoke_api_token(get_session(), token_id, at=now())
    return redirect(url_for("api_tokens.index"), 303)


def _make(form: TokenForm) -> str:
    return make_api_token(
        get_session(),
        name=form.name.data or "",
        scopes=form.scopes.data or (),
        days=int(form.days.data),
        at=now(),
    )


def _page(form: TokenForm, token: str = "") -> str:
    tokens = list_api_tokens(get_session(), at=now())
    return render_template("api_tokens/index.html", form=form, tokens=tokens, token=token)
