"""Equipment models, which are users' data: what a make and model can measure and when that is bad.

How a definition is written as TOML is in definitions.py; readings themselves are in telemetry.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.access import seen_assets
from devices.repair_costs import RepairCost
from foundation.changes import announce
from foundation.database import Base, BigId, Scoped
from foundation.errors import NotFound
from foundation.identity.models import Organisation
from foundation.identity.scope import Role, Scope

CATALOGUE_CHANGE = "catalogue"


class EquipmentModel(Scoped, Base):
    """Make, model and variant with its metrics; `version` counts the edits."""

    __tablename__ = "equipment_model"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(63), unique=True)
    manufacturer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    make: Mapped[str] = mapped_column(String(100))
    model: Mapped[str] = mapped_column(String(100))
    variant: Mapped[str] = mapped_column(String(100), default="")
    kind: Mapped[str] = mapped_column(String(100), default="")
    normal_period: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime]

    manufacturer: Mapped[Organisation] = relationship()
    metrics: Mapped[list["Metric"]] = relationship(
        order_by="Metric.position", cascade="all, delete-orphan", lazy="selectin"
    )
    limits: Mapped[list["Limit"]] = relationship(
        order_by="Limit.id", cascade="all, delete-orphan", lazy="selectin"
    )
    likely_causes: Mapped[list["LikelyCause"]] = relationship(
        order_by="LikelyCause.id", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def title(self) -> str:
        return " ".join(part for part in (self.make, self.model, self.variant) if part)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return or_(cls.manufacturer_id == scope.organisation_id, cls.id.in_(_seen_models(scope)))

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del session
        return self.manufacturer_id == scope.organisation_id and scope.role == Role.MANUFACTURER


def _seen_models(scope: Scope) -> Any:
    # Core tables, so that the guard does not filter the filter itself.
    asset = Base.metadata.tables["asset"]
    return select(asset.c.equipment_model_id).where(asset.c.id.in_(seen_assets(scope)))


def model_condition(column: Any, scope: Scope) -> ColumnElement[bool]:
    """The filter for rows of equipment models that the scope sees."""
    model = EquipmentModel.__table__
    is_seen = or_(
        model.c.manufacturer_id == scope.organisation_id, model.c.id.in_(_seen_models(scope))
    )
    seen: ColumnElement[bool] = column.in_(select(model.c.id).where(is_seen))
    return seen


class _OfModel(Scoped):
    """A part of an equipment model: seen and written with it."""

    equipment_model_id: Mapped[int]

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return model_condition(cls.equipment_model_id, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        model_id = getattr(self, "equipment_model_id", None)
        if model_id is None:
            return True  # put into its model's list, which makes the model itself be checked
        model = session.get(EquipmentModel, model_id)
        return model is not None and model.is_writable_by(scope, session)


class Metric(_OfModel, Base):
    """A quantity the model measures, in one unit, with its plausible range."""

    __tablename__ = "metric"
    __table_args__ = (UniqueConstraint("equipment_model_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    equipment_model_id: Mapped[int] = mapped_column(ForeignKey("equipment_model.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(63))
    label: Mapped[str] = mapped_column(String(100))
    unit: Mapped[str] = mapped_column(String(20))
    group: Mapped[str] = mapped_column(String(63))
    minimum: Mapped[float | None]
    maximum: Mapped[float | None]
    interval_s: Mapped[float]


class Limit(_OfModel, Base):
    """A bound of one metric: crossed for `on_delay_s` it raises an alarm."""

    __tablename__ = "metric_limit"
    __table_args__ = (UniqueConstraint("equipment_model_id", "metric", "direction", "severity"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    equipment_model_id: Mapped[int] = mapped_column(ForeignKey("equipment_model.id"))
    metric: Mapped[str] = mapped_column(String(63))
    direction: Mapped[str] = mapped_column(String(4))
    threshold: Mapped[float]
    hysteresis: Mapped[float]
    on_delay_s: Mapped[float]
    severity: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(200))


class LikelyCause(_OfModel, Base):
    """What usually lies behind a condition, by its metric with the largest share."""

    __tablename__ = "likely_cause"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    equipment_model_id: Mapped[int] = mapped_column(ForeignKey("equipment_model.id"))
    condition: Mapped[str] = mapped_column(String(120))
    metric: Mapped[str | None] = mapped_column(String(63))
    failure_mode: Mapped[str] = mapped_column(String(10))
    cause: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(400))
    parts: Mapped[list[str]]
    # What its repair costs now and once the part has failed, as the maker knows it.
    cost_now_minor: Mapped[int | None] = mapped_column(BigId)
    cost_failed_minor: Mapped[int | None] = mapped_column(BigId)
    currency: Mapped[str | None] = mapped_column(String(3))

    @property
    def cost(self) -> RepairCost:
        return RepairCost.of_minor(self.cost_now_minor, self.cost_failed_minor, self.currency)


def announce_catalogue(session: Session, at: datetime) -> None:
    """Tells ingest and scoring that models, mappings, assets or devices changed."""
    announce(session, kind=CATALOGUE_CHANGE, subject_id=0, asset_id=None, at=at)


def find_equipment_model(session: Session, key: str) -> EquipmentModel | None:
    """The model of that key, if the scope sees it."""
    return session.scalar(select(EquipmentModel).where(EquipmentModel.key == key))


def get_equipment_model(session: Session, key: str) -> EquipmentModel:
    """The model of that key.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = find_equipment_model(session, key)
    if found is None:
        raise NotFound(
            "There is no equipment model %(key)s; import its definition first.", key=repr(key)
        )
    return found


def list_equipment_models(session: Session) -> list[EquipmentModel]:
    """All models that the scope sees, by make and model."""
    query = select(EquipmentModel).order_by(EquipmentModel.make, EquipmentModel.model)
    return list(session.scalars(query))
