"""Codes that change every half minute (TOTP, RFC 6238), and recovery codes for the day without.

A code counts once: the step it belongs to is kept, and none up to it counts again.
"""

import base64
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import ColumnElement, ForeignKey, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import audit
from foundation.database import Base, BigId, Scoped
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.guessing import FAILURE_WINDOW
from foundation.identity.models import LoginFailure, Organisation, Person
from foundation.identity.scope import Role, Scope
from foundation.identity.tokens import hash_token
from foundation.identity.vault import Vault

ISSUER = "Millwright"
STEP_S = 30
# A clock may be half a minute off, either way.
TOLERATED_STEPS = 1
MAX_WRONG_CODES = 10
RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
STAFF_ROLES = (Role.MANUFACTURER, Role.DEALER_MANAGER, Role.TECHNICIAN)


class SecondFactor(Scoped, Base):
    """The code maker of a person; it counts once its first code was entered."""

    __tablename__ = "second_factor"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    sealed_secret: Mapped[str] = mapped_column(String(400))
    last_step: Mapped[int] = mapped_column(BigId, default=0)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return cls.person_id == scope.person_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        return self.person_id == scope.person_id


class RecoveryCode(Scoped, Base):
    """A code of 80 bits that counts once in place of the code maker's; stored as its hash."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return cls.person_id == scope.person_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        return self.person_id == scope.person_id


def needs_code(session: Session, person_id: int) -> bool:
    """Whether the person's password alone no longer signs them in."""
    return _find(session, person_id, confirmed=True) is not None


def is_required(session: Session, organisation_id: int, role: Role) -> bool:
    """Whether the organisation wants more than a password from people of that role."""
    organisation = session.get_one(Organisation, organisation_id)
    return organisation.requires_second_factor and role in STAFF_ROLES


def begin(session: Session, *, person_id: int, vault: Vault, at: datetime) -> str:
    """The address of a new code maker, to be shown as a QR code; it does not count yet.

    Raises:
        Conflict: when the person has one that counts.
    """
    if needs_code(session, person_id):
        raise Conflict("You have a code maker already. Remove it first.")
    session.execute(delete(SecondFactor).where(SecondFactor.person_id == person_id))
    secret = pyotp.random_base32()
    made = SecondFactor(person_id=person_id, sealed_secret=vault.seal(secret), created_at=at)
    session.add(made)
    session.flush()
    return _address(session, person_id, secret)


def find_begun(session: Session, *, person_id: int, vault: Vault) -> str | None:
    """The address of a code maker whose first code is still awaited."""
    found = _find(session, person_id, confirmed=False)
    if found is None:
        return None
    return _address(session, person_id, vault.open(found.sealed_secret))


def confirm(
    session: Session, *, person_id: int, code: str, vault: Vault, at: datetime
) -> list[str]:
    """Lets the code maker count from now on; returns the recovery codes, which are shown once.

    Raises:
        NotFound: when none was begun.
        Invalid: when the code is not its present one.
    """
    found = _find(session, person_id, confirmed=False)
    if found is None:
        raise NotFound("Begin with a new code maker.")
    if not _use_code(session, found, code, vault, at):
        raise Invalid("This is not the present code. Check your phone's clock.", field="code")
    found.confirmed_at = at
    session.flush()
    _record(session, "add_second_factor", person_id, at)
    return renew_recovery_codes(session, person_id=person_id, at=at)


def renew_recovery_codes(session: Session, *, person_id: int, at: datetime) -> list[str]:
    """New recovery codes in place of all earlier ones; they are stored nowhere."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = [_make_recovery_code() for _ in range(RECOVERY_CODES)]
    for each in codes:
        session.add(RecoveryCode(person_id=person_id, code_hash=_hash(each)))
    session.flush()
    _record(session, "renew_recovery_codes", person_id, at)
    return codes


def count_recovery_codes(session: Session, person_id: int) -> int:
    """How many recovery codes are left."""
    query = select(func.count(RecoveryCode.id)).where(
        RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(query) or 0


def remove(session: Session, *, person_id: int, at: datetime) -> None:
    """Takes code maker and recovery codes away.

    Raises:
        NotFound: when there is none.
    """
    found = _find(session, person_id, confirmed=True)
    if found is None:
        raise NotFound("There is no code maker.")
    session.delete(found)
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    session.flush()
    _record(session, "remove_second_factor", person_id, at)


def check_code(session: Session, *, person_id: int, code: str, vault: Vault, at: datetime) -> bool:
    """Whether it is the present code or a recovery code left; either counts this once."""
    found = _find(session, person_id, confirmed=True)
    if found is not None and _use_code(session, found, code, vault, at):
        return True
    return found is not None and _use_recovery_code(session, person_id, code, at)


def try_code(
    session: Session, *, person_id: int, code: str, vault: Vault, at: datetime, address: str
) -> bool:
    """Whether the code counts, as `check_code`; a wrong one is counted.

    Only who has the password gets here, so guessing may be stopped for the account as a whole.

    Raises:
        Forbidden: when there were too many wrong codes.
    """
    key = f"code:{person_id}"
    recent = select(func.count(LoginFailure.id)).where(
        LoginFailure.email == key, LoginFailure.at > at - FAILURE_WINDOW
    )
    if (session.scalar(recent) or 0) >= MAX_WRONG_CODES:
        raise Forbidden("Too many wrong codes. Wait 15 minutes and try again.")
    if check_code(session, person_id=person_id, code=code, vault=vault, at=at):
        return True
    session.add(LoginFailure(email=key, address=address[:64], at=at))
    return False


def _use_code(
    session: Session, factor: SecondFactor, code: str, vault: Vault, at: datetime
) -> bool:
    totp = pyotp.TOTP(vault.open(factor.sealed_secret), interval=STEP_S)
    code = "".join(code.split())
    present = int(at.timestamp()) // STEP_S
    steps = range(present - TOLERATED_STEPS, present + TOLERATED_STEPS + 1)
    matching = [step for step in steps if _is_code(totp, step, code)]
    if not matching:
        return False
    # Two requests with one code: the update lets only the first of them through.
    used = session.execute(
        update(SecondFactor)
        .where(SecondFactor.id == factor.id, SecondFactor.last_step < matching[-1])
        .values(last_step=matching[-1])
        .returning(SecondFactor.id)
    )
    return used.scalar() is not None


def _is_code(totp: pyotp.TOTP, step: int, code: str) -> bool:
    return secrets.compare_digest(totp.generate_otp(step).encode(), code.encode())


def _use_recovery_code(session: Session, person_id: int, code: str, at: datetime) -> bool:
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash == _hash(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(RecoveryCode.id)
    )
    return used.scalar() is not None


def _find(session: Session, person_id: int, *, confirmed: bool) -> SecondFactor | None:
    state = SecondFactor.confirmed_at
    query = select(SecondFactor).where(
        SecondFactor.person_id == person_id,
        state.is_not(None) if confirmed else state.is_(None),
    )
    return session.scalar(query)


def _address(session: Session, person_id: int, secret: str) -> str:
    email = session.get_one(Person, person_id).email
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=email, issuer_name=ISSUER)


def _make_recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(code: str) -> str:
    return hash_token("".join(code.split()).replace("-", "").lower())


def _record(session: Session, act: str, person_id: int, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:person:{act}",
        subject_kind="person",
        subject_id=person_id,
    )
