"""A network with many machines, written into the real tables at once: for measuring lists.

States are what a large fleet shows: 3 % alarms, 2 % open tickets, 2 % silent; closed tickets
of two months. Nothing in it is measured for its own sake.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from devices.access import AssetVisibility
from devices.assets import Asset
from devices.definitions import read_definition, save_definition
from devices.ownership import AssetParty, PartyKind
from devices.sites import Site
from foundation.clock import to_ms
from foundation.database import Base, Database
from foundation.identity.models import Organisation
from foundation.identity.people import create_person
from foundation.identity.scope import OrganisationKind, Role, Scope
from foundation.reasons import Reason
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.models import Ticket
from services.tickets.rules import Origin, TicketState
from telemetry.alarms.models import Alarm, Severity
from telemetry.latest import Latest

PASSWORD = "a long enough password"
PEOPLE = {
    Role.MANUFACTURER: ("maker@example.com", "Ada Winter"),
    Role.DEALER_MANAGER: ("manager@example.com", "Jun Park"),
    Role.TECHNICIAN: ("technician@example.com", "Ole Brandt"),
    Role.CUSTOMER: ("customer@example.com", "Mia Lang"),
}
MODELS = 4
MACHINES_A_SITE = 5
SITES_A_CUSTOMER = 5
DEALERS = 20
_COUNTRIES = {
    "DE": (47.5, 54.5, 7.0, 14.5),
    "KR": (34.7, 38.0, 126.5, 129.2),
    "US": (31.0, 45.0, -120.0, -76.0),
    "CN": (23.0, 40.0, 103.0, 121.0),
    "BR": (-25.0, -5.0, -52.0, -38.0),
}
_MODEL = """
[equipment_model]
key = "model_{n}"
make = "Ironbridge"
model = "P-{n}00"

[[metrics]]
name = "temperature"
label = "Bearing temperature"
unit = "Cel"
interval_s = 600

[[metrics]]
name = "run_hours"
label = "Run hours"
unit = "h"
interval_s = 600
"""


def fill(database: Database, latest: Latest, *, machines: int, at: datetime) -> None:
    """A manufacturer's whole network, with a person of each role to sign in."""
    draw = random.Random(7)
    with database.transaction(Scope.system("benchmark")) as session:
        maker, dealers, customers = _organisations(session, machines, at)
        for number in range(1, MODELS + 1):
            definition = read_definition(_MODEL.format(n=number))
            save_definition(
                session,
                definition=definition,
                manufacturer=maker,
                at=at,
                check_normal_period=dict,
            )
        _people(session, (maker, dealers[0], dealers[0], customers[0]), at)
        _put(session, Site, _sites(customers, machines, draw, at))
        _put(session, Asset, _assets(machines, at))
        _put(session, AssetParty, _parties(machines, customers, dealers, at))
        _put(session, AssetVisibility, _visible(machines, maker, customers, dealers, at))
        _put(session, Alarm, _alarms(machines, draw, at))
        _put(session, Ticket, _tickets(machines, customers, dealers, draw, at))
    for asset_id in range(1, machines + 1):
        if draw.random() > 0.02:
            heard = to_ms(at) - draw.randrange(600_000)
            values = {"temperature": draw.gauss(60, 5), "run_hours": draw.uniform(100, 30_000)}
            latest.update(asset_id, heard, values)


def _put(session: Session, table: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    session.execute(insert(table), list(rows))


def _organisations(
    session: Session, machines: int, at: datetime
) -> tuple[Organisation, list[Organisation], list[Organisation]]:
    def make(kind: OrganisationKind, name: str) -> Organisation:
        made = Organisation(kind=kind, name=name, time_zone="Europe/Berlin", created_at=at)
        session.add(made)
        return made

    n_customers = max(machines // MACHINES_A_SITE // SITES_A_CUSTOMER, 1)
    maker = make(OrganisationKind.MANUFACTURER, "Ironbridge Works")
    dealers = [make(OrganisationKind.DEALER, f"Dealer {n:02}") for n in range(1, DEALERS + 1)]
    customers = [make(OrganisationKind.CUSTOMER, f"Customer {n:03}") for n in range(n_customers)]
    session.flush()
    return maker, dealers, customers


def _people(session: Session, homes: Iterable[Organisation], at: datetime) -> None:
    for (role, (email, name)), home in zip(PEOPLE.items(), homes, strict=True):
        create_person(
            session,
            email=email,
            name=name,
            organisation=home,
            role=role,
            password=PASSWORD,
            at=at,
        )


def _sites(
    customers: list[Organisation], machines: int, draw: random.Random, at: datetime
) -> Iterator[dict[str, Any]]:
    for number in range((machines + MACHINES_A_SITE - 1) // MACHINES_A_SITE):
        country = draw.choice(list(_COUNTRIES))
        south, north, west, east = _COUNTRIES[country]
        yield {
            "organisation_id": customers[number // SITES_A_CUSTOMER % len(customers)].id,
            "name": f"Plant {number + 1:04}",
            "time_zone": "Europe/Berlin",
            "address": f"Works Road {number + 1}",
            "country": country,
            "latitude": round(draw.uniform(south, north), 4),
            "longitude": round(draw.uniform(west, east), 4),
            "telephone": "+49 40 123456",
            "created_at": at,
        }


def _assets(machines: int, at: datetime) -> Iterator[dict[str, Any]]:
    for number in range(machines):
        yield {
            "equipment_model_id": number % MODELS + 1,
            "serial": f"P-{number:05}",
            "name": f"Pump {number * 7919 % machines:05}",
            "site_id": number // MACHINES_A_SITE + 1,
            "is_critical": number % 10 == 0,
            "commissioned_at": at - timedelta(days=number % 2_000),
            "created_at": at,
        }


def _owners(
    machines: int, customers: list[Organisation], dealers: list[Organisation]
) -> Iterator[tuple[int, int, int]]:
    for number in range(machines):
        customer = number // MACHINES_A_SITE // SITES_A_CUSTOMER % len(customers)
        yield number + 1, customers[customer].id, dealers[customer % len(dealers)].id


def _parties(
    machines: int, customers: list[Organisation], dealers: list[Organisation], at: datetime
) -> Iterator[dict[str, Any]]:
    for asset_id, customer, dealer in _owners(machines, customers, dealers):
        for kind, organisation in ((PartyKind.OWNER, customer), (PartyKind.SERVICING, dealer)):
            yield {
                "asset_id": asset_id,
                "organisation_id": organisation,
                "kind": kind,
                "from_at": at - timedelta(days=400),
                "to_at": None,
            }


def _visible(
    machines: int,
    maker: Organisation,
    customers: list[Organisation],
    dealers: list[Organisation],
    at: datetime,
) -> Iterator[dict[str, Any]]:
    for asset_id, customer, dealer in _owners(machines, customers, dealers):
        for organisation in (maker.id, customer, dealer):
            yield {
                "asset_id": asset_id,
                "organisation_id": organisation,
                "metric": None,
                "from_at": at - timedelta(days=400),
                "to_at": None,
            }


def _alarms(machines: int, draw: random.Random, at: datetime) -> Iterator[dict[str, Any]]:
    for asset_id in draw.sample(range(1, machines + 1), max(machines * 3 // 100, 3)):
        began = at - timedelta(hours=draw.randrange(200))
        yield {
            "asset_id": asset_id,
            "condition": "limit:temperature:high",
            "detector": "limits",
            "severity": draw.choice(list(Severity)),
            "is_active": draw.random() < 0.7,
            "started_at": began,
            "raised_at": began,
            "handled_at": began,
            "is_rearm_due": False,
            "evidence": {"detector": "limits", "metrics": [{"metric": "temperature", "share": 1}]},
        }


def _tickets(
    machines: int,
    customers: list[Organisation],
    dealers: list[Organisation],
    draw: random.Random,
    at: datetime,
) -> Iterator[dict[str, Any]]:
    owners = list(_owners(machines, customers, dealers))
    for owner in draw.sample(owners, max(machines // 50, 4)):
        yield _ticket(owner, draw, at - timedelta(hours=draw.randrange(90)), None)
    for owner in draw.choices(owners, k=machines):
        opened = at - timedelta(hours=draw.randrange(100, 60 * 24))
        yield _ticket(owner, draw, opened, opened + timedelta(hours=draw.randrange(2, 90)))


def _ticket(
    owner: tuple[int, int, int], draw: random.Random, opened: datetime, closed: datetime | None
) -> dict[str, Any]:
    asset_id, customer, dealer = owner
    modes = [FailureMode.OHE, FailureMode.VIB, FailureMode.ELU, FailureMode.PLU, FailureMode.NFF]
    return {
        "asset_id": asset_id,
        "dealer_id": dealer,
        "customer_id": customer,
        "origin": Origin.MACHINE,
        "state": TicketState.CLOSED if closed else TicketState.NEW,
        "priority": draw.randint(1, 4),
        "title": Reason("title_limit", {"metric": "temperature", "direction": "high"}).to_json(),
        "reasons": [],
        "occurrence_count": 1,
        "opened_at": opened,
        "changed_at": closed or opened,
        "response_due_at": opened + timedelta(hours=8),
        "due_at": opened + timedelta(hours=72),
        "solved_at": closed,
        "closed_at": closed,
        "failure_mode": draw.choice(modes) if closed else None,
        "failure_cause": FailureCause.OPERATION_MAINTENANCE if closed else None,
    }


def database_of(folder: Path) -> str:
    """The address of the benchmark's own database."""
    return f"sqlite:///{folder / 'fleet.db'}"
