"""Devices and which asset each of them spoke for at what time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, String, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import InstrumentedAttribute

from devices.access import Act, asset_condition, is_asset_visible, may, seen_assets
from devices.assets import Asset
from devices.readings import is_device_key
from foundation.database import Base, BigId, Scoped, get_scope
from foundation.errors import Conflict, Invalid, NotFound
from foundation.identity.scope import Scope


class Device(Scoped, Base):
    """A telematics unit; its key is part of its topic and of nothing secret."""

    __tablename__ = "device"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    # Which gateway it speaks through; a gateway publishes for the devices registered behind it.
    gateway_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return or_(cls.organisation_id == scope.organisation_id, cls.id.in_(_seen_devices(scope)))

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        # The platform registers devices for nobody; whoever sees such a one administers it.
        is_theirs = self.organisation_id in (None, scope.organisation_id)
        return may(scope, Act.ADMINISTER_ASSETS) and is_theirs


def device_condition(
    column: InstrumentedAttribute[int] | ColumnElement[int], scope: Scope
) -> ColumnElement[bool]:
    """The filter for rows whose device the scope's organisation sees now."""
    device = Device.__table__
    seen = or_(
        device.c.organisation_id == scope.organisation_id, device.c.id.in_(_seen_devices(scope))
    )
    return column.in_(select(device.c.id).where(seen))


def find_device(session: Session, device_id: int) -> Device | None:
    """The device, if the scope sees it."""
    return session.scalar(select(Device).where(Device.id == device_id))


def get_device(session: Session, device_id: int) -> Device:
    """The device.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = find_device(session, device_id)
    if found is None:
        raise NotFound("There is no such device.")
    return found


def _seen_devices(scope: Scope) -> Any:
    assignment = Base.metadata.tables["source_assignment"]
    seen = assignment.c.asset_id.in_(seen_assets(scope))
    return select(assignment.c.device_id).where(seen)


class SourceAssignment(Scoped, Base):
    """The device spoke for the asset from `from_at` until `to_at`."""

    __tablename__ = "source_assignment"
    __table_args__ = (
        Index(
            "uq_source_assignment_open",
            "device_id",
            unique=True,
            sqlite_where=text("to_at IS NULL"),
            postgresql_where=text("to_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return asset_condition(cls.asset_id, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        return may(scope, Act.ADMINISTER_ASSETS) and is_asset_visible(session, self.asset_id)


def register_device(session: Session, *, key: str, at: datetime) -> Device:
    """The device of that key, made when it is new.

    Raises:
        Invalid: when the key cannot stand in a topic.
        Conflict: when another organisation has a device of that key.
    """
    if not is_device_key(key):
        raise Invalid(
            "%(key)s is no device key: letters, digits, dot, dash and underscore, at most 64.",
            field="device",
            key=repr(key),
        )
    scope = get_scope(session)
    found = session.scalar(select(Device).where(Device.key == key))
    if found is not None:
        return found
    table = Device.__table__
    if session.execute(select(table.c.id).where(table.c.key == key)).first():
        raise Conflict("The device key %(key)s is taken.", key=repr(key))
    device = Device(key=key, organisation_id=scope.organisation_id, created_at=at)
    session.add(device)
    session.flush()
    return device


def assign_source(session: Session, *, device: Device, asset: Asset, from_at: datetime) -> None:
    """Lets the device speak for the asset from that time on; what it spoke for before ends there.

    Raises:
        Invalid: when the present assignment began later.
    """
    present = session.scalar(
        select(SourceAssignment).where(
            SourceAssignment.device_id == device.id, SourceAssignment.to_at.is_(None)
        )
    )
    if present is not None and present.asset_id == asset.id:
        return
    if present is not None and present.from_at > from_at:
        raise Invalid(
            "%(key)s was assigned later than %(from_at)s already.",
            key=device.key,
            from_at=f"{from_at:%Y-%m-%d %H:%M}",
        )
    session.execute(
        update(SourceAssignment)
        .where(SourceAssignment.device_id == device.id, SourceAssignment.to_at.is_(None))
        .values(to_at=from_at)
    )
    session.add(SourceAssignment(device_id=device.id, asset_id=asset.id, from_at=from_at))
    session.flush()


def list_devices_of(session: Session, asset_id: int) -> list[str]:
    """Keys of the devices that speak for the asset now."""
    query = (
        select(Device.key)
        .join(SourceAssignment, SourceAssignment.device_id == Device.id)
        .where(SourceAssignment.asset_id == asset_id, SourceAssignment.to_at.is_(None))
        .order_by(Device.key)
    )
    return list(session.scalars(query))
