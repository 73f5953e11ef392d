"""The organisations, people, sites and machines of the demo, installed through the usual doors."""

from datetime import datetime

from sqlalchemy.orm import Session

from devices.equipment_models import find_equipment_model
from devices.registration import AssetEntry, register_asset
from foundation.clock import from_ms
from foundation.identity.models import Organisation
from foundation.identity.scope import OrganisationKind, Role
from millwright.trial_network import (
    TrialAccount,
    get_or_create_account,
    get_or_create_organisation,
)
from millwright.wiring import import_definition, read_example_definition
from simulators.fleet import Fleet, SimulatedAsset

MAKER = ("Ironbridge Machines", "Europe/Berlin")
DEALERS = {
    "rhein": ("Rhein Industrieservice", "Europe/Berlin"),
    "hangang": ("Hangang Industrial Service", "Asia/Seoul"),
    "erie": ("Lake Erie Industrial Service", "America/New_York"),
}
# Site of the fleet → its owner and who serves it.
OWNERS = {
    "hamburg": ("Hafen Foods", "rhein"),
    "lyon": ("Fonderie du Rhône", "rhein"),
    "stuttgart": ("Neckar Getriebe", "rhein"),
    "linz": ("Hafen Foods", "rhein"),
    "eindhoven": ("Neckar Getriebe", "rhein"),
    "suwon": ("Suwon Precision", "hangang"),
    "suzhou": ("Taihu Textiles", "hangang"),
    "busan": ("Busan Marine", "hangang"),
    "osaka": ("Naniwa Pharma", "hangang"),
    "nagoya": ("Nagoya Motors", "hangang"),
    "toledo": ("Maumee Bottling", "erie"),
    "houston": ("Bayou Water", "erie"),
    "reno": ("Truckee Logistics", "erie"),
    "greenville": ("Reedy River Machining", "erie"),
}


def install_demo(session: Session, fleet: Fleet, *, at: datetime) -> list[TrialAccount | None]:
    """Everything but the readings; what is there already stays as it is."""
    maker = get_or_create_organisation(session, OrganisationKind.MANUFACTURER, *MAKER, at)
    dealers = {
        key: get_or_create_organisation(session, OrganisationKind.DEALER, *each, at)
        for key, each in DEALERS.items()
    }
    zones = {asset.site.key: asset.site.time_zone for asset in fleet.assets}
    customers = {
        key: get_or_create_organisation(session, OrganisationKind.CUSTOMER, name, zones[key], at)
        for key, (name, _) in OWNERS.items()
        if key in zones
    }
    for kind in fleet.kinds:
        if find_equipment_model(session, kind) is None:
            import_definition(session, read_example_definition(kind), maker.name, at)
    for asset in fleet.assets:
        register_asset(session, _entry(asset, fleet), at=at)
    wanted = [
        ("Mara Maker", "maker@example.com", Role.MANUFACTURER, maker),
        ("Dieter Disponent", "manager@example.com", Role.DEALER_MANAGER, dealers["rhein"]),
        ("Tina Techniker", "technician@example.com", Role.TECHNICIAN, dealers["rhein"]),
        ("Klaus Kunde", "customer@example.com", Role.CUSTOMER, customers["hamburg"]),
    ]
    colleagues = [
        ("Ha-eun Kim", "kim@example.com", Role.DEALER_MANAGER, dealers["hangang"]),
        ("Jun-ho Park", "park@example.com", Role.TECHNICIAN, dealers["hangang"]),
        ("Dana Miller", "miller@example.com", Role.DEALER_MANAGER, dealers["erie"]),
        ("Luis Ortega", "ortega@example.com", Role.TECHNICIAN, dealers["erie"]),
    ]
    made = [_account(session, each, at) for each in wanted]
    for each in colleagues:
        _account(session, each, at)
    return made


def _account(
    session: Session, wanted: tuple[str, str, Role, Organisation], at: datetime
) -> TrialAccount | None:
    name, email, role, organisation = wanted
    return get_or_create_account(
        session, name=name, email=email, role=role, organisation=organisation, at=at
    )


def _entry(asset: SimulatedAsset, fleet: Fleet) -> AssetEntry:
    customer, dealer = OWNERS[asset.site.key]
    return AssetEntry(
        equipment_model=asset.kind,
        serial=asset.serial,
        name=asset.name,
        customer=customer,
        dealer=DEALERS[dealer][0],
        site=asset.site.name,
        time_zone=asset.site.time_zone,
        device=asset.device,
        commissioned_at=from_ms(fleet.start_ms),
    )
