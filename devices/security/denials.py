"""What the broker refused a device, as rows of the audit that its manufacturer can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.provisioning import Device, SourceAssignment
from devices.security.credentials import SECOND_USER
from foundation import audit
from foundation.audit import AuditRow
from foundation.database import get_scope

_LONGEST_TOPIC = 200
ACTIONS = {"publish": "broker:publish:deny", "subscribe": "broker:subscribe:deny"}


@dataclass(frozen=True, slots=True)
class Denial:
    """A device asked for a topic that is not its own; `times` is how often."""

    user: str
    act: str
    topic: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class DenialRow:
    """A denial as it is shown."""

    at: datetime
    device_id: int | None
    user: str
    act: str
    topic: str
    times: int


def record_denial(session: Session, denial: Denial, *, at: datetime) -> None:
    """Adds it to the audit, under the device and its manufacturer where they are known."""
    key = denial.user.removesuffix(SECOND_USER)
    device = session.scalar(select(Device).where(Device.key == key))
    audit.record(
        session,
        at=at,
        action=ACTIONS[denial.act],
        subject_kind="device" if device else "broker_user",
        subject_id=device.id if device else denial.user[:80],
        details={
            "user": denial.user[:80],
            "topic": denial.topic[:_LONGEST_TOPIC],
            "times": denial.times,
        },
        organisation_id=_find_manufacturer(session, device) if device else None,
    )


def list_denials(
    session: Session, device_id: int | None = None, *, limit: int = 50
) -> Sequence[DenialRow]:
    """What devices of the scope's own organisation were refused, newest first."""
    query = (
        select(AuditRow)
        .where(
            AuditRow.action.in_(ACTIONS.values()),
            AuditRow.organisation_id == get_scope(session).organisation_id,
        )
        .order_by(AuditRow.id.desc())
        .limit(limit)
    )
    if device_id is not None:
        query = query.where(
            AuditRow.subject_kind == "device", AuditRow.subject_id == str(device_id)
        )
    return [_describe(row) for row in session.scalars(query)]


def _describe(row: AuditRow) -> DenialRow:
    device_id = int(row.subject_id) if row.subject_kind == "device" else None
    act = row.action.split(":")[1]
    details = row.details
    return DenialRow(row.at, device_id, details["user"], act, details["topic"], details["times"])


def _find_manufacturer(session: Session, device: Device) -> int | None:
    if device.organisation_id is not None:
        return device.organisation_id
    query = (
        select(Asset)
        .join(SourceAssignment, SourceAssignment.asset_id == Asset.id)
        .where(SourceAssignment.device_id == device.id, SourceAssignment.to_at.is_(None))
    )
    asset = session.scalar(query)
    return asset.equipment_model.manufacturer_id if asset else None
