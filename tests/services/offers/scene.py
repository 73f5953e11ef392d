"""A network with compressors that idle, a rule that sells a retrofit, and what people do."""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from sqlalchemy import select

from devices.definitions import read_definition, save_definition
from devices.registration import AssetEntry, register_asset
from foundation.clock import to_ms
from foundation.identity.models import Organisation
from foundation.money import money
from services.offers.consents import set_consent
from services.offers.definitions import (
    RuleDefinition,
    get_rule,
    save_rule,
    switch_rule,
    want_backtest,
)
from services.offers.finding import OfferFinding
from services.offers.models import Offer, OfferRule
from services.offers.moves import Wording, edit_offer, move_offer
from services.offers.rules import Wish
from services.orders.models import Order
from services.orders.ordering import accept_offer, move_order
from telemetry.store.contract import SampleBatch, Store
from tests.network import Network
from tests.services.offers.histories import states

IDLER = """
[equipment_model]
key = "idler"
make = "Ironbridge"
model = "C-37"
kind = "Screw compressor"

[[metrics]]
name = "power"
label = "Power"
unit = "kW"
interval_s = 600

[[metrics]]
name = "running_state"
label = "State"
unit = "1"
interval_s = 600

[[metrics]]
name = "run_hours"
label = "Running hours"
unit = "h"
interval_s = 600
"""

RETROFIT = RuleDefinition(
    key="speed_drive",
    equipment_model="idler",
    kind="idle_energy",
    title="Variable speed drive",
    description="Replaces the fixed drive.",
    price="5000.00",
    dealer_cost="3500.00",
    currency="EUR",
    parameters={"energy_price": 0.2},
)


@dataclass
class OfferScene:
    """A network in which offers are found."""

    network: Network
    store: Store
    finding: OfferFinding = field(init=False)
    asset: int = 0
    other_asset: int = 0

    def __post_init__(self):
        network = self.network
        self.finding = OfferFinding(network.database, self.store, network.clock)
        with network.transaction() as session:
            save_definition(
                session,
                definition=read_definition(IDLER),
                manufacturer=session.get_one(Organisation, network.organisations["maker"]),
                at=self.now,
                check_normal_period=dict,
            )
            self.asset = self._register(session, "C-1", "Harbour Foods", "North Service")
            self.other_asset = self._register(session, "C-2", "Hill Textiles", "South Service")
        self.consent("customer")
        self.consent("other_customer")
        for asset in (self.asset, self.other_asset):
            self.write(asset)

    def _register(self, session, serial, customer, dealer):
        long_ago = self.now - timedelta(days=200)
        entry = AssetEntry(
            equipment_model="idler",
            serial=serial,
            name=f"Compressor {serial}",
            customer=customer,
            dealer=dealer,
            site="Plant 1",
            time_zone="Europe/Berlin",
            device=serial.lower(),
            commissioned_at=long_ago,
        )
        return register_asset(session, entry, at=long_ago)[0].id

    @property
    def now(self):
        return self.network.clock.now()

    def write(self, asset, *, days=40, idle_hours=4.0, power=15.0, end_at=None):
        """Readings of the days before `end_at`; idling for about so long each day."""
        rows = np.arange(days * 144)
        end_ms = to_ms(end_at or self.now)
        at_ms = end_ms - (len(rows) - rows) * 600_000
        hour, day = rows % 144 / 6, rows // 144
        columns = {
            "power": np.full(len(rows), power),
            "running_state": states(hour, day, idle_hours=idle_hours, seed=asset),
            "run_hours": rows / 6.0 * 0.4,
        }
        assets = np.full(len(rows), asset, dtype=np.uint32)
        self.store.write([SampleBatch("idler", assets, at_ms.astype(np.int64), columns)])

    def consent(self, customer, *, is_given=True):
        with self.network.transaction() as session:
            organisation_id = self.network.organisations[customer]
            set_consent(session, organisation_id, is_given=is_given, at=self.now)

    def rule(self, *, is_on=True, **changed) -> int:
        """Saves the rule, tries it on history and switches it on."""
        with self.network.transaction("maker") as session:
            fields = {name: getattr(RETROFIT, name) for name in RETROFIT.__struct_fields__}
            rule = save_rule(session, RuleDefinition(**(fields | changed)), at=self.now)
            rule_id = rule.id
        if is_on:
            self.try_rule(rule_id)
            self.switch(rule_id)
        return rule_id

    def try_rule(self, rule_id):
        with self.network.transaction("maker") as session:
            want_backtest(session, get_rule(session, rule_id), at=self.now)
        self.finding.step()

    def switch(self, rule_id, *, is_enabled=True):
        with self.network.transaction("maker") as session:
            switch_rule(session, get_rule(session, rule_id), is_enabled=is_enabled, at=self.now)

    def find(self) -> list[Offer]:
        self.finding.step()
        return self.offers()

    def offers(self, person=None) -> list[Offer]:
        with self.session(person) as session:
            return list(session.scalars(select(Offer).order_by(Offer.id)))

    def orders(self, person=None) -> list[Order]:
        with self.session(person) as session:
            return list(session.scalars(select(Order).order_by(Order.id)))

    def get_rule(self, rule_id) -> OfferRule:
        with self.session() as session:
            return session.get_one(OfferRule, rule_id)

    def session(self, person=None):
        return self.network.database.session(self.network.scope(person))

    def move(self, offer_id, move, person="manager", version=1, reason=None) -> Offer:
        with self.network.transaction(person) as session:
            wish = Wish(move, version, reason)
            return move_offer(session, offer_id=offer_id, wish=wish, at=self.now)

    def edit(self, offer_id, *, version=1, price="4500", title="Drive", person="manager"):
        with self.network.transaction(person) as session:
            wording = Wording(version, title, "As agreed.", money(price, "EUR"))
            return edit_offer(session, offer_id=offer_id, wording=wording, at=self.now)

    def accept(self, offer_id, version=1, person="customer") -> Order:
        with self.network.transaction(person) as session:
            return accept_offer(session, offer_id=offer_id, version=version, at=self.now)

    def order_move(self, order_id, move, person="manager", **said) -> Order:
        with self.network.transaction(person) as session:
            return move_order(session, order_id=order_id, move=move, at=self.now, **said)

    def proposed(self) -> int:
        """The offer on the network's own asset, waiting for its dealer's check."""
        self.rule()
        return next(each.id for each in self.find() if each.asset_id == self.asset)
