"""Handing machines over: a new owner or servicing dealer from a date on, past or to come.

A transfer is planned by the manufacturer's administrator, the present owner, or, for service, the
present dealer. The worker carries it out at its date; until then it can be cancelled.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import Act, asset_condition, is_asset_visible, may
from devices.assets import Asset
from devices.equipment_models import EquipmentModel
from devices.ownership import KIND_OF_ORGANISATION, PartyKind, find_party, set_party
from devices.sites import Place, Site, create_site, find_site_id, locate_site
from foundation import audit
from foundation.changes import announce
from foundation.database import Base, BigId, Scoped, get_scope
from foundation.errors import Conflict, Invalid, MillwrightError, NotFound
from foundation.identity.models import Organisation
from foundation.identity.scope import Role, Scope
from foundation.jobs import enqueue

TRANSFER = "asset_transfer"


class AssetTransfer(Scoped, Base):
    """An asset passes to another owner or dealer at `at`; `fault` says why it did not."""

    __tablename__ = "asset_transfer"
    __table_args__ = (
        Index(
            "uq_asset_transfer_open",
            "asset_id",
            "kind",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    kind: Mapped[PartyKind]
    from_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    at: Mapped[datetime]
    site: Mapped[str | None] = mapped_column(String(200))
    planned_at: Mapped[datetime]
    planned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    is_done: Mapped[bool] = mapped_column(default=False)
    fault: Mapped[str | None] = mapped_column(Text)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        own = scope.organisation_id
        parties = or_(cls.from_id == own, cls.to_id == own)
        return or_(parties, asset_condition(cls.asset_id, scope))

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del scope
        return self not in session.deleted and may_transfer(session, self.asset_id, self.kind)


def may_transfer(session: Session, asset_id: int, kind: PartyKind) -> bool:
    """Whether the session's scope may hand over that part of an asset."""
    scope = get_scope(session)
    if scope.is_system:
        return True
    if not may(scope, Act.TRANSFER_ASSETS) or not is_asset_visible(session, asset_id):
        return False
    if scope.role == Role.MANUFACTURER:
        return _is_made_by(session, asset_id, scope)
    kinds = {PartyKind.OWNER, kind}
    parties = (find_party(session, asset_id, each) for each in kinds)
    return any(
        each is not None and each.organisation_id == scope.organisation_id for each in parties
    )


def _is_made_by(session: Session, asset_id: int, scope: Scope) -> bool:
    query = (
        select(EquipmentModel.manufacturer_id)
        .join(Asset, Asset.equipment_model_id == EquipmentModel.id)
        .where(Asset.id == asset_id)
    )
    return session.scalar(query) == scope.organisation_id


def plan_transfer(
    session: Session,
    *,
    asset: Asset,
    kind: PartyKind,
    organisation: Organisation,
    at: datetime,
    now: datetime,
    site: str | None = None,
) -> AssetTransfer:
    """Plans that the asset passes to that organisation at `at`; a past date takes effect at once.

    Raises:
        Invalid: when the organisation or the date does not fit.
        Conflict: when another transfer of that kind is planned.
    """
    present = find_party(session, asset.id, kind)
    _check_party(kind, organisation)
    _check_date(
        present.organisation_id if present else None,
        present.from_at if present else None,
        organisation,
        at,
    )
    if list_planned(session, asset.id, kind):
        raise Conflict("A transfer of this machine is planned already; cancel it first.")
    planned = AssetTransfer(
        asset_id=asset.id,
        kind=kind,
        from_id=present.organisation_id if present else None,
        to_id=organisation.id,
        at=at,
        site=(site or "").strip() or None,
        planned_at=now,
        planned_by_id=get_scope(session).person_id,
    )
    session.add(planned)
    session.flush()
    enqueue(
        session,
        kind=TRANSFER,
        payload={"transfer_id": planned.id},
        at=now,
        run_at=max(at, now),
        unique_key=f"{TRANSFER}:{planned.id}",
    )
    _note(session, planned, "plan", now)
    return planned


def _check_party(kind: PartyKind, organisation: Organisation) -> None:
    if organisation.kind != KIND_OF_ORGANISATION[kind]:
        raise Invalid(
            "%(name)s is a %(kind)s and cannot be the %(part)s.",
            field="organisation",
            name=organisation.name,
            kind=organisation.kind,
            part=kind,
        )


def _check_date(
    present_id: int | None, since: datetime | None, organisation: Organisation, at: datetime
) -> None:
    if present_id == organisation.id:
        raise Invalid("%(name)s has it already.", field="organisation", name=organisation.name)
    if since is not None and at < since:
        raise Invalid(
            "It came to its present party on %(day)s; choose a later day.",
            field="on",
            day=f"{since:%Y-%m-%d}",
        )


def list_planned(
    session: Session, asset_id: int, kind: PartyKind | None = None
) -> list[AssetTransfer]:
    """Transfers of an asset that are still to come."""
    query = select(AssetTransfer).where(
        AssetTransfer.asset_id == asset_id, AssetTransfer.ended_at.is_(None)
    )
    if kind is not None:
        query = query.where(AssetTransfer.kind == kind)
    return list(session.scalars(query.order_by(AssetTransfer.id)))


@dataclass(frozen=True, slots=True)
class TransferRow:
    """A transfer of a machine: planned, done, or called off."""

    id: int
    kind: PartyKind
    to: str
    at: datetime
    is_planned: bool
    is_done: bool
    fault: str | None


def list_transfers(session: Session, asset_id: int) -> list[TransferRow]:
    """The transfers of an asset, newest first."""
    query = (
        select(AssetTransfer, Organisation.name)
        .join(Organisation, Organisation.id == AssetTransfer.to_id)
        .where(AssetTransfer.asset_id == asset_id)
        .order_by(AssetTransfer.id.desc())
    )
    return [
        TransferRow(t.id, t.kind, name, t.at, t.ended_at is None, t.is_done, t.fault)
        for t, name in session.execute(query)
    ]


def cancel_transfer(
    session: Session, transfer_id: int, *, asset_id: int, at: datetime
) -> AssetTransfer:
    """Calls a planned transfer off.

    Raises:
        NotFound: when there is none, or the scope does not see it.
        Conflict: when it took place or was called off.
    """
    query = select(AssetTransfer).where(
        AssetTransfer.id == transfer_id, AssetTransfer.asset_id == asset_id
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such transfer.")
    if found.ended_at is not None:
        raise Conflict("This transfer is over already.")
    found.ended_at = at
    session.flush()
    _note(session, found, "cancel", at)
    return found


def carry_out(session: Session, payload: dict[str, Any]) -> None:
    """Carries a planned transfer out; `payload` is `{"transfer_id": int}`."""
    transfer = session.get_one(AssetTransfer, payload["transfer_id"])
    if transfer.ended_at is not None:
        return
    transfer.ended_at = max(transfer.at, transfer.planned_at)
    try:
        with session.begin_nested():
            _hand_over(session, transfer)
    except MillwrightError as error:
        transfer.fault = str(error)
        return
    transfer.is_done = True
    _note(session, transfer, "done", transfer.ended_at)


def _hand_over(session: Session, transfer: AssetTransfer) -> None:
    asset = session.get_one(Asset, transfer.asset_id)
    organisation = session.get_one(Organisation, transfer.to_id)
    set_party(session, asset=asset, kind=transfer.kind, organisation=organisation, at=transfer.at)
    if transfer.kind == PartyKind.OWNER:
        asset.site_id = _find_new_site(session, asset.site, organisation, transfer)
        session.flush()


def _find_new_site(
    session: Session, present: Site, owner: Organisation, transfer: AssetTransfer
) -> int:
    """The new owner's site of that name; without a name the machine stays where it stands."""
    name = transfer.site or present.name
    known = find_site_id(session, owner.id, name)
    if known is not None:
        return known
    stays = transfer.site is None
    zone = present.time_zone if stays else owner.time_zone
    made = create_site(session, customer=owner, name=name, time_zone=zone, at=transfer.planned_at)
    if stays:
        place = Place(present.address, present.country, present.latitude, present.longitude)
        locate_site(made, place)
    return made.id


def _note(session: Session, transfer: AssetTransfer, act: str, at: datetime) -> None:
    audit.record(
        session,
        at=at,
        action=f"devices:asset_transfer:{act}",
        subject_kind="asset",
        subject_id=transfer.asset_id,
        details={"kind": transfer.kind, "from": transfer.from_id, "to": transfer.to_id},
    )
    announce(
        session, kind="asset", subject_id=transfer.asset_id, asset_id=transfer.asset_id, at=at
    )


HANDLERS = {TRANSFER: carry_out}
"""What the worker runs, by job kind."""
