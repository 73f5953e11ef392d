"""Bringing the installed base in: one machine from a form, many from a CSV, a result per row."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from devices.assets import Asset, create_asset, find_asset_by_serial
from devices.equipment_models import (
    EquipmentModel,
    announce_catalogue,
    get_equipment_model,
)
from devices.ownership import PartyKind, set_party
from devices.provisioning import assign_source, register_device
from devices.sites import Place, Site, create_site, find_site_id, locate_site
from foundation import audit
from foundation.csv_rows import CsvRow, RowResult, read_rows
from foundation.errors import Invalid, MillwrightError
from foundation.identity.models import Organisation
from foundation.identity.people import get_organisation

ASSET_COLUMNS = ("equipment_model", "serial", "customer", "dealer", "site")


@dataclass(frozen=True, slots=True)
class AssetEntry:
    """What is known about a machine when it is registered."""

    equipment_model: str
    serial: str
    name: str
    customer: str
    dealer: str
    site: str
    time_zone: str | None
    device: str | None
    commissioned_at: datetime
    # Where its site is; what is None stays as it is known.
    address: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    telephone: str | None = None

    @property
    def place(self) -> Place:
        return Place(self.address, self.country, self.latitude, self.longitude, self.telephone)


def register_asset(session: Session, entry: AssetEntry, *, at: datetime) -> tuple[Asset, bool]:
    """Creates the asset with its site, parties and device, or brings an existing one up to date.

    Returns the asset and whether it is new.

    Raises:
        Invalid: when a part is missing or malformed.
        NotFound: when the equipment model, customer or dealer is unknown.
    """
    model = get_equipment_model(session, entry.equipment_model)
    customer = get_organisation(session, entry.customer)
    dealer = get_organisation(session, entry.dealer)
    site_id = _get_site_id(session, customer, entry, at)
    asset = find_asset_by_serial(session, model, entry.serial.strip())
    is_new = asset is None
    if asset is None:
        asset = _create(session, entry, model, site_id, at)
    asset.name = entry.name.strip() or asset.name
    asset.site_id = site_id
    _locate(session, site_id, entry.place)
    _set_parties(session, asset, customer, dealer, entry.commissioned_at if is_new else at)
    _connect(session, asset, entry, entry.commissioned_at if is_new else at, at)
    action = "portal:asset:create" if is_new else "portal:asset:update"
    audit.record(session, at=at, action=action, subject_kind="asset", subject_id=asset.id)
    announce_catalogue(session, at)
    return asset, is_new


def _create(
    session: Session, entry: AssetEntry, model: EquipmentModel, site_id: int, at: datetime
) -> Asset:
    return create_asset(
        session,
        equipment_model=model,
        serial=entry.serial,
        name=entry.name,
        site_id=site_id,
        commissioned_at=entry.commissioned_at,
        at=at,
    )


def _locate(session: Session, site_id: int, place: Place) -> None:
    if place == Place():
        return
    # The site is seen from here on: a machine of the session's own stands there now.
    session.flush()
    locate_site(session.get_one(Site, site_id), place)


def _get_site_id(session: Session, customer: Organisation, entry: AssetEntry, at: datetime) -> int:
    found = find_site_id(session, customer.id, entry.site)
    if found is not None:
        return found
    zone = entry.time_zone or customer.time_zone
    return create_site(session, customer=customer, name=entry.site, time_zone=zone, at=at).id


def _set_parties(
    session: Session, asset: Asset, customer: Organisation, dealer: Organisation, at: datetime
) -> None:
    set_party(session, asset=asset, kind=PartyKind.OWNER, organisation=customer, at=at)
    set_party(session, asset=asset, kind=PartyKind.SERVICING, organisation=dealer, at=at)


def _connect(
    session: Session, asset: Asset, entry: AssetEntry, from_at: datetime, at: datetime
) -> None:
    if entry.device is None:
        return
    device = register_device(session, key=entry.device, at=at)
    assign_source(session, device=device, asset=asset, from_at=from_at)


def import_assets(session: Session, text: str, *, at: datetime) -> Iterator[RowResult]:
    """Registers each row of a CSV; a refused row is undone alone and says why.

    Raises:
        Invalid: when the header lacks a column of `ASSET_COLUMNS`.
    """
    for row in read_rows(text, ASSET_COLUMNS):
        subject = row.values.get("serial", "")
        try:
            with session.begin_nested():
                _, is_new = register_asset(session, _entry_of(row, at), at=at)
        except MillwrightError as error:
            yield RowResult(row.line, "refused", subject, error)
        else:
            yield RowResult(row.line, "created" if is_new else "updated", subject)


def _entry_of(row: CsvRow, at: datetime) -> AssetEntry:
    return AssetEntry(
        equipment_model=row.get("equipment_model"),
        serial=row.get("serial"),
        name=row.find("name") or "",
        customer=row.get("customer"),
        dealer=row.get("dealer"),
        site=row.get("site"),
        time_zone=row.find("time_zone"),
        device=row.find("device"),
        commissioned_at=read_instant(row.find("commissioned_on"), at),
        address=row.find("address"),
        country=row.find("country"),
        latitude=_read_degrees(row, "latitude"),
        longitude=_read_degrees(row, "longitude"),
        telephone=row.find("telephone"),
    )


def _read_degrees(row: CsvRow, column: str) -> float | None:
    text = row.find(column)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise Invalid(
            "%(text)s is no number of degrees, like 53.55.", field=column, text=repr(text)
        ) from error


def read_instant(text: str | None, default: datetime) -> datetime:
    """A day or instant in ISO 8601, UTC where it names no offset.

    Raises:
        Invalid: when it is neither.
    """
    if not text:
        return default
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            "%(text)s is no date; write it like 2026-05-31.",
            field="commissioned_on",
            text=repr(text),
        ) from error
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise Invalid(
            "%(text)s lies beyond the calendar.", field="commissioned_on", text=repr(text)
        ) from error
