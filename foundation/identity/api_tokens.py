"""Tokens for scripts: each acts for its person in one role, reads what it is for, and expires."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation import audit
from foundation.database import Base, BigId, Scoped, get_scope
from foundation.errors import Forbidden, Invalid, NotFound
from foundation.identity.models import Membership, Person
from foundation.identity.scope import Role, Scope
from foundation.identity.tokens import hash_token, make_token

PREFIX = "mw_"
SHOWN = 9
LIVES = (30, 90, 365)
MAX_TOKENS = 20
USE_NOTED_EVERY = timedelta(minutes=1)


class ApiScope(StrEnum):
    """What a token is for."""

    ASSETS = "assets:read"
    READINGS = "readings:read"
    TICKETS = "tickets:read"


class ApiToken(Scoped, Base):
    """A script's key; of the token itself we hold its hash and its first signs."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    begins: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[Role]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        is_own = cls.person_id == scope.person_id
        return is_own & (cls.organisation_id == scope.organisation_id)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        mine = (scope.person_id, scope.organisation_id, scope.role)
        return (self.person_id, self.organisation_id, self.role) == mine


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token in a list."""

    id: int
    name: str
    begins: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


def make_api_token(
    session: Session, *, name: str, scopes: Collection[str], days: int, at: datetime
) -> str:
    """A new token of the scope's person in their present role; it is stored nowhere.

    Raises:
        Invalid: without a name or purpose, with a life that is not offered, or one too many.
        Forbidden: when the session is the platform's own.
    """
    scope, name = get_scope(session), " ".join(name.split())
    if scope.person_id is None or scope.organisation_id is None or scope.role is None:
        raise Forbidden("Only a person makes tokens.")
    _check(session, name, scopes, days, at)
    token = make_token(PREFIX)
    made = ApiToken(
        token_hash=hash_token(token),
        begins=token[:SHOWN],
        name=name,
        person_id=scope.person_id,
        organisation_id=scope.organisation_id,
        role=scope.role,
        scopes=sorted(scopes),
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    session.add(made)
    session.flush()
    _record(session, "make", made, at)
    return token


def list_api_tokens(session: Session, *, at: datetime) -> list[TokenRow]:
    """The scope's person's live tokens, newest first."""
    query = select(ApiToken).where(*_live(at)).order_by(ApiToken.id.desc())
    return [
        TokenRow(
            each.id,
            each.name,
            each.begins,
            tuple(each.scopes),
            each.created_at,
            each.expires_at,
            each.used_at,
        )
        for each in session.scalars(query)
    ]


def revoke_api_token(session: Session, token_id: int, *, at: datetime) -> None:
    """Makes a token worthless from now on.

    Raises:
        NotFound: when the scope's person has no such live token.
    """
    found = session.scalar(select(ApiToken).where(ApiToken.id == token_id, *_live(at)))
    if found is None:
        raise NotFound("There is no such token.")
    found.revoked_at = at
    session.flush()
    _record(session, "revoke", found, at)


def find_api_token(session: Session, token: str, at: datetime) -> ApiToken | None:
    """The live token: not revoked or expired, its person active and still in its role."""
    if not token.startswith(PREFIX):
        return None
    query = (
        select(ApiToken)
        .join(Person, Person.id == ApiToken.person_id)
        .join(
            Membership,
            (Membership.person_id == ApiToken.person_id)
            & (Membership.organisation_id == ApiToken.organisation_id)
            & (Membership.role == ApiToken.role),
        )
        .where(ApiToken.token_hash == hash_token(token), Person.is_active, *_live(at))
    )
    return session.scalar(query)


def is_use_worth_noting(token: ApiToken, at: datetime) -> bool:
    """Whether the token's last use is worth writing down again."""
    return token.used_at is None or at - token.used_at > USE_NOTED_EVERY


def note_use(session: Session, token_id: int, at: datetime) -> None:
    """Writes down that the token was used."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=at))


def _live(at: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ApiToken.revoked_at.is_(None), ApiToken.expires_at > at


def _check(session: Session, name: str, scopes: Collection[str], days: int, at: datetime) -> None:
    if not name:
        raise Invalid("A token needs a name.", field="name")
    if not scopes or set(scopes) - set(ApiScope):
        raise Invalid("Choose what the token is for.", field="scopes")
    if days not in LIVES:
        raise Invalid("Choose how long the token lives.", field="days")
    held = session.scalar(select(func.count(ApiToken.id)).where(*_live(at))) or 0
    if held >= MAX_TOKENS:
        raise Invalid("You have %(most)s tokens already; revoke one first.", most=MAX_TOKENS)


def _record(session: Session, act: str, token: ApiToken, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"portal:api_token:{act}",
        subject_kind="api_token",
        subject_id=token.id,
        details={"scopes": token.scopes},
    )
