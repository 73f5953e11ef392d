"""Requesting, giving, limiting, refusing and revoking grants of data, and breaking the glass.

Each act leaves a receipt and renews who sees the machines, so that it holds from the next query.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.access import is_asset_visible
from devices.sharing.models import (
    DataGrant,
    GrantAct,
    GrantReceipt,
    GrantState,
    Purpose,
    has_grants,
)
from devices.visibility import renew_of_owner
from foundation import audit
from foundation.database import get_scope
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.identity.scope import OrganisationKind
from foundation.jobs import enqueue

EXPIRY = "grant_expiry"
LONGEST_EMERGENCY = timedelta(hours=72)
AGREED = "Agreed at commissioning"


@dataclass(frozen=True, slots=True)
class Extent:
    """What a grant covers; no metrics means all of them, no times means always."""

    metrics: Sequence[str] = ()
    covers_story: bool = False
    asset_id: int | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


def agree_default(session: Session, *, owner_id: int, manufacturer_id: int, at: datetime) -> None:
    """Records what is agreed at commissioning; who limited or revoked it is not asked again."""
    if has_grants(session, owner_id, manufacturer_id):
        return
    parties, extent = (owner_id, manufacturer_id), Extent(covers_story=True)
    purposes = (Purpose.SERVICE, Purpose.PRODUCT_IMPROVEMENT)
    made = _make(session, parties, GrantState.GIVEN, purposes, extent, at=at)
    made.is_default = True
    session.flush()
    _note(session, made, GrantAct.AGREED, at, AGREED)


def request_grant(
    session: Session,
    *,
    owner: Organisation,
    purpose: Purpose,
    extent: Extent,
    reason: str,
    at: datetime,
) -> DataGrant:
    """Asks an owner for data.

    Raises:
        Invalid: without a reason, or when the other is no customer.
        NotFound: when the machine is none that the scope knows of.
    """
    _check_customer(owner)
    if extent.asset_id is not None and not is_asset_visible(session, extent.asset_id):
        raise NotFound("There is no such machine.")
    reason = _check_reason(reason)
    own = _own_id(session)
    made = _make(session, (owner.id, own), GrantState.REQUESTED, (purpose,), extent, at=at)
    session.flush()
    _note(session, made, GrantAct.REQUEST, at, reason)
    return made


def give_unasked(
    session: Session,
    *,
    grantee: Organisation,
    purpose: Purpose,
    extent: Extent,
    reason: str,
    at: datetime,
) -> DataGrant:
    """An owner grants data by itself.

    Raises:
        Invalid: when the grantee is the owner.
        NotFound: when the machine is none of the owner's.
    """
    own = _own_id(session)
    if grantee.id == own:
        raise Invalid("Your own data is yours already.", field="organisation")
    if extent.asset_id is not None and not is_asset_visible(session, extent.asset_id):
        raise NotFound("There is no such machine.")
    made = _make(session, (own, grantee.id), GrantState.GIVEN, (purpose,), extent, at=at)
    session.flush()
    _take_effect(session, made, GrantAct.GIVE, at, reason)
    return made


def give(
    session: Session,
    grant_id: int,
    *,
    metrics: Sequence[str] | None,
    at: datetime,
    reason: str = "",
) -> DataGrant:
    """Gives what was requested, limited to some metrics where they are named.

    Raises:
        NotFound: when the owner has no such request.
        Conflict: when it was answered already.
        Invalid: when it would give more than was asked for.
    """
    grant = _get_own(session, grant_id, GrantState.REQUESTED)
    if metrics is not None:
        _narrow(grant, metrics)
    grant.state, grant.changed_at = GrantState.GIVEN, at
    _take_effect(session, grant, GrantAct.GIVE, at, reason)
    return grant


def limit(
    session: Session, grant_id: int, *, metrics: Sequence[str], covers_story: bool, at: datetime
) -> DataGrant:
    """Narrows a given grant down.

    Raises:
        NotFound: when the owner has given no such grant.
        Invalid: when it would be more than before, or nothing.
    """
    grant = _get_own(session, grant_id, GrantState.GIVEN)
    if covers_story and not grant.covers_story:
        raise Invalid("A limit cannot add anything.", field="metrics")
    _narrow(grant, metrics)
    grant.covers_story, grant.changed_at = covers_story, at
    _take_effect(session, grant, GrantAct.LIMIT, at, ", ".join(metrics))
    return grant


def refuse(session: Session, grant_id: int, *, reason: str, at: datetime) -> DataGrant:
    """Refuses a request; the reason is recorded and shown to who asked.

    Raises:
        Invalid: without a reason.
    """
    grant, reason = _get_own(session, grant_id, GrantState.REQUESTED), _check_reason(reason)
    grant.state, grant.changed_at = GrantState.REFUSED, at
    _take_effect(session, grant, GrantAct.REFUSE, at, reason)
    return grant


def revoke(session: Session, grant_id: int, *, at: datetime, reason: str = "") -> DataGrant:
    """Takes a grant back; the grantee sees nothing under it from now on."""
    grant = _get_own(session, grant_id, GrantState.GIVEN)
    grant.state, grant.changed_at = GrantState.ENDED, at
    _take_effect(session, grant, GrantAct.REVOKE, at, reason)
    return grant


def break_glass(
    session: Session, *, asset_id: int, owner_id: int, reason: str, hours: int, at: datetime
) -> DataGrant:
    """The manufacturer looks at a machine without a grant, for some hours; its owner sees it.

    Raises:
        NotFound: when the machine is not one the scope knows of.
        Invalid: without a reason, or for longer than is allowed.
    """
    if not is_asset_visible(session, asset_id):
        raise NotFound("There is no such machine.")
    if not 0 < hours * 3_600 <= LONGEST_EMERGENCY.total_seconds():
        raise Invalid("From 1 to %(most)s hours.", field="hours", most=72)
    reason = _check_reason(reason)
    extent = Extent(covers_story=True, asset_id=asset_id)
    parties, purposes = (owner_id, _own_id(session)), (Purpose.EMERGENCY,)
    made = _make(session, parties, GrantState.GIVEN, purposes, extent, at=at)
    made.expires_at = at + timedelta(hours=hours)
    session.flush()
    payload = {"grant_id": made.id}
    enqueue(session, kind=EXPIRY, payload=payload, at=at, run_at=made.expires_at)
    _take_effect(session, made, GrantAct.BREAK_GLASS, at, reason)
    return made


def expire(session: Session, payload: dict[str, Any]) -> None:
    """Ends a grant at its time; `payload` is `{"grant_id": int}`."""
    grant = session.get_one(DataGrant, payload["grant_id"])
    if grant.state != GrantState.GIVEN or grant.expires_at is None:
        return
    grant.state = GrantState.ENDED
    _take_effect(session, grant, GrantAct.EXPIRE, grant.expires_at, "")


def _make(
    session: Session,
    parties: tuple[int, int],
    state: GrantState,
    purposes: Sequence[Purpose],
    extent: Extent,
    *,
    at: datetime,
) -> DataGrant:
    made = DataGrant(
        owner_id=parties[0],
        grantee_id=parties[1],
        asset_id=extent.asset_id,
        state=state,
        purposes=[each.value for each in purposes],
        metrics=list(dict.fromkeys(extent.metrics)),
        covers_story=extent.covers_story,
        is_default=False,
        from_at=extent.from_at,
        to_at=extent.to_at,
        asked_at=at,
        changed_at=at,
    )
    session.add(made)
    return made


def _own_id(session: Session) -> int:
    own = get_scope(session).organisation_id
    if own is None:
        raise Forbidden("The platform itself belongs to no organisation.")
    return own


def _check_customer(owner: Organisation) -> None:
    if owner.kind != OrganisationKind.CUSTOMER:
        raise Invalid("%(name)s owns no machines.", field="organisation", name=owner.name)


def _check_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why; the other side reads it.", field="reason")
    return reason


def _get_own(session: Session, grant_id: int, state: GrantState) -> DataGrant:
    query = select(DataGrant).where(
        DataGrant.id == grant_id, DataGrant.owner_id == get_scope(session).organisation_id
    )
    grant = session.scalar(query)
    if grant is None:
        raise NotFound("There is no such grant.")
    if grant.state != state:
        raise Conflict("This was decided already.")
    return grant


def _narrow(grant: DataGrant, metrics: Sequence[str]) -> None:
    if grant.metrics and not set(metrics) <= set(grant.metrics):
        raise Invalid("A limit cannot add anything.", field="metrics")
    if metrics or not grant.metrics:
        grant.metrics = list(dict.fromkeys(metrics))


def _take_effect(
    session: Session, grant: DataGrant, act: GrantAct, at: datetime, reason: str
) -> None:
    session.flush()
    _note(session, grant, act, at, reason.strip())
    renew_of_owner(session, grant.owner_id, grant.asset_id)


def _note(session: Session, grant: DataGrant, act: GrantAct, at: datetime, reason: str) -> None:
    scope = get_scope(session)
    session.add(
        GrantReceipt(
            grant_id=grant.id,
            owner_id=grant.owner_id,
            grantee_id=grant.grantee_id,
            act=act,
            at=at,
            organisation_id=scope.organisation_id,
            person_id=scope.person_id,
            reason=reason,
        )
    )
    audit.record(
        session,
        at=at,
        action=f"devices:data_grant:{act}",
        subject_kind="data_grant",
        subject_id=grant.id,
        details={"owner": grant.owner_id, "grantee": grant.grantee_id},
    )
    session.flush()


HANDLERS = {EXPIRY: expire}
"""What the worker runs, by job kind."""
