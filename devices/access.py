"""The only place that decides who may see and do what.

It maintains the table *visible(organisation, asset, metric, from, to)*, which every scoped query
reads, and the table of acts that a role may perform.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, String, delete, false, select, true
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
    },
    Role.TECHNICIAN: _EVERYONE | {Act.WORK_TICKETS, Act.REPORT_PROBLEM, Act.CLAIM_DEVICES},
    Role.CUSTOMER: _EVERYONE
    | {Act.REPORT_PROBLEM, Act.CLAIM_DEVICES, Act.SEE_OFFERS, Act.ANSWER_OFFERS},
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


class AssetVisibility(Base):
    """An organisation sees an asset's metric (None: all of them) for a period."""

    __tablename__ = "asset_visibility"
    __table_args__ = (Index("ix_asset_visibility_lookup", "organisation_id", "asset_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    metric: Mapped[str | None] = mapped_column(String(63))
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Visible:
    """One row to be: who sees the asset, from when to when."""

    organisation_id: int
    period: Interval
    metric: str | None = None


def asset_condition(
    column: InstrumentedAttribute[int] | ColumnElement[int], scope: Scope
) -> ColumnElement[bool]:
    """The filter for rows whose asset the scope's organisation sees now."""
    return column.in_(
        select(AssetVisibility.asset_id).where(
            AssetVisibility.organisation_id == scope.organisation_id,
            AssetVisibility.to_at.is_(None),
        )
    )


def is_asset_visible(session: Session, asset_id: int) -> bool:
    """Whether the session's scope sees the asset now."""
    scope = get_scope(session)
    if scope.is_system:
        return True
    query = select(AssetVisibility.id).where(
        AssetVisibility.asset_id == asset_id,
        AssetVisibility.organisation_id == scope.organisation_id,
        AssetVisibility.to_at.is_(None),
    )
    return session.scalar(query.limit(1)) is not None


def list_visible(session: Session, asset_ids: Collection[int]) -> frozenset[int]:
    """Those of the assets that the session's scope sees now."""
    scope = get_scope(session)
    if scope.is_system:
        return frozenset(asset_ids)
    query = select(AssetVisibility.asset_id).where(
        AssetVisibility.asset_id.in_(asset_ids),
        AssetVisibility.organisation_id == scope.organisation_id,
        AssetVisibility.to_at.is_(None),
    )
    return frozenset(session.scalars(query))


def list_readable_periods(session: Session, asset_id: int) -> list[Interval] | None:
    """The periods of an asset's readings that the scope may read; None means all of time."""
    scope = get_scope(session)
    if scope.is_system:
        return None
    query = select(AssetVisibility.from_at, AssetVisibility.to_at).where(
        AssetVisibility.asset_id == asset_id,
        AssetVisibility.organisation_id == scope.organisation_id,
    )
    return [Interval(start, end) for start, end in session.execute(query)]


def set_visibility(session: Session, asset_id: int, visible: Iterable[Visible]) -> None:
    """Replaces who sees an asset; called wherever ownership or service changes."""
    session.execute(delete(AssetVisibility).where(AssetVisibility.asset_id == asset_id))
    for each in visible:
        session.add(
            AssetVisibility(
                organisation_id=each.organisation_id,
                asset_id=asset_id,
                metric=each.metric,
                from_at=each.period.start,
                to_at=each.period.end,
            )
        )
    session.flush()
