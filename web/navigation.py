"""The frame of every page: the places of a role, who is signed in, the clock, the addresses."""

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from flask_login import current_user

from devices.access import Act
from devices.sharing.queries import count_to_decide
from foundation.clock import ScaledClock, to_ms
from foundation.identity.scope import Role
from foundation.identity.switching import list_other_roles
from services.notifications.queries import count_unread
from web.pages.parts import Place
from web.request_scope import get_runtime, get_session, has_session, may
from web.wording import labels
from web.wording.languages import LANGUAGES, choose_language


@dataclass(frozen=True, slots=True)
class _Entry:
    """One place: where it is, and which blueprints belong to it."""

    label: LazyString
    endpoint: str
    icon: str
    blueprints: tuple[str, ...]


_OF_MACHINES = ("machines", "reports", "views", "fleet_map", "transfers", "former")
_HOME = _Entry(_("Home"), "home.show", "home", ("home",))
_TODAY = _Entry(_("Today"), "home.show", "today", ("home",))
_MACHINES = _Entry(_("Machines"), "machines.index", "machines", _OF_MACHINES)
_FLEET = _Entry(_("Fleet"), "machines.index", "fleet", _OF_MACHINES)
_QUEUE = _Entry(_("Queue"), "tickets.index", "queue", ("tickets",))
_TICKETS = _Entry(_("Tickets"), "tickets.index", "ticket", ("tickets",))
_REQUESTS = _Entry(_("Requests"), "tickets.index", "requests", ("tickets",))
_OFFERS = _Entry(_("Offers"), "offers.index", "offers", ("offers", "offer_rules"))
_QUARANTINE = _Entry(_("Quarantine"), "quarantine.index", "quarantine", ("quarantine",))
_CATALOGUE = _Entry(_("Catalogue"), "catalogue.index", "catalogue", ("catalogue",))
_ADMINISTRATION = _Entry(
    _("Administration"),
    "administration.index",
    "administration",
    (
        "administration",
        "people",
        "members",
        "invitations",
        "sign_in_policy",
        "identity_provider",
        "sub_dealers",
    ),
)
_DATA = _Entry(_("Data"), "sharing.show", "lock", ("sharing",))
_ME = _Entry(
    _("Me"),
    "me.show",
    "me",
    ("me", "security", "second_factor", "passkeys", "api_tokens", "confirm"),
)

# On a phone the first four stand at the foot, the others under "more".
PLACES: dict[Role, tuple[_Entry, ...]] = {
    Role.MANUFACTURER: (
        _HOME,
        _FLEET,
        _TICKETS,
        _OFFERS,
        _QUARANTINE,
        _CATALOGUE,
        _ADMINISTRATION,
    ),
    Role.DEALER_MANAGER: (_HOME, _QUEUE, _MACHINES, _OFFERS, _ME, _DATA, _ADMINISTRATION),
    Role.TECHNICIAN: (_TODAY, _QUEUE, _MACHINES, _ME),
    Role.CUSTOMER: (_HOME, _MACHINES, _REQUESTS, _OFFERS, _DATA, _ME),
}


@dataclass(frozen=True, slots=True)
class _Named:
    """An organisation, as far as the frame names it."""

    name: str


def install_navigation(app: Flask) -> None:
    """Gives every template what the frame needs."""
    app.context_processor(_frame)


def _frame() -> dict[str, Any]:
    clock = get_runtime().clock
    always = {
        "language": choose_language(),
        "languages": LANGUAGES,
        "clock_now_ms": to_ms(clock.now()),
        "clock_speed": clock.speed if isinstance(clock, ScaledClock) else 1,
    }
    if not current_user.is_authenticated:
        return always
    return always | {
        "person": current_user,
        "organisation": _Named(current_user.organisation),
        "role": current_user.scope.role,
        "role_label": labels.ROLES[current_user.scope.role],
        "navigation": list_places(current_user.scope.role),
        "me_url": url_for("me.show"),
        "other_roles": list_other_roles(get_session()) if has_session() else [],
        "search_url": url_for("search.find"),
        "sign_out_url": url_for("sign_in.leave"),
    }


def list_places(role: Role) -> list[Place]:
    """The places of a role; unread notices and requests for data are counted at theirs."""
    is_open = has_session()
    counts = {
        _ME: count_unread(get_session()) if is_open else 0,
        _DATA: count_to_decide(get_session()) if is_open and may(Act.GRANT_DATA) else 0,
    }
    return [
        Place(
            label=str(entry.label),
            url=url_for(entry.endpoint),
            icon=entry.icon,
            active=request.blueprint in entry.blueprints,
            count=counts.get(entry) or None,
        )
        for entry in PLACES[role]
    ]
