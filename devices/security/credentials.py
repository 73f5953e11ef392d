"""What a device shows the broker: a user name and a password of which only the hash is kept.

The user is the device's key. While an old and a new password both hold, the newer one has the
key with `~2` behind it, for the broker knows one password a user; no key holds that sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, may
from devices.provisioning import Device, SourceAssignment, device_condition, find_device
from devices.security.hashing import hash_password, make_password
from foundation import audit
from foundation.changes import ChangeRow, announce
from foundation.database import Base, BigId, Scoped
from foundation.errors import Conflict, Invalid
from foundation.identity.scope import Scope

DEVICE_ACCESS_CHANGE = "device_access"
SECOND_USER = "~2"
LONGEST_OVERLAP = timedelta(days=30)


class DeviceCredential(Scoped, Base):
    """A password of a device; it holds until `ends_at`."""

    __tablename__ = "device_credential"
    __table_args__ = (
        Index(
            "uq_device_credential_lasting",
            "device_id",
            unique=True,
            sqlite_where=text("ends_at IS NULL"),
            postgresql_where=text("ends_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    user: Mapped[str] = mapped_column(String(80), index=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime | None] = mapped_column(index=True)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return device_condition(cls.device_id, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        return (
            may(scope, Act.ADMINISTER_DEVICES) and find_device(session, self.device_id) is not None
        )

    def holds(self, at: datetime) -> bool:
        """Whether the broker lets it in at that time."""
        return self.ends_at is None or self.ends_at > at


@dataclass(frozen=True, slots=True)
class FreshCredential:
    """A new password in clear, to be shown once and kept nowhere."""

    device_key: str
    user: str
    password: str = field(repr=False)


def issue_credential(
    session: Session, *, device: Device, at: datetime, overlap: timedelta = timedelta(0)
) -> FreshCredential:
    """A new password for the device; what held before ends now, or after the overlap.

    Raises:
        Conflict: when the device is out of service.
        Invalid: when the overlap is no time or too long.
    """
    if device.revoked_at is not None:
        raise Conflict("The device %(key)s is out of service.", key=device.key)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid("The old password may hold for at most 30 days.", field="overlap")
    before = _find_lasting(session, device.id) if overlap else None
    _end(session, device.id, at, spared=before)
    if before is not None:
        before.ends_at = at + overlap
        session.flush()
    password = make_password()
    made = DeviceCredential(
        device_id=device.id,
        user=_choose_user(device.key, before),
        password_hash=hash_password(password),
        made_at=at,
    )
    session.add(made)
    session.flush()
    _tell(session, device.id, "issue", at, {"overlap_s": int(overlap.total_seconds())})
    return FreshCredential(device.key, made.user, password)


def revoke_credentials(session: Session, *, device: Device, at: datetime) -> int:
    """Ends every password of the device; the broker ends its connections. Returns how many.

    Raises:
        Conflict: when none holds.
    """
    ended = _end(session, device.id, at, spared=None)
    if not ended:
        raise Conflict("No password of %(key)s holds.", key=device.key)
    _tell(session, device.id, "revoke", at, {"ended": ended})
    return ended


def rotate_at_move(session: Session, *, asset_id: int, at: datetime) -> list[FreshCredential]:
    """New passwords for the devices of an asset that changed hands; the former ones end at once.

    A device that never had a password gets none. Show what is returned to the new party, once.
    """
    query = (
        select(Device)
        .join(SourceAssignment, SourceAssignment.device_id == Device.id)
        .where(SourceAssignment.asset_id == asset_id, SourceAssignment.to_at.is_(None))
        .order_by(Device.key)
    )
    moved = [each for each in session.scalars(query) if list_held(session, each.id, at)]
    return [issue_credential(session, device=each, at=at) for each in moved]


def list_held(session: Session, device_id: int, at: datetime) -> Sequence[DeviceCredential]:
    """The device's passwords that hold at that time, the newest first."""
    query = (
        select(DeviceCredential)
        .where(DeviceCredential.device_id == device_id, _holds(at))
        .order_by(DeviceCredential.id.desc())
    )
    return session.scalars(query).all()


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A user of the broker: its hash, and the devices it speaks for, itself before all."""

    user: str
    password_hash: str = field(repr=False)
    device_keys: tuple[str, ...]


def list_broker_users(session: Session, at: datetime) -> list[BrokerUser]:
    """Every device that may come in at that time, by its user name."""
    query = (
        select(DeviceCredential, Device.key)
        .join(Device, Device.id == DeviceCredential.device_id)
        .where(_holds(at), Device.revoked_at.is_(None))
        .order_by(DeviceCredential.user, DeviceCredential.id)
    )
    behind = _list_sources(session)
    return [
        BrokerUser(each.user, each.password_hash, (key, *behind.get(each.device_id, ())))
        for each, key in session.execute(query)
    ]


def _list_sources(session: Session) -> dict[int, list[str]]:
    """The keys of the devices behind each gateway."""
    query = (
        select(Device.gateway_id, Device.key)
        .where(Device.gateway_id.is_not(None), Device.revoked_at.is_(None))
        .order_by(Device.key)
    )
    found: dict[int, list[str]] = {}
    for gateway_id, key in session.execute(query):
        found.setdefault(int(gateway_id or 0), []).append(key)
    return found


def read_access_state(session: Session, at: datetime) -> tuple[int, int]:
    """What differs as soon as somebody may come in, or may not any more."""
    changes = select(func.max(ChangeRow.id)).where(ChangeRow.kind == DEVICE_ACCESS_CHANGE)
    held = select(func.count()).select_from(DeviceCredential).where(_holds(at))
    return session.scalar(changes) or 0, session.scalar(held) or 0


def announce_device_access(session: Session, device_id: int, at: datetime) -> None:
    """Tells whoever writes the broker's files that they are out of date."""
    announce(session, kind=DEVICE_ACCESS_CHANGE, subject_id=device_id, asset_id=None, at=at)


def _holds(at: datetime) -> ColumnElement[bool]:
    return or_(DeviceCredential.ends_at.is_(None), DeviceCredential.ends_at > at)


def _find_lasting(session: Session, device_id: int) -> DeviceCredential | None:
    query = select(DeviceCredential).where(
        DeviceCredential.device_id == device_id, DeviceCredential.ends_at.is_(None)
    )
    return session.scalar(query)


def _choose_user(key: str, before: DeviceCredential | None) -> str:
    return f"{key}{SECOND_USER}" if before is not None and before.user == key else key


def _end(
    session: Session, device_id: int, at: datetime, *, spared: DeviceCredential | None
) -> int:
    where = [DeviceCredential.device_id == device_id, _holds(at)]
    if spared is not None:
        where.append(DeviceCredential.id != spared.id)
    ending = list(session.scalars(select(DeviceCredential).where(*where)))
    session.execute(update(DeviceCredential).where(*where).values(ends_at=at))
    return len(ending)


def _tell(
    session: Session, device_id: int, act: str, at: datetime, details: dict[str, int]
) -> None:
    action = f"portal:device_credential:{act}"
    audit.record(
        session,
        at=at,
        action=action,
        subject_kind="device",
        subject_id=device_id,
        details=dict(details),
    )
    announce_device_access(session, device_id, at)
