"""What is looked for on each equipment model: its conditions, and the detector for each of them.

Read from the catalogue and the fitted models; looking itself is scoring's part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import EquipmentModel, Limit, list_equipment_models
from foundation.units import symbol
from telemetry.alarms.models import Severity
from telemetry.detectors.contract import Detector
from telemetry.detectors.limits import LimitDetector
from telemetry.detectors.transitions import Crossing, Direction
from telemetry.training import NormalPeriodPlan, read_plan

# A delay outlasts gaps of this many reporting intervals, and of five minutes at least.
_GAP_IN_INTERVALS = 3.5
_LEAST_GAP_S = 300.0


@dataclass(frozen=True, slots=True)
class Watch:
    """One condition of an equipment model, how bad it is, and the detector that looks for it."""

    condition: str
    severity: Severity
    detector: Detector
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class WatchedModel:
    """An equipment model with its assets, its limits and its plan for the normal period."""

    key: str
    asset_ids: tuple[int, ...]
    interval_s: float
    limits: tuple[Watch, ...]
    normal_period: NormalPeriodPlan | None


def read_watched_models(session: Session) -> list[WatchedModel]:
    """All equipment models that have assets."""
    assets: dict[int, list[int]] = {}
    rows = select(Asset.equipment_model_id, Asset.id).order_by(Asset.id)
    for model_id, asset_id in session.execute(rows):
        assets.setdefault(model_id, []).append(asset_id)
    models = [model for model in list_equipment_models(session) if model.id in assets]
    return [_watched(model, assets[model.id]) for model in models]


def _watched(model: EquipmentModel, asset_ids: Sequence[int]) -> WatchedModel:
    units = {metric.name: metric.unit for metric in model.metrics}
    intervals = {metric.name: metric.interval_s for metric in model.metrics}
    return WatchedModel(
        key=model.key,
        asset_ids=tuple(asset_ids),
        interval_s=min(intervals.values(), default=60.0),
        limits=tuple(_limit_watch(limit, units, intervals) for limit in model.limits),
        normal_period=read_plan(model),
    )


def _limit_watch(limit: Limit, units: Mapping[str, str], intervals: Mapping[str, float]) -> Watch:
    gap_s = max(_GAP_IN_INTERVALS * intervals[limit.metric], _LEAST_GAP_S)
    crossing = Crossing(
        threshold=limit.threshold,
        direction=Direction(limit.direction),
        hysteresis=limit.hysteresis,
        on_delay_s=limit.on_delay_s,
        max_gap_s=gap_s,
    )
    condition = f"limit:{limit.metric}:{limit.direction}:{limit.severity}"
    detector = LimitDetector(limit.metric, crossing)
    return Watch(condition, Severity(limit.severity), detector, symbol(units[limit.metric]))
