"""The fleet of the ground-truth table: each fault of each kind of machine, and healthy ones."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from devices.definitions import read_definition, save_definition
from devices.registration import AssetEntry, register_asset
from foundation.clock import from_ms
from foundation.identity.people import create_organisation, create_person
from foundation.identity.scope import OrganisationKind, Role, Scope
from simulators.batches import list_batches
from simulators.faults import TRAITS, Fault, FaultKind
from simulators.fleet import DAY_MS, Fleet, SimulatedAsset, spoil_device, write_plan
from simulators.ledger import Ledger, Listed
from simulators.machines.registry import FAULTS_OF, KINDS
from simulators.sites import SITES
from telemetry.reporting_interval import report_every
from telemetry.training import check_normal_period

SEEDS = (1, 2, 3)
HEALTHY_OF_A_KIND = 3
DAYS = 80
INTERVAL_S = 600
START_MS = 1_772_409_600_000  # a Monday, 2 March 2026
_FIRST_ONSET_DAY, _ONSET_DAYS, _LATEST_FULL_DAY = 30, 10, 70
_CATALOGUE = Path(__file__).parents[1] / "devices" / "catalogue"
_DEALER, _CUSTOMER = "Trial Service", "Trial Works"


def make_trial_fleet(ledger: Ledger) -> Fleet:
    """A machine for each fault and seed, and some that stay healthy; devices are not perfect."""
    end_ms = START_MS + DAYS * DAY_MS
    assets = tuple(spoil_device(asset, START_MS, end_ms) for asset in _make_assets())
    ledger.write_roster(Listed(each.device, each.serial, each.name, each.kind) for each in assets)
    write_plan(ledger, {each.device: each.faults for each in assets if each.faults}, START_MS)
    return Fleet(assets, START_MS, ledger)


def _make_assets() -> Iterator[SimulatedAsset]:
    number = 0
    for kind in KINDS:
        sites = [site for site in SITES if kind in site.kinds]
        wanted = [fault for fault in FAULTS_OF[kind] for _ in SEEDS] + [None] * HEALTHY_OF_A_KIND
        for place, fault in enumerate(wanted):
            number += 1
            yield SimulatedAsset(
                device=f"trial-{number:03d}",
                serial=f"T-{number:03d}",
                name=f"Trial {number}",
                kind=kind,
                batch=list_batches(kind)[0],
                site=sites[place % len(sites)],
                seed=10_000 * SEEDS[place % len(SEEDS)] + number,
                interval_s=INTERVAL_S,
                faults=() if fault is None else (_make_fault(fault, number),),
            )


def _make_fault(kind: FaultKind, number: int) -> Fault:
    """As long as usual, so long as it is full in time; onsets are spread over ten days."""
    trait = TRAITS[kind]
    onset_ms = START_MS + _FIRST_ONSET_DAY * DAY_MS + number * 79_190_000 % (_ONSET_DAYS * DAY_MS)
    full_ms = min(onset_ms + int(trait.days * DAY_MS), START_MS + _LATEST_FULL_DAY * DAY_MS)
    return Fault(kind, onset_ms, full_ms, trait.growth)


def install_trial_fleet(session: Session, fleet: Fleet, *, at: datetime) -> Scope:
    """Registers the machines with one customer and one dealer; gives its technician's scope."""
    maker, dealer, _ = (
        create_organisation(session, kind=kind, name=name, at=at, time_zone="UTC")
        for kind, name in (
            (OrganisationKind.MANUFACTURER, "Trial Machines"),
            (OrganisationKind.DEALER, _DEALER),
            (OrganisationKind.CUSTOMER, _CUSTOMER),
        )
    )
    for kind in fleet.kinds:
        text = (_CATALOGUE / f"{kind}.toml").read_text(encoding="utf-8")
        definition = report_every(read_definition(text), INTERVAL_S)
        save_definition(
            session,
            definition=definition,
            manufacturer=maker,
            at=at,
            check_normal_period=check_normal_period,
        )
    for asset in fleet.assets:
        register_asset(session, _describe(asset), at=at)
    person = create_person(
        session,
        email="technician@example.com",
        name="Tom Tech",
        organisation=dealer,
        role=Role.TECHNICIAN,
        at=at,
    )
    return Scope.of_person(person.id, dealer.id, Role.TECHNICIAN)


def _describe(asset: SimulatedAsset) -> AssetEntry:
    return AssetEntry(
        equipment_model=asset.kind,
        serial=asset.serial,
        name=asset.name,
        customer=_CUSTOMER,
        dealer=_DEALER,
        site=asset.site.name,
        time_zone=asset.site.time_zone,
        device=asset.device,
        commissioned_at=from_ms(START_MS),
    )
