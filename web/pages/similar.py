"""Machines of the same model that are nearest in run hours and age, and how those fare."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from devices.access import list_readable_assets
from devices.assets import Asset
from devices.fleet_index import FleetFilter, list_ages
from services.tickets.patterns import FailureTrend, list_failure_trends
from telemetry.latest import Latest
from web.pages.fleet import load_fleet
from web.pages.fleet_list import FleetRows, load_rows
from web.request_scope import get_runtime, get_session, now

SHOWN = 5
RUN_HOURS = "run_hours"


@dataclass(frozen=True, slots=True)
class Similar:
    """The nearest machines with their run hours, and failures of all machines of the model."""

    shown: FleetRows
    hours: Mapping[int, float]
    of: int
    failures: Sequence[FailureTrend]


def load_similar(asset: Asset) -> Similar:
    """The machines to compare an asset with, as far as the reader sees them."""
    session, latest = get_session(), get_runtime().latest
    fleet = load_fleet(FleetFilter(model=asset.equipment_model.key))
    others = [each.id for each in fleet.entries if each.id != asset.id]
    hours = _read_hours(latest, _choose_shared([asset.id, *others]))
    near = _choose_nearest(asset, others, hours, list_ages(session, others))
    failures = (
        list_failure_trends(session, at=now(), asset_ids=frozenset(others)) if others else []
    )
    return Similar(load_rows(near, fleet), hours, len(others), failures[:SHOWN])


def _choose_shared(asset_ids: Sequence[int]) -> list[int]:
    shared = list_readable_assets(get_session(), RUN_HOURS)
    return [each for each in asset_ids if shared is None or each in shared]


def _read_hours(latest: Latest, asset_ids: Sequence[int]) -> dict[int, float]:
    found = {each: latest.find(each) for each in asset_ids}
    return {
        asset_id: reading.values[RUN_HOURS][0]
        for asset_id, reading in found.items()
        if reading is not None and RUN_HOURS in reading.values
    }


def _choose_nearest(
    asset: Asset,
    others: Sequence[int],
    hours: Mapping[int, float],
    since: Mapping[int, datetime],
) -> list[int]:
    """By the distance in run hours and age, each on a logarithmic scale: twice is twice."""

    def distance(asset_id: int) -> tuple[float, int]:
        age = _log_ratio(_age_h(asset.commissioned_at), _age_h(since[asset_id]))
        known = asset.id in hours and asset_id in hours
        run = _log_ratio(hours[asset.id], hours[asset_id]) if known else 1.0
        return math.hypot(age, run), asset_id

    return sorted((each for each in others if each in since), key=distance)[:SHOWN]


def _age_h(commissioned_at: datetime) -> float:
    return (now() - commissioned_at).total_seconds() / 3_600


def _log_ratio(one: float, other: float) -> float:
    return abs(math.log(max(one, 1.0) / max(other, 1.0)))
