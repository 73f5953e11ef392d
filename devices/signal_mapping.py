"""How a source's own names and units become a model's metrics.

A signal named like a metric and given no row maps to it unchanged; everything else needs a row.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from devices.equipment_models import EquipmentModel, Metric, announce_catalogue, model_condition
from foundation.database import Base, BigId, Scoped
from foundation.errors import Invalid
from foundation.identity.scope import Scope
from foundation.units import get_conversion


class SignalMapping(Scoped, Base):
    """signal · scale + offset, read in `unit`, is `metric`; for one device or for all."""

    __tablename__ = "signal_mapping"
    __table_args__ = (UniqueConstraint("equipment_model_id", "device_key", "signal"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    equipment_model_id: Mapped[int] = mapped_column(ForeignKey("equipment_model.id"), index=True)
    # Empty rather than NULL for "all devices": NULLs would escape the unique constraint.
    device_key: Mapped[str] = mapped_column(String(64), default="")
    signal: Mapped[str] = mapped_column(String(100))
    metric: Mapped[str] = mapped_column(String(63))
    unit: Mapped[str] = mapped_column(String(20))
    scale: Mapped[float] = mapped_column(default=1.0)
    offset: Mapped[float] = mapped_column(default=0.0)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return model_condition(cls.equipment_model_id, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        model = session.get(EquipmentModel, self.equipment_model_id)
        return model is not None and model.is_writable_by(scope, session)


@dataclass(frozen=True, slots=True)
class MappedSignal:
    """metric = signal · scale + offset, in the metric's own unit."""

    metric: str
    scale: float = 1.0
    offset: float = 0.0


def set_signal_mapping(  # noqa: PLR0913 - the columns of one row, all by keyword
    session: Session,
    *,
    model: EquipmentModel,
    signal: str,
    metric: str,
    unit: str,
    at: datetime,
    scale: float = 1.0,
    offset: float = 0.0,
    device_key: str = "",
) -> SignalMapping:
    """Adds or replaces the mapping of a signal.

    Raises:
        Invalid: when the metric is unknown or the unit measures something else.
    """
    signal = signal.strip()
    if not signal:
        raise Invalid("A signal needs its name as the source sends it.", field="signal")
    for name, number in (("scale", scale), ("offset", offset)):
        if not math.isfinite(number):
            raise Invalid(
                "The %(name)s of %(signal)s is no number.", field=name, name=name, signal=signal
            )
    get_conversion(unit, _get_metric(model, metric).unit)
    query = select(SignalMapping).where(
        SignalMapping.equipment_model_id == model.id,
        SignalMapping.device_key == device_key,
        SignalMapping.signal == signal,
    )
    row = session.scalar(query) or SignalMapping(
        equipment_model_id=model.id, device_key=device_key, signal=signal
    )
    row.metric, row.unit, row.scale, row.offset = metric, unit, scale, offset
    session.add(row)
    announce_catalogue(session, at)
    session.flush()
    return row


def _get_metric(model: EquipmentModel, name: str) -> Metric:
    for each in model.metrics:
        if each.name == name:
            return each
    raise Invalid(
        "%(title)s has no metric %(name)s.", field="metric", title=model.title, name=repr(name)
    )


def list_signal_mappings(session: Session, model: EquipmentModel) -> list[SignalMapping]:
    """The model's mappings by signal."""
    query = (
        select(SignalMapping)
        .where(SignalMapping.equipment_model_id == model.id)
        .order_by(SignalMapping.signal, SignalMapping.device_key)
    )
    return list(session.scalars(query))


def read_signal_table(
    model: EquipmentModel, rows: list[SignalMapping], device_key: str
) -> dict[str, MappedSignal]:
    """Signal → metric for one device: its own rows before the model's, before equal names."""
    metrics = {metric.name: metric for metric in model.metrics}
    table = {name: MappedSignal(name) for name in metrics}
    for row in sorted(rows, key=lambda each: each.device_key):
        if row.device_key not in ("", device_key) or row.metric not in metrics:
            continue
        try:
            unit = get_conversion(row.unit, metrics[row.metric].unit)
        except Invalid:
            # The metric was redefined since: its values wait in quarantine for a new mapping.
            table.pop(row.signal, None)
            continue
        scale, offset = row.scale * unit.scale, row.offset * unit.scale + unit.offset
        table[row.signal] = MappedSignal(row.metric, scale, offset)
    return table
