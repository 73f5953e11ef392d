"""The devices as an administrator reads them, and many of them brought in from a CSV at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.assets import Asset, find_asset_by_serial
from devices.equipment_models import announce_catalogue, get_equipment_model
from devices.provisioning import Device, SourceAssignment, assign_source, register_device
from devices.security.credentials import (
    DeviceCredential,
    FreshCredential,
    announce_device_access,
    issue_credential,
)
from foundation import audit
from foundation.csv_rows import CsvRow, RowResult, read_rows
from foundation.errors import Conflict, Invalid, MillwrightError, NotFound

DEVICE_COLUMNS = ("device",)
SHOWN = 200


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device, the machine it speaks for now, its gateway, and the users that hold."""

    id: int
    key: str
    is_in_service: bool
    asset_id: int | None
    asset_name: str
    gateway: str
    users: tuple[str, ...]


@dataclass(slots=True)
class Provisioned:
    """What became of each row, and the new passwords, to be handed out once."""

    results: list[RowResult] = field(default_factory=list)
    credentials: list[FreshCredential] = field(default_factory=list)


def list_devices(
    session: Session, at: datetime, *, search: str = "", asset_id: int | None = None
) -> list[DeviceRow]:
    """The devices that the scope sees, by key, at most `SHOWN`."""
    query = (
        select(Device, Asset)
        .outerjoin(
            SourceAssignment,
            (SourceAssignment.device_id == Device.id) & SourceAssignment.to_at.is_(None),
        )
        .outerjoin(Asset, Asset.id == SourceAssignment.asset_id)
        .order_by(Device.key)
        .limit(SHOWN)
    )
    if search:
        query = query.where(Device.key.contains(search, autoescape=True))
    if asset_id is not None:
        query = query.where(SourceAssignment.asset_id == asset_id)
    found = [(device, asset) for device, asset in session.execute(query)]
    users = _list_users(session, [device.id for device, _ in found], at)
    gateways = _list_keys(session, [d.gateway_id for d, _ in found if d.gateway_id is not None])
    return [_describe(device, asset, users, gateways) for device, asset in found]


def _describe(
    device: Device, asset: Asset | None, users: dict[int, list[str]], gateways: dict[int, str]
) -> DeviceRow:
    return DeviceRow(
        id=device.id,
        key=device.key,
        is_in_service=device.revoked_at is None,
        asset_id=asset.id if asset else None,
        asset_name=asset.name if asset else "",
        gateway=gateways.get(device.gateway_id or 0, ""),
        users=tuple(users.get(device.id, ())),
    )


def _list_users(session: Session, ids: Sequence[int], at: datetime) -> dict[int, list[str]]:
    query = select(DeviceCredential).where(DeviceCredential.device_id.in_(ids))
    found: dict[int, list[str]] = {}
    for each in session.scalars(query.order_by(DeviceCredential.id)):
        if each.holds(at):
            found.setdefault(each.device_id, []).append(each.user)
    return found


def _list_keys(session: Session, ids: Sequence[int]) -> dict[int, str]:
    query = select(Device.id, Device.key).where(Device.id.in_(ids))
    return {each.id: each.key for each in session.execute(query)}


def list_sources(session: Session, gateway: Device) -> list[Device]:
    """The devices that a gateway speaks for."""
    query = select(Device).where(Device.gateway_id == gateway.id).order_by(Device.key)
    return list(session.scalars(query))


def set_gateway(session: Session, *, device: Device, gateway_key: str, at: datetime) -> None:
    """Registers the device behind a gateway, or behind none for an empty key.

    Raises:
        NotFound: when there is no such gateway.
        Invalid: when it would stand behind itself, or behind a device that has a gateway itself.
        Conflict: when other devices stand behind it.
    """
    gateway = _find_gateway(session, device, gateway_key.strip()) if gateway_key.strip() else None
    device.gateway_id = gateway.id if gateway else None
    session.flush()
    audit.record(
        session,
        at=at,
        action="portal:device:gateway",
        subject_kind="device",
        subject_id=device.id,
        details={"gateway": gateway.key if gateway else ""},
    )
    announce_device_access(session, device.id, at)


def _find_gateway(session: Session, device: Device, key: str) -> Device:
    gateway = session.scalar(select(Device).where(Device.key == key))
    if gateway is None:
        raise NotFound("There is no device %(key)s.", key=repr(key))
    if gateway.id == device.id or gateway.gateway_id is not None:
        raise Invalid(
            "%(key)s cannot be a gateway: it stands behind one.", field="gateway", key=key
        )
    if list_sources(session, device):
        raise Conflict("Other devices stand behind %(key)s; it is a gateway.", key=device.key)
    return gateway


def import_devices(session: Session, text: str, *, at: datetime) -> Provisioned:
    """Registers the device of each row with a new password; a refused row is undone alone.

    Columns: device, and optionally equipment_model with serial (the machine it speaks for),
    gateway, and password: `no` for a device that speaks through its gateway alone.

    Raises:
        Invalid: when the header lacks a column.
    """
    made = Provisioned()
    for row in read_rows(text, DEVICE_COLUMNS):
        key = row.values.get("device", "")
        try:
            with session.begin_nested():
                is_new, fresh = _import_device(session, row, at)
        except MillwrightError as error:
            made.results.append(RowResult(row.line, "refused", key, error))
        else:
            made.results.append(RowResult(row.line, "created" if is_new else "updated", key))
            made.credentials += [fresh] if fresh else []
    announce_catalogue(session, at)
    return made


def _import_device(
    session: Session, row: CsvRow, at: datetime
) -> tuple[bool, FreshCredential | None]:
    key = row.get("device")
    known = session.scalar(select(Device.id).where(Device.key == key))
    device = register_device(session, key=key, at=at)
    serial = row.find("serial")
    if serial is not None:
        assign_source(session, device=device, asset=_find_asset(session, row, serial), from_at=at)
    if (gateway := row.find("gateway")) is not None:
        set_gateway(session, device=device, gateway_key=gateway, at=at)
    if (row.find("password") or "yes").lower() == "no":
        return known is None, None
    if known is not None and _has_password(session, device.id, at):
        raise Conflict("%(key)s has a password already; replace it on its page.", key=key)
    return known is None, issue_credential(session, device=device, at=at)


def _has_password(session: Session, device_id: int, at: datetime) -> bool:
    return bool(_list_users(session, [device_id], at))


def _find_asset(session: Session, row: CsvRow, serial: str) -> Asset:
    model = get_equipment_model(session, row.get("equipment_model"))
    asset = find_asset_by_serial(session, model, serial)
    if asset is None:
        raise NotFound("%(title)s %(serial)s is not known.", title=model.title, serial=serial)
    return asset


def get_machine_by_serial(session: Session, serial: str) -> Asset:
    """The one machine of that serial number that the scope sees.

    Raises:
        Invalid: when there is none, or several makes have one.
    """
    query = select(Asset).where(Asset.serial == serial.strip()).limit(2)
    found = session.scalars(query).all()
    if len(found) != 1:
        raise Invalid(
            "%(serial)s is no machine of yours, or several have it.", field="serial", serial=serial
        )
    return found[0]
