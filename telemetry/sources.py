"""Which asset a source spoke for at a given time, and how its signals become metrics.

A table held in memory, read anew when the catalogue changed; ingest asks nothing else.
"""

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import (
    CATALOGUE_CHANGE,
    EquipmentModel,
    list_equipment_models,
)
from devices.provisioning import Device, SourceAssignment
from devices.signal_mapping import MappedSignal, list_signal_mappings, read_signal_table
from foundation.changes import ChangeRow
from foundation.clock import to_ms
from foundation.database import Database
from foundation.identity.scope import Scope
from telemetry.reading_rules import PlausibleRange


@dataclass(frozen=True, slots=True)
class Assignment:
    """From `from_ms` (included) to `to_ms` (not included) the source spoke for this asset."""

    from_ms: int
    to_ms: int | None
    asset_id: int
    equipment_model: str
    manufacturer_id: int


@dataclass(slots=True)
class KnownSource:
    """A device's assignments, newest first; by equipment model its signals and their ranges."""

    assignments: list[Assignment] = field(default_factory=list)
    signals: dict[str, dict[str, MappedSignal]] = field(default_factory=dict)
    ranges: dict[str, dict[str, PlausibleRange]] = field(default_factory=dict)

    def find_assignment(self, at_ms: int) -> Assignment | None:
        """Whom the source spoke for at that time."""
        for each in self.assignments:
            if each.from_ms <= at_ms and (each.to_ms is None or at_ms < each.to_ms):
                return each
        return None


class Sources:
    """All known sources by device key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, KnownSource] = {}
        self._read_at_change = -1

    def find(self, source: str) -> KnownSource | None:
        """What is known of a device key."""
        return self._known.get(source)

    def refresh(self) -> None:
        """Reads the table anew when the catalogue changed since the last time."""
        with self._database.session(Scope.system("ingest")) as session:
            change = last_catalogue_change(session)
            if change == self._read_at_change:
                return
            self._known = _read_sources(session)
            self._read_at_change = change


def last_catalogue_change(session: Session) -> int:
    """Number of the newest change of the catalogue; what was read before it is out of date."""
    query = select(func.max(ChangeRow.id)).where(ChangeRow.kind == CATALOGUE_CHANGE)
    return session.scalar(query) or 0


def _read_sources(session: Session) -> dict[str, KnownSource]:
    models = {model.id: model for model in list_equipment_models(session)}
    mappings = {key: list_signal_mappings(session, model) for key, model in models.items()}
    ranges = {key: _ranges(model) for key, model in models.items()}
    devices = select(Device.key).where(Device.revoked_at.is_(None))
    known = {key: KnownSource() for key in session.scalars(devices)}
    query = (
        select(Device.key, SourceAssignment, Asset.equipment_model_id)
        .join(SourceAssignment, SourceAssignment.device_id == Device.id)
        .join(Asset, Asset.id == SourceAssignment.asset_id)
        .where(Device.revoked_at.is_(None))
        .order_by(SourceAssignment.from_at.desc())
    )
    for key, assignment, model_id in session.execute(query):
        model, source = models[model_id], known[key]
        source.assignments.append(_assignment(assignment, model))
        source.ranges[model.key] = ranges[model_id]
        if model.key not in source.signals:
            source.signals[model.key] = read_signal_table(model, mappings[model_id], key)
    return known


def _ranges(model: EquipmentModel) -> dict[str, PlausibleRange]:
    return {each.name: PlausibleRange(each.minimum, each.maximum) for each in model.metrics}


def _assignment(row: SourceAssignment, model: EquipmentModel) -> Assignment:
    return Assignment(
        to_ms(row.from_at),
        None if row.to_at is None else to_ms(row.to_at),
        row.asset_id,
        model.key,
        model.manufacturer_id,
    )
