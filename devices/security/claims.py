"""Claim codes: printed once for a device, redeemed once by a person or by the device itself.

A code has 100 random bits, so its plain digest gives nothing away. Wrong codes are counted for
each guesser and for everybody together: a stranger who guesses slows only himself down.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import ColumnElement, ForeignKey, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, may, require
from devices.assets import get_asset
from devices.equipment_models import announce_catalogue
from devices.provisioning import Device, assign_source, device_condition, find_device
from devices.security.credentials import FreshCredential, issue_credential
from foundation import audit
from foundation.database import Base, BigId, Scoped, elevated, get_scope
from foundation.errors import Conflict, Forbidden, Invalid
from foundation.identity.scope import Scope

# Crockford's base 32: without I, L, O and U, which are misread.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 20
_GROUP = 5
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})
SHORTEST_LIFE = timedelta(minutes=10)
LONGEST_LIFE = timedelta(days=400)
FAILURE_WINDOW = timedelta(minutes=15)
MAX_FAILURES_PER_GUESSER = 10
# Many guessers at once are one attack; real people do not mistype that often in a quarter hour.
ALARMING_FAILURES = 100
_log = structlog.get_logger(__name__)


class Purpose(StrEnum):
    """What a code is redeemed for."""

    MACHINE = "machine"
    CREDENTIAL = "credential"


class ClaimCode(Scoped, Base):
    """A code of which only the digest is kept."""

    __tablename__ = "claim_code"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    purpose: Mapped[Purpose]
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None] = mapped_column(String(80))

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return device_condition(cls.device_id, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        device = find_device(session, self.device_id)
        return (
            may(scope, Act.ADMINISTER_ASSETS)
            and device is not None
            and device.is_writable_by(scope, session)
        )


class ClaimFailure(Base):
    """A code that was none, counted to slow down guessing."""

    __tablename__ = "claim_failure"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    guesser: Mapped[str] = mapped_column(String(80), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class FreshCode:
    """A code in clear, to be printed and kept nowhere."""

    code: str = field(repr=False)
    purpose: Purpose
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a code was redeemed for: the device, and its new password where it was for one."""

    device_key: str
    credential: FreshCredential | None = None


def make_code() -> str:
    """A new code, in groups of five."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(drawn[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def clean_code(text: str) -> str:
    """What was typed, without gaps and with what is often misread put right."""
    return text.strip().upper().translate(_MISREAD)


def print_code(
    session: Session, *, device: Device, purpose: Purpose, life: timedelta, at: datetime
) -> FreshCode:
    """A new code for the device; unused ones for the same purpose stop working.

    Raises:
        Conflict: when the device is out of service.
        Invalid: when it would hold for no time or too long.
    """
    if device.revoked_at is not None:
        raise Conflict("The device %(key)s is out of service.", key=device.key)
    if not SHORTEST_LIFE <= life <= LONGEST_LIFE:
        raise Invalid("A code holds between 10 minutes and 400 days.", field="life")
    _withdraw(session, device.id, purpose, at)
    code = make_code()
    made = ClaimCode(
        device_id=device.id,
        purpose=purpose,
        code_hash=_digest(code),
        made_at=at,
        expires_at=at + life,
    )
    session.add(made)
    session.flush()
    _record(session, device.id, "print", at, {"purpose": purpose.value})
    return FreshCode(code, purpose, made.expires_at)


def check_guessing(session: Session, *, guesser: str, at: datetime) -> None:
    """Refuses who guessed too often of late.

    Raises:
        Forbidden: when there were too many wrong codes.
    """
    query = select(func.count()).where(
        ClaimFailure.guesser == guesser[:80], ClaimFailure.at > at - FAILURE_WINDOW
    )
    if (session.scalar(query) or 0) >= MAX_FAILURES_PER_GUESSER:
        raise Forbidden("Too many attempts from here. Wait 15 minutes and try again.")


def count_failure(session: Session, *, guesser: str, at: datetime) -> None:
    """Counts a wrong code; alarms when a guesser reaches his limit, or all together do."""
    session.add(ClaimFailure(guesser=guesser[:80], at=at))
    session.flush()
    recent = select(func.count()).where(ClaimFailure.at > at - FAILURE_WINDOW)
    of_all = session.scalar(recent) or 0
    of_one = session.scalar(recent.where(ClaimFailure.guesser == guesser[:80])) or 0
    if of_one == MAX_FAILURES_PER_GUESSER or of_all == ALARMING_FAILURES:
        details = {"of_guesser": of_one, "of_all": of_all}
        _log.warning("claim codes are guessed", guesser=guesser, **details)
        audit.record(
            session,
            at=at,
            action="claim:code:guess",
            subject_kind="guesser",
            subject_id=guesser[:80],
            details=dict(details),
        )


def forget_failures(session: Session, before: datetime) -> None:
    """Deletes failures that count no more."""
    session.execute(delete(ClaimFailure).where(ClaimFailure.at < before))


def redeem_for_machine(
    session: Session, *, code: str, asset_id: int, at: datetime
) -> Claimed | None:
    """Lets the code's device speak for a machine; None when the code is none, used or over.

    Raises:
        Forbidden: when the scope's role may not.
        NotFound: when the scope does not see the machine.
        Conflict: when device and machine are not of one manufacturer.
    """
    require(get_scope(session), Act.CLAIM_DEVICES)
    asset = get_asset(session, asset_id)
    # The code, not the role, gives its holder the right to the device.
    with elevated(session):
        found = _take(session, code, Purpose.MACHINE, at)
        if found is None:
            return None
        device = session.get_one(Device, found.device_id)
        if device.organisation_id not in (None, asset.equipment_model.manufacturer_id):
            raise Conflict("%(key)s is for machines of another manufacturer.", key=device.key)
        assign_source(session, device=device, asset=asset, from_at=at)
        announce_catalogue(session, at)
        _record(session, device.id, "redeem", at, {"asset": asset.id})
    return Claimed(device.key)


def redeem_for_credential(
    session: Session, *, code: str, caller: str, at: datetime
) -> Claimed | None:
    """Hands the device its password; None when the code is none, used or over.

    The session is the platform's own: whoever asks is nobody yet.
    """
    found = _take(session, code, Purpose.CREDENTIAL, at)
    if found is None:
        return None
    device = session.get_one(Device, found.device_id)
    fresh = issue_credential(session, device=device, at=at)
    _record(session, device.id, "redeem", at, {"by": caller})
    return Claimed(device.key, fresh)


def _take(session: Session, code: str, purpose: Purpose, at: datetime) -> ClaimCode | None:
    """Marks a code as used; of two at once only one gets it."""
    where = (
        ClaimCode.code_hash == _digest(code),
        ClaimCode.purpose == purpose,
        ClaimCode.used_at.is_(None),
        ClaimCode.expires_at > at,
    )
    values = {"used_at": at, "used_by": get_scope(session).actor}
    taken = session.execute(
        update(ClaimCode).where(*where).values(values).returning(ClaimCode.id)
    ).scalar()
    return None if taken is None else session.get_one(ClaimCode, taken)


def _withdraw(session: Session, device_id: int, purpose: Purpose, at: datetime) -> None:
    session.execute(
        update(ClaimCode)
        .where(
            ClaimCode.device_id == device_id,
            ClaimCode.purpose == purpose,
            ClaimCode.used_at.is_(None),
            ClaimCode.expires_at > at,
        )
        .values(expires_at=at)
    )


def _digest(code: str) -> str:
    return hashlib.sha256(clean_code(code).encode()).hexdigest()


def _record(
    session: Session, device_id: int, act: str, at: datetime, details: dict[str, object]
) -> None:
    audit.record(
        session,
        at=at,
        action=f"claim:device:{act}",
        subject_kind="device",
        subject_id=device_id,
        details=details,
    )
