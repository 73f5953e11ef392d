"""The identity provider of one's own organisation: entering, changing and removing it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from foundation.identity import providers
from foundation.identity.providers import IdentityProvider, ProviderEntry
from foundation.outgoing import check_address
from web.auth import recently
from web.forms import attempt
from web.request_scope import get_runtime, get_session, get_vault, now, require
from web.sign_in_forms import ProviderForm
from web.wording.translate import gettext as _

blueprint = Blueprint("identity_provider", __name__)
_require = require(Act.ADMINISTER_PEOPLE)


@blueprint.get("/administration/sign-in/provider")
@_require
@recently
def show() -> ResponseReturnValue:
    """The form, filled with what is there; the secret is never shown."""
    found = providers.find_own_provider(get_session())
    return _page(_fill(found) if found else ProviderForm())


@blueprint.post("/administration/sign-in/provider")
@_require
@recently
def save() -> ResponseReturnValue:
    """Enters or changes the provider."""
    form = ProviderForm(request.form)
    if attempt(form, lambda: _save(form)) is None:
        return _page(form), 422
    flash(_("The provider is saved."), "success")
    return redirect(url_for("identity_provider.show"), 303)


@blueprint.post("/administration/sign-in/provider/remove")
@_require
@recently
def remove() -> ResponseReturnValue:
    """Forgets the provider; its people need passwords again."""
    providers.remove_provider(get_session(), at=now())
    return redirect(url_for("sign_in_policy.show"), 303)


def _save(form: ProviderForm) -> IdentityProvider:
    entry = ProviderEntry(
        issuer=check_address(form.issuer.data or "", get_runtime().private_hosts),
        client_id=form.client_id.data or "",
        client_secret=form.client_secret.data or "",
        domain=form.domain.data or "",
        group_claim=form.group_claim.data or "",
        roles=form.roles.data or "",
    )
    return providers.save_provider(get_session(), entry, vault=get_vault(), at=now())


def _fill(found: IdentityProvider) -> ProviderForm:
    lines = [f"{group} = {role}" for group, role in found.roles.items()]
    return ProviderForm(
        data={
            "issuer": found.issuer,
            "client_id": found.client_id,
            "domain": found.domain,
            "group_claim": found.group_claim,
            "roles": "\n".join(lines),
        }
    )


def _page(form: ProviderForm) -> str:
    return render_template(
        "identity_provider/show.html",
        form=form,
        is_there=providers.find_own_provider(get_session()) is not None,
        answer_url=url_for("single_sign_on.finish", _external=True),
    )
