"""The limit on guessing passwords: strangers are slowed down, owners are not locked out.

A browser that its person signed in by before is known, and has a count of its own; whatever
strangers do to the account, it may try. Strangers are counted by account and address, by address,
and by how many addresses try one account.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, distinct, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.database import Base, BigId
from foundation.errors import Forbidden
from foundation.identity.models import LoginFailure, Person
from foundation.identity.tokens import hash_token, make_token

FAILURE_WINDOW = timedelta(minutes=15)
DEVICE_LIFE = timedelta(days=365)
MAX_FAILURES_PER_EMAIL_AND_ADDRESS = 10
MAX_FAILURES_PER_ADDRESS = 50
MAX_ADDRESSES_PER_EMAIL = 50
MAX_DEVICES = 20
# Whoever has one address of this version has a whole network of them.
_SHARED_BITS_OF_V6 = 64
_DEVICE = "device:"


class KnownDevice(Base):
    """A browser that a person signed in by; it holds a random token, we hold only its hash."""

    __tablename__ = "known_device"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    seen_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Guesser:
    """Whoever tries a password: for which account, from where, and whether it is known."""

    email: str
    place: str
    is_known: bool


def describe_guesser(
    session: Session, *, email: str, address: str, device: str, at: datetime
) -> Guesser:
    """Who tries, as they are counted."""
    if device and _is_known(session, email, device, at):
        return Guesser(email, f"{_DEVICE}{hash_token(device)[:40]}", is_known=True)
    return Guesser(email, _network_of(address), is_known=False)


def check_guessing(session: Session, guesser: Guesser, at: datetime) -> None:
    """Refuses whoever failed too often; the answer is the same for accounts that do not exist.

    Raises:
        Forbidden: saying how long to wait.
    """
    since = LoginFailure.at > at - FAILURE_WINDOW
    of_place = select(func.count()).where(LoginFailure.address == guesser.place, since)
    of_both = of_place.where(LoginFailure.email == guesser.email)
    is_over = (session.scalar(of_both) or 0) >= MAX_FAILURES_PER_EMAIL_AND_ADDRESS
    is_over = is_over or (session.scalar(of_place) or 0) >= MAX_FAILURES_PER_ADDRESS
    if is_over or (not guesser.is_known and _is_besieged(session, guesser.email, at)):
        raise Forbidden("Too many attempts from here. Wait 15 minutes and try again.")


def count_failure(session: Session, guesser: Guesser, at: datetime) -> None:
    """Counts a refused sign-in."""
    session.add(LoginFailure(email=guesser.email, address=guesser.place, at=at))


def know_device(session: Session, *, person_id: int, device: str, at: datetime) -> str:
    """Keeps the browser as one of the person's; returns the token it shall hold from now on."""
    found = update(KnownDevice).where(
        KnownDevice.person_id == person_id, KnownDevice.token_hash == hash_token(device)
    )
    if session.execute(found.values(seen_at=at).returning(KnownDevice.id)).scalar() is not None:
        return device
    _forget_oldest(session, person_id)
    token = make_token()
    session.add(KnownDevice(person_id=person_id, token_hash=hash_token(token), seen_at=at))
    session.flush()
    return token


def forget_failures(session: Session, at: datetime) -> None:
    """Deletes counted failures, and known browsers, that no longer matter."""
    session.execute(delete(LoginFailure).where(LoginFailure.at < at - FAILURE_WINDOW))
    session.execute(delete(KnownDevice).where(KnownDevice.seen_at < at - DEVICE_LIFE))


def _is_known(session: Session, email: str, device: str, at: datetime) -> bool:
    query = (
        select(KnownDevice.id)
        .join(Person, Person.id == KnownDevice.person_id)
        .where(
            Person.email == email,
            KnownDevice.token_hash == hash_token(device),
            KnownDevice.seen_at > at - DEVICE_LIFE,
        )
    )
    return session.scalar(query) is not None


def _is_besieged(session: Session, email: str, at: datetime) -> bool:
    query = select(func.count(distinct(LoginFailure.address))).where(
        LoginFailure.email == email,
        LoginFailure.at > at - FAILURE_WINDOW,
        LoginFailure.address.not_like(f"{_DEVICE}%"),
    )
    return (session.scalar(query) or 0) >= MAX_ADDRESSES_PER_EMAIL


def _forget_oldest(session: Session, person_id: int) -> None:
    kept = (
        select(KnownDevice.id)
        .where(KnownDevice.person_id == person_id)
        .order_by(KnownDevice.seen_at.desc(), KnownDevice.id.desc())
        .limit(MAX_DEVICES - 1)
    )
    ids = list(session.scalars(kept))
    session.execute(
        delete(KnownDevice).where(KnownDevice.person_id == person_id, KnownDevice.id.not_in(ids))
    )


def _network_of(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4 or parsed.ipv4_mapped is not None:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    network = ipaddress.ip_network((int(parsed), _SHARED_BITS_OF_V6), strict=False)
    return str(network)
