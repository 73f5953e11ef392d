"""Who owns an asset and who serves it, from when to when; each change renews who sees it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.access import asset_condition
from devices.assets import Asset
from devices.sharing.grants import agree_default
from devices.visibility import renew_visibility
from foundation.database import Base, BigId, Scoped
from foundation.errors import Invalid
from foundation.identity.models import Organisation
from foundation.identity.scope import OrganisationKind, Scope


class PartyKind(StrEnum):
    """What an organisation is to an asset."""

    OWNER = "owner"
    SERVICING = "servicing"


KIND_OF_ORGANISATION = {
    PartyKind.OWNER: OrganisationKind.CUSTOMER,
    PartyKind.SERVICING: OrganisationKind.DEALER,
}


class AssetParty(Scoped, Base):
    """An organisation owns or serves an asset for a period."""

    __tablename__ = "asset_party"
    __table_args__ = (
        # One owner and one servicing dealer at a time, whatever runs at once.
        Index(
            "uq_asset_party_open",
            "asset_id",
            "kind",
            unique=True,
            sqlite_where=text("to_at IS NULL"),
            postgresql_where=text("to_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[PartyKind]
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return asset_condition(cls.asset_id, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        asset = session.get(Asset, self.asset_id)
        return asset is not None and asset.is_writable_by(scope, session)


def set_party(
    session: Session, *, asset: Asset, kind: PartyKind, organisation: Organisation, at: datetime
) -> None:
    """Makes an organisation the asset's owner or servicing dealer from `at` on.

    Raises:
        Invalid: when the organisation is of the wrong kind.
    """
    if organisation.kind != KIND_OF_ORGANISATION[kind]:
        raise Invalid(
            "%(name)s is a %(kind)s and cannot be the %(part)s.",
            name=organisation.name,
            kind=organisation.kind,
            part=kind,
        )
    present = find_party(session, asset.id, kind)
    if present is not None and present.organisation_id == organisation.id:
        return
    session.execute(
        update(AssetParty)
        .where(
            AssetParty.asset_id == asset.id, AssetParty.kind == kind, AssetParty.to_at.is_(None)
        )
        .values(to_at=at)
    )
    session.add(
        AssetParty(asset_id=asset.id, organisation_id=organisation.id, kind=kind, from_at=at)
    )
    session.flush()
    if kind == PartyKind.OWNER:
        maker_id = asset.equipment_model.manufacturer_id
        agree_default(session, owner_id=organisation.id, manufacturer_id=maker_id, at=at)
    renew_visibility(session, [asset.id])


def find_party(session: Session, asset_id: int, kind: PartyKind) -> AssetParty | None:
    """Who owns or serves the asset now."""
    return session.scalar(
        select(AssetParty).where(
            AssetParty.asset_id == asset_id, AssetParty.kind == kind, AssetParty.to_at.is_(None)
        )
    )
