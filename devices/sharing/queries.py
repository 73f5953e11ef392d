"""Reads of grants for pages: what is shared with whom, why, since when, and who read it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from devices.access import list_readable
from devices.assets import Asset
from devices.ownership import AssetParty, PartyKind, find_party
from devices.sharing.models import (
    DataGrant,
    DataRead,
    GrantAct,
    GrantReceipt,
    GrantState,
    Purpose,
)
from foundation.database import get_scope
from foundation.identity.models import Organisation, Person

READS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Receipt:
    """An act on a grant, by whom and why."""

    act: GrantAct
    at: datetime
    organisation: str | None
    person: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant as both sides read it; without `machine` it is about all of the owner's."""

    id: int
    owner: str
    grantee: str
    is_own: bool
    state: GrantState
    purposes: tuple[Purpose, ...]
    metrics: tuple[str, ...]
    covers_story: bool
    machine: str | None
    expires_at: datetime | None
    changed_at: datetime
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A machine was read on a day by somebody of another organisation."""

    first_at: datetime
    reader: str
    person: str
    machine: str
    purpose: str


def list_grants(session: Session) -> list[GrantRow]:
    """The grants that the scope gave or holds, requests first, then newest."""
    owner, grantee = aliased(Organisation), aliased(Organisation)
    query = (
        select(DataGrant, owner.name, grantee.name, Asset.name)
        .join(owner, owner.id == DataGrant.owner_id)
        .join(grantee, grantee.id == DataGrant.grantee_id)
        .outerjoin(Asset, Asset.id == DataGrant.asset_id)
        .order_by((DataGrant.state == GrantState.REQUESTED).desc(), DataGrant.id.desc())
    )
    own, receipts = get_scope(session).organisation_id, _list_receipts(session)
    return [
        GrantRow(
            id=grant.id,
            owner=owner_name,
            grantee=grantee_name,
            is_own=grant.owner_id == own,
            state=grant.state,
            purposes=tuple(Purpose(each) for each in grant.purposes),
            metrics=tuple(grant.metrics),
            covers_story=grant.covers_story,
            machine=machine if grant.asset_id is None or machine else f"#{grant.asset_id}",
            expires_at=grant.expires_at,
            changed_at=grant.changed_at,
            receipts=tuple(receipts[grant.id]),
        )
        for grant, owner_name, grantee_name, machine in session.execute(query)
    ]


def _list_receipts(session: Session) -> dict[int, list[Receipt]]:
    query = (
        select(GrantReceipt, Organisation.name, Person.name)
        .outerjoin(Organisation, Organisation.id == GrantReceipt.organisation_id)
        .outerjoin(Person, Person.id == GrantReceipt.person_id)
        .order_by(GrantReceipt.id)
    )
    found: dict[int, list[Receipt]] = defaultdict(list)
    for each, home, name in session.execute(query):
        found[each.grant_id].append(Receipt(each.act, each.at, home, name, each.reason))
    return found


def list_servants(session: Session) -> list[str]:
    """The dealers who serve the scope's machines and see them for that, by name."""
    query = (
        select(Organisation.name)
        .join(AssetParty, AssetParty.organisation_id == Organisation.id)
        .where(AssetParty.kind == PartyKind.SERVICING, AssetParty.to_at.is_(None))
        .distinct()
        .order_by(Organisation.name)
    )
    return list(session.scalars(query))


def count_to_decide(session: Session) -> int:
    """Requests that the scope has not answered yet."""
    query = select(func.count(DataGrant.id)).where(
        DataGrant.owner_id == get_scope(session).organisation_id,
        DataGrant.state == GrantState.REQUESTED,
    )
    return session.scalar(query) or 0


def list_reads(session: Session) -> list[ReadLine]:
    """Who read the scope's machines, or what its people read of others', newest first."""
    query = (
        select(DataRead.first_at, Organisation.name, Person.name, Asset.serial, DataRead.purpose)
        .join(Organisation, Organisation.id == DataRead.reader_id)
        .join(Person, Person.id == DataRead.person_id)
        .outerjoin(Asset, Asset.id == DataRead.asset_id)
        .order_by(DataRead.first_at.desc(), DataRead.id.desc())
        .limit(READS_SHOWN)
    )
    return [
        ReadLine(at, home, who, asset or "–", why)
        for at, home, who, asset, why in session.execute(query)
    ]


def record_read(session: Session, asset_id: int, *, at: datetime) -> bool:
    """Notes that the scope's person reads a machine of others today; once a day and purpose."""
    scope, owner = get_scope(session), find_party(session, asset_id, PartyKind.OWNER)
    if owner is None or scope.person_id is None or scope.organisation_id is None:
        return False
    purpose = find_purpose(session, asset_id)
    if owner.organisation_id == scope.organisation_id or not purpose:
        return False
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    known = select(DataRead.id).where(
        DataRead.reader_id == scope.organisation_id,
        DataRead.person_id == scope.person_id,
        DataRead.asset_id == asset_id,
        DataRead.purpose == purpose,
        DataRead.day == day,
    )
    if session.scalar(known) is not None:
        return False
    session.add(
        DataRead(
            owner_id=owner.organisation_id,
            reader_id=scope.organisation_id,
            person_id=scope.person_id,
            asset_id=asset_id,
            purpose=purpose,
            day=day,
            first_at=at,
        )
    )
    session.flush()
    return True


def find_purpose(session: Session, asset_id: int) -> str:
    """For what the scope reads an asset of somebody else's now; empty for its own, or none."""
    readable = list_readable(session, asset_id) or ()
    purposes = {each.purpose for each in readable if each.period.end is None}
    return "" if "owner" in purposes else ", ".join(sorted(purposes))
