"""Renews who sees assets from who owns and serves them and what was granted; access.py decides.

It reads all parties and grants of an asset whoever acts: an act of one of them must not take
from the others what is theirs. So it asks the tables past the guard, and hands nothing on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from devices.access import (
    Standing,
    StandingGrant,
    StandingParty,
    decide_visible,
    replace_visibility,
)
from devices.dealerships import SubDealer
from devices.sharing.models import DataGrant, GrantState
from foundation.database import Base
from foundation.intervals import Interval

_AT_ONCE = 500
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def renew_visibility(session: Session, asset_ids: Iterable[int]) -> None:
    """Brings who sees these assets up to date."""
    ids = sorted(set(asset_ids))
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        standings = _load_standings(session, part)
        replace_visibility(session, {each: decide_visible(standings[each]) for each in standings})


def _load_standings(session: Session, ids: Collection[int]) -> dict[int, Standing]:
    tables = Base.metadata.tables
    asset, model = tables["asset"], tables["equipment_model"]
    query = select(
        asset.c.id, model.c.manufacturer_id, asset.c.commissioned_at, asset.c.created_at
    ).join(model, model.c.id == asset.c.equipment_model_id)
    parties = _load_parties(session, ids)
    grants = _load_grants(session, parties)
    return {
        row.id: Standing(
            manufacturer_id=row.manufacturer_id,
            begun_at=min(row.commissioned_at, row.created_at),
            parties=tuple(parties.get(row.id, ())),
            grants=tuple(grants.get(row.id, ())),
        )
        for row in session.execute(query.where(asset.c.id.in_(ids)))
    }


def _load_parties(session: Session, ids: Collection[int]) -> dict[int, list[StandingParty]]:
    party = Base.metadata.tables["asset_party"]
    query = select(party).where(party.c.asset_id.in_(ids)).order_by(party.c.from_at, party.c.id)
    found: dict[int, list[StandingParty]] = defaultdict(list)
    above = _load_above(session)
    for row in session.execute(query):
        own = _party(row)
        found[row.asset_id] += [own, *_list_above(own, above)]
    return found


def _load_above(session: Session) -> dict[int, list[StandingParty]]:
    """The dealers under whom a dealer worked, with their periods."""
    table = SubDealer.__table__
    found: dict[int, list[StandingParty]] = defaultdict(list)
    for row in session.execute(select(table).order_by(table.c.id)):
        period = Interval(row.from_at, row.to_at)
        found[row.dealer_id].append(StandingParty(row.parent_id, period, is_owner=False))
    return found


def _list_above(
    party: StandingParty, above: Mapping[int, list[StandingParty]]
) -> Iterator[StandingParty]:
    """Who sees an asset because the party services it: the dealers above it, in that time."""
    if party.is_owner:
        return
    for each in above.get(party.organisation_id, ()):
        part = party.period.intersection(each.period)
        if part is not None and part.start != part.end:
            higher = StandingParty(each.organisation_id, part, is_owner=False)
            yield higher
            yield from _list_above(higher, above)


def _load_grants(
    session: Session, parties: Mapping[int, list[StandingParty]]
) -> dict[int, list[StandingGrant]]:
    owned = {
        asset_id: {each.organisation_id for each in found if each.is_owner}
        for asset_id, found in parties.items()
    }
    grant = DataGrant.__table__
    owners = set().union(*owned.values())
    query = select(grant).where(grant.c.state == GrantState.GIVEN, grant.c.owner_id.in_(owners))
    given = session.execute(query.order_by(grant.c.id)).all()
    return {
        asset_id: [
            _grant(row)
            for row in given
            if row.owner_id in owners and row.asset_id in (None, asset_id)
        ]
        for asset_id, owners in owned.items()
    }


def _grant(row: Row[*tuple[Any, ...]]) -> StandingGrant:
    return StandingGrant(
        owner_id=row.owner_id,
        grantee_id=row.grantee_id,
        period=Interval(row.from_at or _ALWAYS, row.to_at),
        metrics=tuple(row.metrics),
        covers_story=row.covers_story,
        purpose=" ".join(row.purposes)[:40],
    )


def renew_of_dealer(session: Session, dealer_id: int) -> None:
    """Brings who sees what a dealer and those below it service up to date."""
    ids, fresh, below = {dealer_id}, {dealer_id}, SubDealer.__table__
    while fresh:
        query = select(below.c.dealer_id).where(below.c.parent_id.in_(fresh))
        fresh = set(session.execute(query).scalars()) - ids
        ids |= fresh
    party = Base.metadata.tables["asset_party"]
    served = select(party.c.asset_id).where(
        party.c.organisation_id.in_(ids), party.c.kind == "servicing"
    )
    renew_visibility(session, session.execute(served).scalars())


def renew_of_owner(session: Session, owner_id: int, asset_id: int | None) -> None:
    """Brings who sees an owner's assets up to date, or one of them, also those it had before."""
    party = Base.metadata.tables["asset_party"]
    query = select(party.c.asset_id).where(
        party.c.organisation_id == owner_id, party.c.kind == "owner"
    )
    if asset_id is not None:
        query = query.where(party.c.asset_id == asset_id)
    renew_visibility(session, session.execute(query).scalars())


def _party(row: Row[*tuple[Any, ...]]) -> StandingParty:
    return StandingParty(
        row.organisation_id, Interval(row.from_at, row.to_at), is_owner=row.kind == "owner"
    )
