"""The fleet as a list is narrowed down and ordered: ids and names of all machines that fit.

One light row a machine, so that ten thousand are read in one query; what a page shows of its
fifty is read by fleet.py.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from devices.assets import Asset
from devices.equipment_models import EquipmentModel, Metric
from devices.ownership import AssetParty, PartyKind
from devices.sites import Site
from foundation.identity.models import Organisation

MAX_SEARCH = 100
DEFAULT_INTERVAL_S = 60.0
# A choice of more than this many is no choice any more; the search finds the rest.
MAX_CHOICES = 200


class Box(NamedTuple):
    """A part of the map, in degrees; where `west` is above `east` it crosses the date line."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, slots=True)
class FleetFilter:
    """Which machines; what is None or empty leaves all."""

    search: str = ""
    model: str | None = None
    customer_id: int | None = None
    dealer_id: int | None = None
    site_id: int | None = None
    country: str | None = None
    box: Box | None = None


class FleetEntry(NamedTuple):
    """A machine, as far as lists are ordered by it."""

    id: int
    name: str
    model_id: int
    site_id: int


def list_fleet(session: Session, chosen: FleetFilter = FleetFilter()) -> list[FleetEntry]:
    """Every machine that the filter leaves and the scope sees, in no order."""
    query = select(Asset.id, Asset.name, Asset.equipment_model_id, Asset.site_id)
    query = query.where(*_conditions(chosen))
    return [FleetEntry._make(row) for row in session.execute(query)]


def list_ages(session: Session, asset_ids: Collection[int]) -> dict[int, datetime]:
    """Since when each of some machines is in use."""
    query = select(Asset.id, Asset.commissioned_at).where(Asset.id.in_(asset_ids))
    return dict(session.execute(query).all())


def list_intervals(session: Session) -> dict[int, float]:
    """How often a machine of each equipment model reports, in s, by the model's id."""
    query = select(Metric.equipment_model_id, func.min(Metric.interval_s)).group_by(
        Metric.equipment_model_id
    )
    return dict(session.execute(query).all())


def _conditions(chosen: FleetFilter) -> list[ColumnElement[bool]]:
    found = [_speaks_of(chosen.search.strip()[:MAX_SEARCH])] if chosen.search.strip() else []
    if chosen.model is not None:
        models = select(EquipmentModel.id).where(EquipmentModel.key == chosen.model)
        found.append(Asset.equipment_model_id.in_(models))
    for kind, organisation_id in (
        (PartyKind.OWNER, chosen.customer_id),
        (PartyKind.SERVICING, chosen.dealer_id),
    ):
        if organisation_id is not None:
            found.append(_has_party(kind, AssetParty.organisation_id == organisation_id))
    if chosen.site_id is not None:
        found.append(Asset.site_id == chosen.site_id)
    places = _places(chosen)
    if places:
        found.append(Asset.site_id.in_(select(Site.id).where(*places)))
    return found


def _places(chosen: FleetFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.country is not None:
        found.append(Site.country == chosen.country)
    if chosen.box is not None:
        box = chosen.box
        found.append(Site.latitude.between(box.south, box.north))
        if box.west <= box.east:
            found.append(Site.longitude.between(box.west, box.east))
        else:
            found.append(or_(Site.longitude >= box.west, Site.longitude <= box.east))
    return found


def _has_party(kind: PartyKind, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    parties = (
        select(AssetParty.asset_id)
        .join(Organisation, Organisation.id == AssetParty.organisation_id)
        .where(AssetParty.kind == kind, AssetParty.to_at.is_(None), condition)
    )
    return Asset.id.in_(parties)


def _speaks_of(text: str) -> ColumnElement[bool]:
    def holds(column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        return column.icontains(text, autoescape=True)

    models = (EquipmentModel.make, EquipmentModel.model, EquipmentModel.variant)
    return or_(
        holds(Asset.serial),
        holds(Asset.name),
        Asset.site_id.in_(select(Site.id).where(holds(Site.name))),
        Asset.equipment_model_id.in_(select(EquipmentModel.id).where(or_(*map(holds, models)))),
        _has_party(PartyKind.OWNER, holds(Organisation.name)),
    )


@dataclass(frozen=True, slots=True)
class FleetChoices:
    """What the fleet can be narrowed down to: values with what people call them."""

    models: tuple[tuple[str, str], ...]
    customers: tuple[tuple[int, str], ...]
    dealers: tuple[tuple[int, str], ...]
    sites: tuple[tuple[int, str], ...]
    countries: tuple[str, ...]


def list_choices(session: Session, chosen: FleetFilter = FleetFilter()) -> FleetChoices:
    """What there is to choose from; sites only of the chosen customer, where one is chosen."""
    models = session.scalars(select(EquipmentModel).order_by(EquipmentModel.make)).all()
    countries = select(Site.country).where(Site.country.is_not(None)).distinct()
    return FleetChoices(
        models=tuple((each.key, each.title) for each in models),
        customers=_list_parties(session, PartyKind.OWNER),
        dealers=_list_parties(session, PartyKind.SERVICING),
        sites=_list_sites(session, chosen),
        countries=tuple(sorted(each for each in session.scalars(countries) if each)),
    )


def _list_parties(session: Session, kind: PartyKind) -> tuple[tuple[int, str], ...]:
    parties = select(AssetParty.organisation_id).where(
        and_(AssetParty.kind == kind, AssetParty.to_at.is_(None))
    )
    query = (
        select(Organisation.id, Organisation.name)
        .where(Organisation.id.in_(parties))
        .order_by(Organisation.name)
        .limit(MAX_CHOICES)
    )
    return tuple((each.id, each.name) for each in session.execute(query))


def _list_sites(session: Session, chosen: FleetFilter) -> tuple[tuple[int, str], ...]:
    query = select(Site.id, Site.name, Organisation.name.label("customer")).join(
        Organisation, Organisation.id == Site.organisation_id
    )
    if chosen.customer_id is not None:
        query = query.where(Site.organisation_id == chosen.customer_id)
    elif chosen.site_id is not None:
        query = query.where(Site.id == chosen.site_id)
    query = query.order_by(Site.name, Site.id).limit(MAX_CHOICES)
    return tuple((each.id, f"{each.name}, {each.customer}") for each in session.execute(query))


@dataclass(frozen=True, slots=True)
class FilterNames:
    """What people call what a filter chose; None where nothing is chosen or nobody knows it."""

    model: str | None
    customer: str | None
    dealer: str | None
    site: str | None


def name_filter(session: Session, chosen: FleetFilter) -> FilterNames:
    """The names behind the ids of a filter, as far as the scope sees them."""
    model = select(EquipmentModel).where(EquipmentModel.key == chosen.model)
    found = session.scalar(model) if chosen.model else None
    site = select(Site.name).where(Site.id == chosen.site_id)
    return FilterNames(
        model=found.title if found else None,
        customer=_find_party_name(session, PartyKind.OWNER, chosen.customer_id),
        dealer=_find_party_name(session, PartyKind.SERVICING, chosen.dealer_id),
        site=session.scalar(site) if chosen.site_id else None,
    )


def _find_party_name(session: Session, kind: PartyKind, organisation_id: int | None) -> str | None:
    if organisation_id is None:
        return None
    party = select(AssetParty.organisation_id).where(
        AssetParty.kind == kind, AssetParty.organisation_id == organisation_id
    )
    query = select(Organisation.name).where(Organisation.id.in_(party.limit(1)))
    return session.scalar(query)


@dataclass(frozen=True, slots=True)
class SitePlace:
    """A site with its customer and where it is; without a position where nobody said."""

    id: int
    name: str
    customer: str
    country: str | None
    latitude: float | None
    longitude: float | None


def list_places(session: Session) -> dict[int, SitePlace]:
    """Every site that the scope sees, by its id."""
    query = select(
        Site.id, Site.name, Organisation.name, Site.country, Site.latitude, Site.longitude
    ).join(Organisation, Organisation.id == Site.organisation_id)
    return {row[0]: SitePlace(*row) for row in session.execute(query)}
