"""Signing in through one's organisation's own provider (OpenID Connect).

No database session is held while the provider is asked.
"""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from foundation.identity import attempts, oidc, providers
from foundation.identity.models import LoginMethod
from foundation.identity.oidc import ProviderAccess
from foundation.identity.providers import IdentityProvider
from foundation.identity.scope import Scope
from foundation.identity.sessions import open_login
from web.auth import describe_client, get_attempt, public, remember, remember_attempt, safe_next
from web.forms import attempt
from web.request_scope import get_runtime, get_vault, now
from web.sign_in_forms import OrganisationSignInForm

blueprint = Blueprint("single_sign_on", __name__)
_PORTAL = Scope.system("sign-in")
_PURPOSE = "provider"


@blueprint.get("/sign-in/organisation")
@public
def show() -> ResponseReturnValue:
    """Asks for the e-mail address, which says whose provider to go to."""
    form = OrganisationSignInForm(data={"next": request.args.get("next", "")})
    return render_template("single_sign_on/show.html", form=form, url="")


@blueprint.post("/sign-in/organisation")
@public
def begin() -> ResponseReturnValue:
    """Begins an attempt, and shows the link to the provider."""
    form = OrganisationSignInForm(request.form)
    begun = attempt(form, lambda: _begin(form))
    if begun is None:
        return render_template("single_sign_on/show.html", form=form, url=""), 422
    url, token = begun
    page = render_template("single_sign_on/show.html", form=form, url=url)
    return remember_attempt(make_response(page), token)


@blueprint.get("/sign-in/organisation/answer")
@public
def finish() -> ResponseReturnValue:
    """Takes the provider's answer and starts a session."""
    if current_user.is_authenticated:
        return redirect(safe_next(None))
    with get_runtime().database.transaction(_PORTAL) as session:
        expected = attempts.take_attempt(session, purpose=_PURPOSE, token=get_attempt(), at=now())
        provider = providers.get_provider(session, expected["provider_id"])
    claims = oidc.read_answer(
        _access(provider),
        expected,
        state=request.args.get("state", ""),
        code=request.args.get("code", "")[:4_000],
        at=now(),
    )
    return remember(redirect(safe_next(expected["next"])), _open(provider, claims))


def _begin(form: OrganisationSignInForm) -> tuple[str, str]:
    database = get_runtime().database
    with database.session(_PORTAL) as session:
        provider = providers.find_provider(session, form.email.data or "")
    question = oidc.ask(_access(provider))
    expected = question.expected | {"provider_id": provider.id, "next": form.next.data or ""}
    with database.transaction(_PORTAL) as session:
        token = attempts.begin_attempt(session, purpose=_PURPOSE, expected=expected, at=now())
    return question.url, token


def _open(provider: IdentityProvider, claims: providers.Claims) -> str:
    with get_runtime().database.transaction(_PORTAL) as session:
        return open_login(
            session,
            person=providers.admit(session, provider, claims, at=now()),
            organisation_id=provider.organisation_id,
            at=now(),
            client=describe_client(),
            method=LoginMethod.PROVIDER,
        )


def _access(provider: IdentityProvider) -> ProviderAccess:
    return ProviderAccess(
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=get_vault().open(provider.sealed_secret),
        redirect_url=url_for("single_sign_on.finish", _external=True),
        private_hosts=get_runtime().private_hosts,
    )
