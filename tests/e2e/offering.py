"""Offers in several states and a rule that was tried, before somebody looks round.

What a search would find after weeks of readings is put in; people do the rest in the portal.
"""

import re

from sqlalchemy import select

from devices.assets import Asset
from foundation.clock import SystemClock
from foundation.database import open_database
from foundation.identity.models import Organisation
from foundation.identity.scope import Scope
from services.offers.definitions import write_rule
from services.offers.making import Parties, make_offer
from services.offers.models import OfferRule
from tests.e2e.installed_base import CUSTOMER, MAKER, MANAGER, PASSWORD
from tests.e2e.portal import Portal
from tests.services.offers.scene import IDLER, RETROFIT
from tests.web.offering import FOUND

TO_CHECK, SEEN, ORDERED, VETOED = PUMPS = ("Intake", "Sump", "Booster", "Standby")
_VERSION = {"version": "1"}


def make_offers(served):
    """A rule that was tried; offers to check, with the customer, accepted and vetoed."""
    with Portal.of(served.url, MAKER, PASSWORD) as maker:
        _post(maker, "/catalogue/new", "/catalogue", {"text": IDLER})
        page = "/offers/rules/import"
        _post(maker, page, page, {"text": write_rule(RETROFIT)})
        rule = re.search(r'href="(/offers/rules/\d+)"', maker.get("/offers").text)[1]
        _post(maker, rule, f"{rule}/backtest", {})
    with Portal.of(served.url, CUSTOMER, PASSWORD) as customer:
        _post(customer, "/offers", "/offers/consent", {"given": "yes"})
        found = _find(served)
        with Portal.of(served.url, MANAGER, PASSWORD) as manager:
            for pump in (SEEN, ORDERED):
                _post(manager, found[pump], f"{found[pump]}/send", _VERSION)
            reason = {"reason": "not_fitting"}
            _post(manager, found[VETOED], f"{found[VETOED]}/veto", _VERSION | reason)
        _post(customer, found[SEEN], f"{found[SEEN]}/seen", _VERSION)
        _post(customer, found[ORDERED], f"{found[ORDERED]}/accept", _VERSION)


def _post(portal, page, path, fields):
    portal.get(page)
    assert portal.post(path, fields).status == 303, path


def _find(served):
    """The address of an offer on each of the pumps."""
    database = open_database(f"sqlite:///{served.folder / 'millwright.db'}")
    with database.transaction(Scope.system("test")) as session:
        dealer, customer = (_id(session, name) for name in ("Service North", "Harbour Foods"))
        rule, at, found = session.scalars(select(OfferRule)).one(), SystemClock().now(), {}
        for pump in PUMPS:
            asset = session.scalar(select(Asset.id).where(Asset.name == f"{pump} pump"))
            parties = Parties(asset, dealer, customer)
            made = make_offer(
                session, rule=rule, parties=parties, proposal=FOUND, at=at, is_held_out=False
            )
            found[pump] = f"/offers/{made.id}"
    database.close()
    return found


def _id(session, name):
    return session.scalar(select(Organisation.id).where(Organisation.name == name))
