"""Assets, one row per serialised machine; who owns and serves them is in ownership.py."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.access import (
    Act,
    Visible,
    asset_condition,
    is_asset_visible,
    may,
    set_visibility,
)
from devices.equipment_models import EquipmentModel
from devices.sites import Site
from foundation.database import Base, BigId, Scoped
from foundation.errors import Conflict, Invalid, NotFound
from foundation.identity.scope import Scope
from foundation.intervals import Interval


class Asset(Scoped, Base):
    """One machine with a serial number."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("equipment_model_id", "serial"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    equipment_model_id: Mapped[int] = mapped_column(ForeignKey("equipment_model.id"), index=True)
    serial: Mapped[str] = mapped_column(String(100), index=True)
    name: Mapped[str] = mapped_column(String(200))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    is_critical: Mapped[bool] = mapped_column(default=False)
    commissioned_at: Mapped[datetime]
    created_at: Mapped[datetime]

    equipment_model: Mapped[EquipmentModel] = relationship()
    site: Mapped[Site] = relationship()

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return asset_condition(cls.id, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        if not may(scope, Act.ADMINISTER_ASSETS):
            return False
        model = session.get(EquipmentModel, self.equipment_model_id)
        is_own_model = model is not None and model.manufacturer_id == scope.organisation_id
        is_new = self in session.new
        return is_own_model and (is_new or is_asset_visible(session, self.id))


def create_asset(
    session: Session,
    *,
    equipment_model: EquipmentModel,
    serial: str,
    name: str,
    site_id: int,
    commissioned_at: datetime,
    at: datetime,
) -> Asset:
    """A new asset, which only its manufacturer sees until its parties are set.

    Raises:
        Invalid: without a serial number.
        Conflict: when the model has an asset of that serial.
    """
    serial = serial.strip()
    if not serial:
        raise Invalid("An asset needs its serial number.", field="serial")
    if find_asset_by_serial(session, equipment_model, serial):
        raise Conflict(
            "%(title)s %(serial)s exists already.", title=equipment_model.title, serial=serial
        )
    asset = Asset(
        equipment_model_id=equipment_model.id,
        serial=serial,
        name=name.strip() or serial,
        site_id=site_id,
        commissioned_at=commissioned_at,
        created_at=at,
    )
    session.add(asset)
    session.flush()
    always = Interval(min(commissioned_at, at))
    set_visibility(session, asset.id, [Visible(equipment_model.manufacturer_id, always)])
    return asset


def find_asset_by_serial(session: Session, model: EquipmentModel, serial: str) -> Asset | None:
    """The model's asset of that serial."""
    query = select(Asset).where(Asset.equipment_model_id == model.id, Asset.serial == serial)
    return session.scalar(query)


def get_asset(session: Session, asset_id: int) -> Asset:
    """The asset.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = session.scalar(select(Asset).where(Asset.id == asset_id))
    if found is None:
        raise NotFound("There is no such machine.")
    return found
