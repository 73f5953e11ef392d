"""The TOML form of an equipment model: read, checked whole, written back; saved as rows.

Sections: [equipment_model], [[metrics]], [[limits]], [normal_period], [[likely_causes]] and
[[signals]]. A fault is reported with the section and the field, all faults at once.
"""

import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy.orm import Session

from devices.equipment_models import (
    EquipmentModel,
    LikelyCause,
    Limit,
    Metric,
    announce_catalogue,
    find_equipment_model,
)
from devices.repair_costs import read_cost
from devices.signal_mapping import list_signal_mappings, set_signal_mapping
from foundation.errors import Conflict, Invalid
from foundation.identity.models import Organisation
from foundation.units import is_unit

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
SEVERITIES = ("warning", "serious", "critical")


class ModelHead(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The section [equipment_model]."""

    key: str
    make: str
    model: str
    variant: str = ""
    kind: str = ""


class MetricEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The section [[metrics]]."""

    name: str
    label: str
    unit: str
    group: str = ""
    minimum: float | None = None
    maximum: float | None = None
    interval_s: float = 60.0


class LimitEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The section [[limits]]."""

    metric: str
    direction: str
    threshold: float
    label: str
    hysteresis: float = 0.0
    on_delay_s: float = 0.0
    severity: str = "serious"


class CauseEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The section [[likely_causes]]."""

    condition: str
    failure_mode: str
    cause: str
    label: str
    action: str
    metric: str | None = None
    parts: list[str] = []
    cost_now: str | None = None
    cost_failed: str | None = None
    currency: str | None = None


class SignalEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The section [[signals]]."""

    signal: str
    metric: str
    unit: str
    scale: float = 1.0
    offset: float = 0.0


class ModelDefinition(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole definition file."""

    equipment_model: ModelHead
    metrics: list[MetricEntry]
    limits: list[LimitEntry] = []
    normal_period: dict[str, Any] | None = None
    likely_causes: list[CauseEntry] = []
    signals: list[SignalEntry] = []


NormalPeriodCheck = Callable[[dict[str, Any]], object]
"""Checks the settings of the normal-period model; telemetry owns their meaning."""


def read_definition(text: str) -> ModelDefinition:
    """A definition from TOML text.

    Raises:
        Invalid: listing every fault that was found.
    """
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also numbers beyond measure
        raise Invalid("The definition is no valid TOML: %(error)s", error=error) from error
    faults = _Faults()
    definition = _convert(tree, faults)
    _check_head(definition.equipment_model, faults)
    _check_metrics(definition, faults)
    _check_limits(definition, faults)
    _check_references(definition, faults)
    faults.raise_all()
    return definition


def _convert(tree: dict[str, Any], faults: "_Faults") -> ModelDefinition:
    # Section by section, so that each of them names its fault.
    for name, kind in _SECTIONS.items():
        rows = tree.get(name, [])
        for row in rows if isinstance(rows, list) else [rows]:
            _check_form(name, row, kind, faults)
    faults.raise_all()
    try:
        return msgspec.convert(tree, ModelDefinition)
    except msgspec.ValidationError as error:
        raise Invalid("The definition does not fit: %(error)s", error=error) from error


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "equipment_model": ModelHead,
    "metrics": MetricEntry,
    "limits": LimitEntry,
    "likely_causes": CauseEntry,
    "signals": SignalEntry,
}
# Texts that may be longer than a label, and the columns' lengths.
_LONGEST = {"label": 100, "action": 400, "condition": 120, "failure_mode": 10, "cause": 40}
_MAY_BE_EMPTY = {"variant", "kind", "group"}


def _check_form(name: str, row: object, kind: type[msgspec.Struct], faults: "_Faults") -> None:
    try:
        entry = msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        faults.lines.append(f"{name}: {error}")
        return
    for field_name, value in msgspec.structs.asdict(entry).items():
        where = f"{name}.{field_name}"
        if isinstance(value, float):
            faults.unless(math.isfinite(value), f"{where} is no number.")
        elif isinstance(value, str):
            is_filled = bool(value.strip()) or field_name in _MAY_BE_EMPTY
            faults.unless(is_filled, f"{where} is empty.")
            longest = _LONGEST.get(field_name, 100)
            faults.unless(len(value) <= longest, f"{where} has more than {longest} characters.")
            faults.unless("\x00" not in value, f"{where} holds a NUL character.")


@dataclass
class _Faults:
    lines: list[str] = field(default_factory=list)

    def unless(self, holds: bool, line: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            self.lines.append(line)

    def raise_all(self) -> None:
        if self.lines:
            raise Invalid(
                "The definition does not fit: %(error)s", error="\n" + "\n".join(self.lines)
            )


def _check_head(head: ModelHead, faults: _Faults) -> None:
    faults.unless(
        bool(_NAME.fullmatch(head.key)),
        f"equipment_model.key {head.key!r}: small letters, digits and underscores only.",
    )
    faults.unless(bool(head.make.strip()), "equipment_model.make is empty.")
    faults.unless(bool(head.model.strip()), "equipment_model.model is empty.")


def _check_metrics(definition: ModelDefinition, faults: _Faults) -> None:
    faults.unless(bool(definition.metrics), "There are no [[metrics]].")
    seen: set[str] = set()
    for metric in definition.metrics:
        where = f"metrics.{metric.name}"
        is_name = bool(_NAME.fullmatch(metric.name)) and metric.name not in ("asset", "at_ms")
        faults.unless(is_name, f"{where}: small letters, digits and underscores only.")
        faults.unless(metric.name not in seen, f"{where} stands twice.")
        faults.unless(is_unit(metric.unit), f"{where}.unit {metric.unit!r} is no unit we know.")
        faults.unless(metric.interval_s > 0, f"{where}.interval_s must be above 0.")
        low, high = metric.minimum, metric.maximum
        is_range = low is None or high is None or low < high
        faults.unless(is_range, f"{where}: minimum must lie below maximum.")
        seen.add(metric.name)


def _check_limits(definition: ModelDefinition, faults: _Faults) -> None:
    names = {metric.name for metric in definition.metrics}
    seen: set[tuple[str, str, str]] = set()
    for limit in definition.limits:
        where = f"limits.{limit.metric}.{limit.direction}"
        key = (limit.metric, limit.direction, limit.severity)
        faults.unless(key not in seen, f"{where} ({limit.severity}) stands twice.")
        faults.unless(limit.metric in names, f"{where}: there is no such metric.")
        faults.unless(limit.direction in ("high", "low"), f"{where}: direction is high or low.")
        severities = ", ".join(SEVERITIES)
        faults.unless(limit.severity in SEVERITIES, f"{where}: severity is one of {severities}.")
        faults.unless(limit.hysteresis >= 0, f"{where}.hysteresis is below 0.")
        faults.unless(limit.on_delay_s >= 0, f"{where}.on_delay_s is below 0.")
        seen.add(key)


def _check_references(definition: ModelDefinition, faults: _Faults) -> None:
    names = {metric.name for metric in definition.metrics}
    for cause in definition.likely_causes:
        known = cause.metric is None or cause.metric in names
        faults.unless(known, f"likely_causes: there is no metric {cause.metric!r}.")
        _check_cost(cause, faults)
    for signal in definition.signals:
        known = signal.metric in names
        faults.unless(known, f"signals.{signal.signal}: there is no metric {signal.metric!r}.")
    chosen = (definition.normal_period or {}).get("metrics", [])
    for name in chosen if isinstance(chosen, list) else []:
        faults.unless(name in names, f"normal_period: there is no metric {name!r}.")
    regime = (definition.normal_period or {}).get("when", {})
    for name in regime if isinstance(regime, dict) else []:
        faults.unless(name in names, f"normal_period.when: there is no metric {name!r}.")


def _check_cost(cause: CauseEntry, faults: _Faults) -> None:
    try:
        read_cost(cause.cost_now, cause.cost_failed, cause.currency)
    except Invalid as error:
        faults.lines.append(f"likely_causes.{cause.label}: {error}")


def save_definition(
    session: Session,
    *,
    definition: ModelDefinition,
    manufacturer: Organisation,
    at: datetime,
    check_normal_period: NormalPeriodCheck,
) -> EquipmentModel:
    """Creates the equipment model or replaces what it says; assets and readings stay.

    Raises:
        Conflict: when another manufacturer has a model of that key.
        Invalid: when the normal-period settings or a signal's unit do not fit.
    """
    if definition.normal_period is not None:
        check_normal_period(definition.normal_period)
    head = definition.equipment_model
    model = find_equipment_model(session, head.key)
    if model is None:
        model = _create(session, head, manufacturer)
    if model.manufacturer_id != manufacturer.id:
        raise Conflict("The key %(key)s belongs to another manufacturer.", key=repr(head.key))
    _fill(session, model, definition, at)
    _forget_signals(session, model, {signal.signal for signal in definition.signals})
    for signal in definition.signals:
        set_signal_mapping(session, model=model, at=at, **msgspec.structs.asdict(signal))
    announce_catalogue(session, at)
    return model


def _forget_signals(session: Session, model: EquipmentModel, kept: set[str]) -> None:
    for row in list_signal_mappings(session, model):
        if not row.device_key and row.signal not in kept:
            session.delete(row)
    session.flush()


def _create(session: Session, head: ModelHead, manufacturer: Organisation) -> EquipmentModel:
    table = EquipmentModel.__table__
    if session.execute(table.select().where(table.c.key == head.key)).first():
        raise Conflict("The key %(key)s belongs to another manufacturer.", key=repr(head.key))
    return EquipmentModel(
        key=head.key, manufacturer_id=manufacturer.id, version=0, make=head.make, model=head.model
    )


def _fill(
    session: Session, model: EquipmentModel, definition: ModelDefinition, at: datetime
) -> None:
    head = definition.equipment_model
    model.make, model.model = head.make.strip(), head.model.strip()
    model.variant, model.kind = head.variant.strip(), head.kind.strip()
    model.normal_period = definition.normal_period
    model.version += 1
    model.updated_at = at
    _clear(session, model)
    model.metrics = [
        Metric(**_row(entry, group=entry.group or entry.name), position=position)
        for position, entry in enumerate(definition.metrics)
    ]
    model.limits = [Limit(**_row(entry)) for entry in definition.limits]
    model.likely_causes = [_cause_row(entry) for entry in definition.likely_causes]
    session.add(model)
    session.flush()


def _cause_row(entry: CauseEntry) -> LikelyCause:
    cost = read_cost(entry.cost_now, entry.cost_failed, entry.currency)
    row = _row(entry)
    del row["cost_now"], row["cost_failed"]
    return LikelyCause(
        **row,
        cost_now_minor=cost.now.minor if cost.now else None,
        cost_failed_minor=cost.failed.minor if cost.failed else None,
    )


def _clear(session: Session, model: EquipmentModel) -> None:
    # The old rows must be gone before rows with the same unique names come.
    for rows in (model.metrics, model.limits, model.likely_causes):
        rows.clear()
    session.flush()


def _row(entry: msgspec.Struct, **changed: object) -> dict[str, Any]:
    return msgspec.structs.asdict(entry) | changed


_Entry = TypeVar("_Entry", bound=msgspec.Struct)


def _entry(kind: type[_Entry], row: object) -> _Entry:
    return kind(**{name: getattr(row, name) for name in kind.__struct_fields__})


def _cause_entry(row: LikelyCause) -> CauseEntry:
    return CauseEntry(
        condition=row.condition,
        failure_mode=row.failure_mode,
        cause=row.cause,
        label=row.label,
        action=row.action,
        metric=row.metric,
        parts=list(row.parts),
        cost_now=str(row.cost.now.amount) if row.cost.now else None,
        cost_failed=str(row.cost.failed.amount) if row.cost.failed else None,
        currency=row.currency,
    )


def as_definition(model: EquipmentModel, signals: list[SignalEntry]) -> ModelDefinition:
    """The definition that would make this equipment model."""
    return ModelDefinition(
        equipment_model=_entry(ModelHead, model),
        metrics=[_entry(MetricEntry, each) for each in model.metrics],
        limits=[_entry(LimitEntry, each) for each in model.limits],
        normal_period=model.normal_period,
        likely_causes=[_cause_entry(each) for each in model.likely_causes],
        signals=signals,
    )


def write_definition(definition: ModelDefinition) -> str:
    """The definition as TOML text, without what is empty."""
    tree = msgspec.to_builtins(definition)
    return msgspec.toml.encode(_without_empty(tree)).decode()


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [_without_empty(each) for each in value]
    return value
