"""The organisations, people, sites and machines of the demo, installed through the usual doors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from devices.equipment_models import find_equipment_model
from devices.registration import AssetEntry, register_asset
from foundation.clock import from_ms
from foundation.identity.models import Organisation
from foundation.identity.people import find_person, get_organisation
from foundation.identity.scope import OrganisationKind, Role
from millwright.trial_network import (
    TrialAccount,
    get_or_create_account,
    get_or_create_organisation,
)
from millwright.wiring import (
    import_definition,
    import_rules,
    read_example_definition,
    read_example_rules,
)
from services.offers.consents import has_decided, set_consent
from simulators.fleet import Fleet, SimulatedAsset
from simulators.people.cast import Cast, Place, Profile

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
# Site of the fleet → its country and address.
ADDRESSES = {
    "hamburg": ("DE", "Am Hansahafen 12, Hamburg"),
    "lyon": ("FR", "Quai des Fondeurs 3, Lyon"),
    "stuttgart": ("DE", "Getriebestraße 41, Stuttgart"),
    "linz": ("AT", "Hafenweg 7, Linz"),
    "eindhoven": ("NL", "Machinekade 18, Eindhoven"),
    "suwon": ("KR", "12 Gongdan-ro, Suwon"),
    "suzhou": ("CN", "88 Huxi Road, Suzhou"),
    "busan": ("KR", "5 Budu-ro, Busan"),
    "osaka": ("JP", "2-14 Kojo-machi, Osaka"),
    "nagoya": ("JP", "6-3 Kikai-dori, Nagoya"),
    "toledo": ("US", "410 Bottling Way, Toledo, Ohio"),
    "houston": ("US", "77 Waterworks Road, Houston, Texas"),
    "reno": ("US", "1900 Freight Lane, Reno, Nevada"),
    "greenville": ("US", "26 Spindle Street, Greenville, South Carolina"),
}
# Site of the fleet → a telephone number. All are of ranges that the country keeps for fiction and
# never gives to anybody; where a country keeps none, the number of the owner's office that has
# one, or none at all.
TELEPHONES = {
    "hamburg": "+49 40 66969 112",
    "lyon": "+33 4 65 71 20 03",
    "stuttgart": "+49 69 90009 341",
    "linz": "+49 40 66969 107",
    "eindhoven": "+49 69 90009 318",
    "toledo": "+1 419 555 0141",
    "houston": "+1 713 555 0177",
    "reno": "+1 775 555 0119",
    "greenville": "+1 864 555 0126",
}
# Whoever owns this site did not switch offers on; their machines are never searched.
WITHOUT_OFFERS = ("osaka",)


# The four whose sign-ins are printed; the dealer of two of them is the visitor's to play.
PRESENTED = (
    "maker@example.com",
    "manager@example.com",
    "technician@example.com",
    "customer@example.com",
)
PRESENTED_DEALER = DEALERS["rhein"][0]
PRESENTED_CUSTOMER = OWNERS["hamburg"][0]
_STAFF = {
    "rhein": (
        ("Dieter Disponent", "manager", Role.DEALER_MANAGER),
        ("Tina Techniker", "technician", Role.TECHNICIAN),
        ("Jonas Weber", "weber", Role.TECHNICIAN),
        ("Aylin Kaya", "kaya", Role.TECHNICIAN),
    ),
    "hangang": (
        ("Ha-eun Kim", "kim", Role.DEALER_MANAGER),
        ("Jun-ho Park", "park", Role.TECHNICIAN),
        ("Seo-yeon Choi", "choi", Role.TECHNICIAN),
        ("Kenji Tanaka", "tanaka", Role.TECHNICIAN),
    ),
    "erie": (
        ("Dana Miller", "miller", Role.DEALER_MANAGER),
        ("Luis Ortega", "ortega", Role.TECHNICIAN),
        ("Pat Novak", "novak", Role.TECHNICIAN),
    ),
}
_CONTACTS = {
    "hamburg": (("Klaus Kunde", "customer"), ("Frauke Petersen", "petersen")),
    "lyon": (("Claire Martin", "martin"),),
    "stuttgart": (("Stefan Häberle", "haeberle"), ("Ute Schmid", "schmid")),
    "suwon": (("Min-jun Lee", "lee"), ("Ji-woo Han", "han")),
    "suzhou": (("Wei Zhang", "zhang"),),
    "busan": (("Dong-hyun Kang", "kang"),),
    "osaka": (("Yuki Sato", "sato"),),
    "nagoya": (("Haruto Ito", "ito"),),
    "toledo": (("Megan Clark", "clark"), ("Ray Kowalski", "kowalski")),
    "houston": (("Carlos Reyes", "reyes"),),
    "reno": (("Amy Turner", "turner"),),
    "greenville": (("Bill Hayes", "hayes"),),
}


@dataclass(frozen=True, slots=True)
class _Member:
    """Somebody to be: an organisation's person in a role."""

    name: str
    email: str
    role: Role
    organisation: Organisation


def install_demo(session: Session, fleet: Fleet, *, at: datetime) -> list[TrialAccount | None]:
    """Everything but the readings; what is there already stays as it is, and gives None."""
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
            text = read_example_definition(kind)
            interval_s = min(each.interval_s for each in fleet.assets if each.kind == kind)
            import_definition(session, text, maker.name, at, interval_s=interval_s)
            import_rules(session, read_example_rules(kind) or "offer_rules = []", at)
    for asset in fleet.assets:
        register_asset(session, _entry(asset, fleet), at=at)
    for key, customer in customers.items():
        if key not in WITHOUT_OFFERS and not has_decided(session, customer.id):
            set_consent(session, customer.id, is_given=True, at=at)
    members = [
        _Member("Mara Maker", "maker@example.com", Role.MANUFACTURER, maker),
        *_list_staff(dealers),
        *_list_contacts(customers),
    ]
    return [_make_account(session, each, at) for each in members]


def _list_staff(dealers: Mapping[str, Organisation]) -> list[_Member]:
    return [
        _Member(name, f"{local}@example.com", role, dealers[key])
        for key, people in _STAFF.items()
        for name, local, role in people
    ]


def _list_contacts(customers: Mapping[str, Organisation]) -> list[_Member]:
    return [
        _Member(name, f"{local}@example.com", Role.CUSTOMER, customers[key])
        for key, people in _CONTACTS.items()
        if key in customers
        for name, local in people
    ]


def _make_account(session: Session, wanted: _Member, at: datetime) -> TrialAccount | None:
    return get_or_create_account(
        session,
        name=wanted.name,
        email=wanted.email,
        role=wanted.role,
        organisation=wanted.organisation,
        at=at,
    )


def list_presented(accounts: Iterable[TrialAccount]) -> list[TrialAccount]:
    """The accounts that are printed, in the order of the roles."""
    by_email = {each.email: each for each in accounts}
    return [by_email[email] for email in PRESENTED if email in by_email]


def make_cast(session: Session, fleet: Fleet, accounts: Iterable[TrialAccount]) -> Cast:
    """Everybody with an account, and the machines with their parties, for the simulated people."""
    return Cast(
        people=tuple(_make_profile(session, each) for each in accounts),
        machines=tuple(
            Place(
                device=asset.device,
                serial=asset.serial,
                customer=OWNERS[asset.site.key][0],
                dealer=DEALERS[OWNERS[asset.site.key][1]][0],
            )
            for asset in fleet.assets
        ),
    )


def _make_profile(session: Session, account: TrialAccount) -> Profile:
    person = find_person(session, account.email)
    assert person is not None, "an account is a person's"
    return Profile(
        name=person.name,
        email=account.email,
        password=account.password,
        role=account.role,
        organisation=account.organisation,
        time_zone=get_organisation(session, account.organisation).time_zone,
    )


def _entry(asset: SimulatedAsset, fleet: Fleet) -> AssetEntry:
    customer, dealer = OWNERS[asset.site.key]
    country, address = ADDRESSES[asset.site.key]
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
        address=address,
        country=country,
        latitude=asset.site.latitude,
        longitude=asset.site.longitude,
        telephone=TELEPHONES.get(asset.site.key),
    )
