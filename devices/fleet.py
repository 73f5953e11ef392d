"""Reads of the installed base for pages: the list of machines and the facts of one.

Everything comes back as frozen values; what the session's scope does not see is not there.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from devices.assets import Asset, get_asset
from devices.equipment_models import EquipmentModel, Metric
from devices.ownership import AssetParty, PartyKind, find_party
from devices.provisioning import list_devices_of
from devices.sites import Site
from foundation.identity.models import Organisation
from foundation.paging import PAGE_SIZE, Page, decode_cursor, encode_cursor

MAX_SEARCH = 100


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One line of the list of machines."""

    id: int
    name: str
    serial: str
    model_key: str
    equipment_model: str
    site: str
    time_zone: str
    customer: str | None
    dealer: str | None


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """What is known of one machine beside its readings; `expected_s` is its reporting interval."""

    id: int
    name: str
    serial: str
    model_key: str
    equipment_model: str
    kind: str
    manufacturer: str
    site: str
    address: str
    country: str | None
    latitude: float | None
    longitude: float | None
    telephone: str | None
    time_zone: str
    customer: str | None
    dealer: str | None
    commissioned_at: datetime
    is_critical: bool
    devices: tuple[str, ...]
    expected_s: float
    is_learning: bool


def list_assets(
    session: Session,
    *,
    search: str = "",
    ids: Collection[int] | None = None,
    cursor: str | None = None,
) -> Page[AssetRow]:
    """Machines by name, with how many there are; `ids` narrows to some of them.

    Raises:
        Invalid: when the cursor is damaged.
    """
    query = _matching(search, ids)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    if cursor:
        key = decode_cursor(cursor, 2, str, int)
        query = query.where(tuple_(Asset.name, Asset.id) > tuple_(*key))
    query = query.order_by(Asset.name, Asset.id).limit(PAGE_SIZE + 1)
    found = [_asset_row(row) for row in session.execute(query)]
    shown = found[:PAGE_SIZE]
    more = len(found) > PAGE_SIZE
    following = encode_cursor((shown[-1].name, shown[-1].id)) if more else None
    return Page(shown, following, total)


def list_asset_rows(session: Session, ids: Collection[int]) -> dict[int, AssetRow]:
    """The lines of some machines, by asset id."""
    found = (_asset_row(row) for row in session.execute(_matching("", ids)))
    return {row.id: row for row in found}


def _matching(search: str, ids: Collection[int] | None) -> Select[*tuple[Any, ...]]:
    query = (
        select(
            Asset.id,
            Asset.name,
            Asset.serial,
            EquipmentModel.key,
            EquipmentModel.make,
            EquipmentModel.model,
            EquipmentModel.variant,
            Site.name.label("site"),
            Site.time_zone,
            _party_name(PartyKind.OWNER).label("customer"),
            _party_name(PartyKind.SERVICING).label("dealer"),
        )
        .join(EquipmentModel, EquipmentModel.id == Asset.equipment_model_id)
        .join(Site, Site.id == Asset.site_id)
    )
    if ids is not None:
        query = query.where(Asset.id.in_(ids))
    text = search.strip()[:MAX_SEARCH]
    return query.where(_speaks_of(text)) if text else query


def _party_name(kind: PartyKind) -> ScalarSelect[str]:
    return (
        select(Organisation.name)
        .join(AssetParty, AssetParty.organisation_id == Organisation.id)
        .where(
            AssetParty.asset_id == Asset.id, AssetParty.kind == kind, AssetParty.to_at.is_(None)
        )
        .correlate(Asset)
        .scalar_subquery()
    )


def _speaks_of(text: str) -> ColumnElement[bool]:
    columns = (Asset.serial, Asset.name, Site.name, EquipmentModel.model)
    owner = _party_name(PartyKind.OWNER).icontains(text, autoescape=True)
    return or_(owner, *(column.icontains(text, autoescape=True) for column in columns))


def _asset_row(row: Row[*tuple[Any, ...]]) -> AssetRow:
    title = " ".join(part for part in (row.make, row.model, row.variant) if part)
    return AssetRow(
        id=row.id,
        name=row.name,
        serial=row.serial,
        model_key=row.key,
        equipment_model=title,
        site=row.site,
        time_zone=row.time_zone,
        customer=row.customer,
        dealer=row.dealer,
    )


def get_asset_facts(session: Session, asset_id: int) -> AssetFacts:
    """All facts of one machine.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    asset = get_asset(session, asset_id)
    model, site = asset.equipment_model, asset.site
    return AssetFacts(
        id=asset.id,
        name=asset.name,
        serial=asset.serial,
        model_key=model.key,
        equipment_model=model.title,
        kind=model.kind,
        manufacturer=model.manufacturer.name,
        site=site.name,
        address=site.address,
        country=site.country,
        latitude=site.latitude,
        longitude=site.longitude,
        telephone=site.telephone,
        time_zone=site.time_zone,
        customer=_find_party_name(session, asset_id, PartyKind.OWNER),
        dealer=_find_party_name(session, asset_id, PartyKind.SERVICING),
        commissioned_at=asset.commissioned_at,
        is_critical=asset.is_critical,
        devices=tuple(list_devices_of(session, asset_id)),
        expected_s=min((each.interval_s for each in model.metrics), default=60.0),
        is_learning=model.normal_period is not None,
    )


def _find_party_name(session: Session, asset_id: int, kind: PartyKind) -> str | None:
    party = find_party(session, asset_id, kind)
    if party is None:
        return None
    return session.get_one(Organisation, party.organisation_id).name


def list_metric_labels(session: Session) -> dict[str, dict[str, str]]:
    """What people call the metrics of every equipment model the scope sees: key → name → label."""
    query = select(EquipmentModel.key, Metric.name, Metric.label).join(
        Metric, Metric.equipment_model_id == EquipmentModel.id
    )
    found: dict[str, dict[str, str]] = {}
    for key, name, label in session.execute(query):
        found.setdefault(key, {})[name] = label
    return found
