"""The only place that decides who may see and do what.

It maintains the table *visible(organisation, asset, metric, from, to)*, which every scoped query
reads, and the table of acts that a role may perform.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    delete,
    exists,
    false,
    insert,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import InstrumentedAttribute

from foundation.database import Base, BigId, get_scope
from foundation.errors import Forbidden
from foundation.identity.scope import Role, Scope
from foundation.intervals import Interval


class Act(StrEnum):
    """Something a role may or may not do, on what it sees."""

    SEE_FLEET = "see_fleet"
    WORK_TICKETS = "work_tickets"
    ASSIGN_TICKETS = "assign_tickets"
    REPORT_PROBLEM = "report_problem"
    COMMENT = "comment"
    ADMINISTER_CATALOGUE = "administer_catalogue"
    ADMINISTER_ASSETS = "administer_assets"
    ADMINISTER_DEVICES = "administer_devices"
    CLAIM_DEVICES = "claim_devices"
    ADMINISTER_PEOPLE = "administer_people"
    SEE_QUARANTINE = "see_quarantine"
    SEE_OFFERS = "see_offers"
    CHECK_OFFERS = "check_offers"
    ANSWER_OFFERS = "answer_offers"
    ADMINISTER_OFFERS = "administer_offers"
    TRANSFER_ASSETS = "transfer_assets"
    SEE_GRANTS = "see_grants"
    GRANT_DATA = "grant_data"
    ASK_DATA = "ask_data"
    BREAK_GLASS = "break_glass"
    PLACE_DEALER = "place_dealer"


_EVERYONE = {Act.SEE_FLEET, Act.COMMENT}
_ACTS: dict[Role, set[Act]] = {
    Role.MANUFACTURER: _EVERYONE
    | {
        Act.ADMINISTER_CATALOGUE,
        Act.ADMINISTER_ASSETS,
        Act.ADMINISTER_DEVICES,
        Act.ADMINISTER_PEOPLE,
        Act.SEE_QUARANTINE,
        Act.SEE_OFFERS,
        Act.ADMINISTER_OFFERS,
        Act.TRANSFER_ASSETS,
        Act.SEE_GRANTS,
        Act.ASK_DATA,
        Act.BREAK_GLASS,
    },
    Role.DEALER_MANAGER: _EVERYONE
    | {
        Act.WORK_TICKETS,
        Act.ASSIGN_TICKETS,
        Act.REPORT_PROBLEM,
        Act.ADMINISTER_DEVICES,
        Act.CLAIM_DEVICES,
        Act.ADMINISTER_PEOPLE,
        Act.SEE_OFFERS,
        Act.CHECK_OFFERS,
        Act.TRANSFER_ASSETS,
        Act.SEE_GRANTS,
        Act.ASK_DATA,
        Act.PLACE_DEALER,
    },
    Role.TECHNICIAN: _EVERYONE | {Act.WORK_TICKETS, Act.REPORT_PROBLEM, Act.CLAIM_DEVICES},
    Role.CUSTOMER: _EVERYONE
    | {
        Act.REPORT_PROBLEM,
        Act.CLAIM_DEVICES,
        Act.SEE_OFFERS,
        Act.ANSWER_OFFERS,
        Act.TRANSFER_ASSETS,
        Act.SEE_GRANTS,
        Act.GRANT_DATA,
    },
}


def may(scope: Scope, act: Act) -> bool:
    """Whether the scope's role may do that."""
    return scope.role is None or act in _ACTS[scope.role]


def require(scope: Scope, act: Act) -> None:
    """Refuses what the role may not do.

    Raises:
        Forbidden: naming the way out.
    """
    if not may(scope, act):
        raise Forbidden("Your role does not allow this. Ask your administrator.")


def act_condition(scope: Scope, act: Act) -> ColumnElement[bool]:
    """A filter that lets every row through when the scope's role may do that, else none."""
    return true() if may(scope, act) else false()


class Reach(StrEnum):
    """How far a sight of an asset goes."""

    EXISTENCE = "existence"
    READINGS = "readings"
    EVERYTHING = "everything"


class AssetVisibility(Base):
    """An organisation sees an asset's metric (None: all of them) for a period.

    `is_shown` marks the rows of who sees the machine at present; who had it before keeps its own
    period, and looks back on it. Alarms, tickets and offers are seen with reach `EVERYTHING`.
    """

    __tablename__ = "asset_visibility"
    __table_args__ = (
        Index("ix_asset_visibility_lookup", "organisation_id", "asset_id"),
        Index("ix_asset_visibility_shown", "organisation_id", "is_shown", "asset_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    metric: Mapped[str | None] = mapped_column(String(63))
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]
    reach: Mapped[Reach] = mapped_column(default=Reach.EVERYTHING)
    is_shown: Mapped[bool] = mapped_column(default=True)
    # The right that it comes from, as the log of reads names it.
    purpose: Mapped[str] = mapped_column(String(40), default="party")


@dataclass(frozen=True, slots=True)
class Visible:
    """One row to be: who sees the asset, from when to when; `is_live` while the right holds."""

    organisation_id: int
    period: Interval
    metric: str | None = None
    reach: Reach = Reach.EVERYTHING
    purpose: str = "party"
    is_right_held: bool | None = None

    @property
    def is_live(self) -> bool:
        return self.period.end is None if self.is_right_held is None else self.is_right_held


@dataclass(frozen=True, slots=True)
class StandingParty:
    """An organisation that owns or serves an asset for a period."""

    organisation_id: int
    period: Interval
    is_owner: bool


@dataclass(frozen=True, slots=True)
class StandingGrant:
    """What an owner lets somebody else see of an asset."""

    owner_id: int
    grantee_id: int
    period: Interval
    metrics: tuple[str, ...]
    covers_story: bool
    purpose: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides who sees an asset."""

    manufacturer_id: int
    begun_at: datetime
    parties: tuple[StandingParty, ...] = ()
    grants: tuple[StandingGrant, ...] = ()


def decide_visible(asset: Standing) -> list[Visible]:
    """Who sees an asset: its parties their own periods, grantees what was granted of them.

    Its manufacturer knows that it exists, and sees it as a whole until it has an owner.
    """
    maker, always = asset.manufacturer_id, Interval(asset.begun_at)
    found = [Visible(maker, always, reach=Reach.EXISTENCE, purpose="manufacturer")]
    owned = [each.period.start for each in asset.parties if each.is_owner]
    if not owned or min(owned) > asset.begun_at:
        before = Interval(asset.begun_at, min(owned, default=None))
        found.append(Visible(maker, before, purpose="manufacturer"))
    for each in asset.parties:
        purpose = "owner" if each.is_owner else "service"
        found.append(Visible(each.organisation_id, each.period, purpose=purpose))
    for grant in asset.grants:
        found += _granted(grant, [each for each in asset.parties if each.is_owner])
    return found


def _granted(grant: StandingGrant, owners: Iterable[StandingParty]) -> Iterator[Visible]:
    """What a grant shows: data of the granting owner's own periods, never of others'."""
    reach = Reach.EVERYTHING if grant.covers_story else Reach.READINGS
    for owner in owners:
        part = owner.period.intersection(grant.period)
        if owner.organisation_id != grant.owner_id or part is None or part.start == part.end:
            continue
        is_held = owner.period.end is None
        for metric in grant.metrics or (None,):
            yield Visible(grant.grantee_id, part, metric, reach, grant.purpose, is_held)


def _rows_of(scope: Scope, reach: Reach) -> list[ColumnElement[bool]]:
    """Which rows let the scope see something: those of now, or all when it looks back."""
    found = [AssetVisibility.organisation_id == scope.organisation_id]
    if not scope.is_looking_back:
        found.append(AssetVisibility.is_shown.is_(True))
    if reach == Reach.EVERYTHING:
        found.append(AssetVisibility.reach == Reach.EVERYTHING)
    elif reach == Reach.READINGS:
        found.append(AssetVisibility.reach != Reach.EXISTENCE)
    return found


def seen_assets(scope: Scope, reach: Reach = Reach.EXISTENCE) -> Select[int]:
    """The ids of the assets that the scope sees that far."""
    return select(AssetVisibility.asset_id).where(*_rows_of(scope, reach))


def asset_condition(
    column: InstrumentedAttribute[int] | ColumnElement[int],
    scope: Scope,
    reach: Reach = Reach.EXISTENCE,
) -> ColumnElement[bool]:
    """The filter for rows whose asset the scope's organisation sees that far."""
    return column.in_(seen_assets(scope, reach))


def story_condition(
    asset_id: InstrumentedAttribute[int] | ColumnElement[int],
    start: InstrumentedAttribute[Any] | ColumnElement[Any],
    end: InstrumentedAttribute[Any] | ColumnElement[Any],
    scope: Scope,
) -> ColumnElement[bool]:
    """The filter for what happened to an asset between two times, in a period that the scope sees.

    Who takes a machine over does not read what its former owner and dealer wrote, nor do those
    read what comes after them. What has no `end` goes on.
    """
    return exists().where(
        AssetVisibility.asset_id == asset_id,
        *_rows_of(scope, Reach.EVERYTHING),
        or_(end.is_(None), AssetVisibility.from_at <= end),
        or_(AssetVisibility.to_at.is_(None), start < AssetVisibility.to_at),
    )


def is_asset_visible(session: Session, asset_id: int, reach: Reach = Reach.EXISTENCE) -> bool:
    """Whether the session's scope sees the asset now, that far."""
    scope = get_scope(session)
    if scope.is_system:
        return True
    query = seen_assets(scope.looking_at_now(), reach)
    return (
        session.execute(query.where(AssetVisibility.asset_id == asset_id).limit(1)).first()
        is not None
    )


def list_visible(session: Session, asset_ids: Collection[int]) -> frozenset[int]:
    """Those of the assets of which the session's scope sees now what happens to them."""
    scope = get_scope(session)
    if scope.is_system:
        return frozenset(asset_ids)
    query = seen_assets(scope.looking_at_now(), Reach.EVERYTHING)
    return frozenset(session.scalars(query.where(AssetVisibility.asset_id.in_(asset_ids))))


@dataclass(frozen=True, slots=True)
class Readable:
    """A period whose readings the scope may read: of one metric, or of all where it is None."""

    period: Interval
    metric: str | None
    purpose: str


def list_readable(session: Session, asset_id: int) -> list[Readable] | None:
    """What the scope may read of an asset's readings, earliest first; None means everything."""
    scope = get_scope(session)
    if scope.is_system:
        return None
    query = (
        select(
            AssetVisibility.from_at,
            AssetVisibility.to_at,
            AssetVisibility.metric,
            AssetVisibility.purpose,
        )
        .where(
            AssetVisibility.asset_id == asset_id,
            AssetVisibility.organisation_id == scope.organisation_id,
            AssetVisibility.reach != Reach.EXISTENCE,
        )
        .order_by(AssetVisibility.from_at, AssetVisibility.id)
    )
    found = session.execute(query)
    return [Readable(Interval(start, end), metric, why) for start, end, metric, why in found]


def list_readable_periods(
    session: Session, asset_id: int, metric: str | None = None
) -> list[Interval] | None:
    """The periods of an asset's readings that the scope may read; None means all of time.

    Those in which every metric is readable, and with `metric` those of that one as well.
    """
    found = list_readable(session, asset_id)
    return None if found is None else periods_of(found, metric)


def periods_of(readable: Iterable[Readable], metric: str | None) -> list[Interval]:
    """The periods in which a metric is readable."""
    return [each.period for each in readable if each.metric in (None, metric)]


def list_readable_assets(session: Session, metric: str) -> frozenset[int] | None:
    """The assets of which the scope reads a metric now; None means all."""
    scope = get_scope(session)
    if scope.is_system:
        return None
    query = select(AssetVisibility.asset_id).where(
        *_rows_of(scope, Reach.READINGS),
        or_(AssetVisibility.metric.is_(None), AssetVisibility.metric == metric),
        AssetVisibility.to_at.is_(None),
    )
    return frozenset(session.scalars(query))


def set_visibility(session: Session, asset_id: int, visible: Iterable[Visible]) -> None:
    """Replaces who sees an asset; called wherever ownership, service or a grant changes."""
    replace_visibility(session, {asset_id: list(visible)})


def replace_visibility(session: Session, visible: Mapping[int, Sequence[Visible]]) -> None:
    """Replaces who sees some assets, by asset id."""
    ids = list(visible)
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        session.execute(delete(AssetVisibility).where(AssetVisibility.asset_id.in_(part)))
        rows = [row for asset_id in part for row in _rows_for(asset_id, visible[asset_id])]
        if rows:
            session.execute(insert(AssetVisibility), rows)
    session.flush()


_AT_ONCE = 500


def _rows_for(asset_id: int, visible: Sequence[Visible]) -> list[dict[str, Any]]:
    shown = {each.organisation_id for each in visible if each.is_live}
    return [
        {
            "organisation_id": each.organisation_id,
            "asset_id": asset_id,
            "metric": each.metric,
            "from_at": each.period.start,
            "to_at": each.period.end,
            "reach": each.reach,
            "is_shown": each.organisation_id in shown,
            "purpose": each.purpose,
        }
        for each in visible
    ]
