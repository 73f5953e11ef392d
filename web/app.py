"""The portal as a WSGI application: the list of everything the site is made of."""

from flask import Flask
from jinja2 import StrictUndefined

from web.api import version_one
from web.assets import install_assets
from web.auth import install_auth, public
from web.errors import install_errors
from web.filters import install_filters
from web.navigation import install_navigation
from web.portal import (
    administration,
    catalogue,
    fleet_map,
    health,
    home,
    language,
    machines,
    me,
    offer_catalogue,
    offers,
    organisations,
    people,
    quarantine,
    reports,
    search,
    sign_in,
    sites,
    tickets,
    views,
)
from web.portal.account import (
    api_tokens,
    confirm,
    identity_provider,
    invitations,
    members,
    passkeys,
    second_factor,
    security,
    sign_in_policy,
    single_sign_on,
)
from web.portal.devices import claims, inventory
from web.portal.live import install_live
from web.portal.parties import (
    former,
    sharing,
    sub_dealers,
    switching,
    transfers,
)
from web.read_log import install_read_log
from web.request_scope import Portal, bind_runtime
from web.runtime import WebRuntime
from web.security import install_security
from web.wording.languages import install_languages


class Missing(StrictUndefined):
    """A value that a template was not given: may be asked for, fails when it is shown."""

    def __bool__(self) -> bool:  # type: ignore[override]  # the parent refuses by returning Never
        return False


AREAS = (
    sign_in,
    home,
    search,
    machines,
    transfers,
    former,
    sharing,
    sub_dealers,
    switching,
    reports,
    tickets,
    views,
    fleet_map,
    offers,
    offer_catalogue,
    quarantine,
    catalogue,
    administration,
    inventory,
    claims,
    people,
    organisations,
    sites,
    me,
    security,
    second_factor,
    passkeys,
    api_tokens,
    confirm,
    sign_in_policy,
    identity_provider,
    single_sign_on,
    invitations,
    members,
    language,
    health,
    version_one,
)


def create_app(runtime: WebRuntime) -> Flask:
    """The application on a runtime; starts and opens nothing."""
    app = Portal("web", static_folder=None)
    app.secret_key = runtime.secret_key
    app.config["SECRET_KEY_FALLBACKS"] = list(runtime.earlier_keys)
    app.jinja_env.undefined = Missing
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    bind_runtime(app, runtime)
    install_languages(app)
    install_errors(app)
    install_security(
        app,
        is_secure=runtime.is_secure,
        trusted_hosts=runtime.trusted_hosts,
        proxies=runtime.proxies,
    )
    install_assets(app)
    public(app.view_functions["assets.deliver"])
    install_auth(app)
    install_filters(app)
    install_navigation(app)
    install_live(app, runtime)
    install_read_log(app)
    for area in AREAS:
        app.register_blueprint(area.blueprint)
    # A device has no page that could hand it a form's token.
    app.extensions["csrf"].exempt(claims.redeem)
    return app
