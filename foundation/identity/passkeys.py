"""Passkeys (WebAuthn level 2): a key pair that a person's device keeps and unlocks by itself.

Signing in by one shows both possession and the device's own check of its user, so no code follows.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from foundation import audit
from foundation.database import Base, BigId, Scoped
from foundation.errors import Invalid, NotFound
from foundation.identity.attempts import begin_attempt, take_attempt
from foundation.identity.models import Person
from foundation.identity.scope import Scope

MAX_PASSKEYS = 20
_ADD, _USE = "passkey:add", "passkey:use"
_MALFORMED = (WebAuthnException, ValueError, KeyError, TypeError)


class Passkey(Scoped, Base):
    """The public half of a key pair that a person's device keeps."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[str] = mapped_column(String(2000))
    sign_count: Mapped[int] = mapped_column(BigId)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return cls.person_id == scope.person_id

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        return self.person_id == scope.person_id


@dataclass(frozen=True, slots=True)
class Site:
    """The portal as a browser sees it; passkeys are bound to its host name."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser needs for its part, and the token it brings back."""

    options: dict[str, Any]
    token: str


def list_passkeys(session: Session, person_id: int) -> list[Passkey]:
    """A person's passkeys, oldest first."""
    query = select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.id)
    return list(session.scalars(query))


def begin_adding(session: Session, *, person_id: int, site: Site, at: datetime) -> Begun:
    """Asks the browser to make a key pair.

    Raises:
        Invalid: when the person has too many.
    """
    person, known = session.get_one(Person, person_id), list_passkeys(session, person_id)
    if len(known) >= MAX_PASSKEYS:
        raise Invalid("You have %(most)s passkeys already; remove one first.", most=MAX_PASSKEYS)
    options = generate_registration_options(
        rp_id=site.host,
        rp_name="Millwright",
        user_id=str(person_id).encode(),
        user_name=person.email,
        user_display_name=person.name,
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential_id))
            for each in known
        ],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    expected = {"challenge": bytes_to_base64url(options.challenge), "person_id": person_id}
    token = begin_attempt(session, purpose=_ADD, expected=expected, at=at)
    return Begun(json.loads(options_to_json(options)), token)


def add(
    session: Session,
    *,
    person_id: int,
    site: Site,
    token: str,
    credential: str,
    name: str,
    at: datetime,
) -> Passkey:
    """Keeps the public half of what the browser made.

    Raises:
        Invalid: when it does not fit what was asked, or was made for another site.
    """
    expected = take_attempt(session, purpose=_ADD, token=token, at=at)
    if expected["person_id"] != person_id:
        raise Invalid("This took too long. Begin again.")
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(expected["challenge"]),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _MALFORMED as error:
        raise Invalid("This passkey cannot be used.") from error
    passkey = Passkey(
        person_id=person_id,
        name=" ".join(name.split())[:60] or "–",
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        created_at=at,
    )
    session.add(passkey)
    session.flush()
    _record(session, "add_passkey", passkey, at)
    return passkey


def remove(session: Session, passkey_id: int, *, at: datetime) -> None:
    """Forgets one of the scope's person's passkeys.

    Raises:
        NotFound: when the person has no such passkey.
    """
    found = session.scalar(select(Passkey).where(Passkey.id == passkey_id))
    if found is None:
        raise NotFound("There is no such passkey.")
    session.delete(found)
    session.flush()
    _record(session, "remove_passkey", found, at)


def begin_using(session: Session, *, site: Site, at: datetime) -> Begun:
    """Asks the browser for any passkey of this site; who it belongs to is learnt from it."""
    options = generate_authentication_options(
        rp_id=site.host, user_verification=UserVerificationRequirement.REQUIRED
    )
    expected = {"challenge": bytes_to_base64url(options.challenge)}
    token = begin_attempt(session, purpose=_USE, expected=expected, at=at)
    return Begun(json.loads(options_to_json(options)), token)


def use(
    session: Session, *, site: Site, token: str, credential: str, at: datetime
) -> Person | None:
    """The person whose passkey signed; None when it is unknown or does not fit.

    Raises:
        Invalid: when the attempt took too long or was finished before.
    """
    expected = take_attempt(session, purpose=_USE, token=token, at=at)
    passkey = _find(session, credential)
    if passkey is None or not passkey_person(session, passkey).is_active:
        return None
    try:
        done = verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(expected["challenge"]),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except _MALFORMED:
        return None
    session.execute(
        update(Passkey)
        .where(Passkey.id == passkey.id)
        .values(sign_count=done.new_sign_count, used_at=at)
    )
    return passkey_person(session, passkey)


def passkey_person(session: Session, passkey: Passkey) -> Person:
    """Whom a passkey signs in."""
    return session.get_one(Person, passkey.person_id)


def _find(session: Session, credential: str) -> Passkey | None:
    try:
        said = json.loads(credential)
    except (ValueError, RecursionError):
        return None
    known_as = said.get("id") if isinstance(said, dict) else None
    if not isinstance(known_as, str):
        return None
    return session.scalar(select(Passkey).where(Passkey.credential_id == known_as))


def _record(session: Session, act: str, passkey: Passkey, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:person:{act}",
        subject_kind="person",
        subject_id=passkey.person_id,
        details={"passkey": passkey.id},
    )
