"""Who owned and served a machine: the changes of its parties, newest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.ownership import AssetParty, PartyKind
from foundation.identity.models import Organisation


@dataclass(frozen=True, slots=True)
class PartyChange:
    """An organisation that became owner or servicing dealer at a time."""

    id: int
    at: datetime
    kind: PartyKind
    organisation: str


def list_party_changes(
    session: Session, asset_id: int, *, before: datetime, limit: int
) -> list[PartyChange]:
    """What changed before an instant, newest first."""
    query = (
        select(AssetParty.id, AssetParty.from_at, AssetParty.kind, Organisation.name)
        .join(Organisation, Organisation.id == AssetParty.organisation_id)
        .where(AssetParty.asset_id == asset_id, AssetParty.from_at < before)
        .order_by(AssetParty.from_at.desc(), AssetParty.id.desc())
        .limit(limit)
    )
    return [PartyChange(*row) for row in session.execute(query)]
