"""A small network of three parties for tests, made by the functions that users' acts call."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from devices.definitions import read_definition, save_definition
from devices.registration import AssetEntry, register_asset
from foundation.clock import Clock
from foundation.database import Database
from foundation.identity.passwords import hash_password
from foundation.identity.people import create_organisation, create_person
from foundation.identity.scope import OrganisationKind, Role, Scope

PASSWORD = "correct horse battery"

PUMP = """
[equipment_model]
key = "pump"
make = "Ironbridge"
model = "P-100"
kind = "Centrifugal pump"

[[metrics]]
name = "temperature"
label = "Bearing temperature"
unit = "Cel"
group = "temperature"
minimum = -40
maximum = 200
interval_s = 10

[[metrics]]
name = "pressure"
label = "Outlet pressure"
unit = "bar"
minimum = 0
maximum = 25
interval_s = 10

[[limits]]
metric = "temperature"
direction = "high"
threshold = 80
hysteresis = 3
on_delay_s = 20
severity = "serious"
label = "Bearing too hot"

[[likely_causes]]
condition = "limit:temperature:high"
metric = "temperature"
failure_mode = "OHE"
cause = "operation_maintenance"
label = "Bearing runs dry"
action = "Grease the bearing and check the seal."
parts = ["Grease G2"]
cost_now = "90.00"
cost_failed = "1200.00"
currency = "EUR"

[[signals]]
signal = "T1"
metric = "temperature"
unit = "[degF]"
"""

_ORGANISATIONS = {
    "maker": (OrganisationKind.MANUFACTURER, "Ironbridge Works", "Europe/Berlin"),
    "dealer": (OrganisationKind.DEALER, "North Service", "Europe/Berlin"),
    "other_dealer": (OrganisationKind.DEALER, "South Service", "Asia/Seoul"),
    "customer": (OrganisationKind.CUSTOMER, "Harbour Foods", "Europe/Berlin"),
    "other_customer": (OrganisationKind.CUSTOMER, "Hill Textiles", "Asia/Seoul"),
}

_PEOPLE = {
    "maker": ("maker", Role.MANUFACTURER),
    "manager": ("dealer", Role.DEALER_MANAGER),
    "technician": ("dealer", Role.TECHNICIAN),
    "other_manager": ("other_dealer", Role.DEALER_MANAGER),
    "other_technician": ("other_dealer", Role.TECHNICIAN),
    "customer": ("customer", Role.CUSTOMER),
    "other_customer": ("other_customer", Role.CUSTOMER),
}


@dataclass
class Network:
    """Ids of everything and a scope for each person."""

    database: Database
    clock: Clock
    organisations: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    asset: int = 0
    other_asset: int = 0

    def email(self, person: str) -> str:
        return f"{person}@example.com"

    def transaction(self, person: str | None = None):
        return self.database.transaction(self.scope(person))

    def scope(self, person: str | None = None) -> Scope:
        return self.scopes[person] if person else Scope.system("test")


@cache
def _hash() -> str:
    # Hashing is slow on purpose; once a process is enough.
    return hash_password(PASSWORD)


def make_network(database: Database, clock: Clock) -> Network:
    network = Network(database, clock)
    with network.transaction() as session:
        made = {
            key: create_organisation(session, kind=kind, name=name, at=clock.now(), time_zone=zone)
            for key, (kind, name, zone) in _ORGANISATIONS.items()
        }
        network.organisations = {key: each.id for key, each in made.items()}
        for key, (home, role) in _PEOPLE.items():
            person = create_person(
                session,
                email=network.email(key),
                name=key.replace("_", " ").title(),
                organisation=made[home],
                role=role,
                at=clock.now(),
            )
            person.password_hash = _hash()
            network.people[key] = person.id
            network.scopes[key] = Scope.of_person(person.id, made[home].id, role)
        save_definition(
            session,
            definition=read_definition(PUMP),
            manufacturer=made["maker"],
            at=clock.now(),
            check_normal_period=dict,
        )
        network.asset = _register(network, session, "P-0001", "pump-1", "")
        network.other_asset = _register(network, session, "P-0002", "pump-2", "other_")
    return network


def _register(network, session, serial, device, prefix) -> int:
    customer, dealer = _ORGANISATIONS[f"{prefix}customer"], _ORGANISATIONS[f"{prefix}dealer"]
    entry = AssetEntry(
        equipment_model="pump",
        serial=serial,
        name=f"Pump {serial}",
        customer=customer[1],
        dealer=dealer[1],
        site="Plant 1",
        time_zone=customer[2],
        device=device,
        commissioned_at=network.clock.now() - timedelta(days=30),
    )
    asset, _ = register_asset(session, entry, at=network.clock.now())
    return asset.id
