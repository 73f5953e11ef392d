"""What is looked for on each equipment model, read from its definition."""

import pytest

from foundation.identity.scope import Scope
from telemetry.alarms.models import Severity
from telemetry.detectors.transitions import Crossing, Direction
from telemetry.watches import read_watched_models
from tests.network import PUMP

LOW = """
[[limits]]
metric = "pressure"
direction = "low"
threshold = 2
severity = "critical"
label = "No pressure"
"""


@pytest.fixture
def watched(plant):
    def read():
        with plant.network.database.session(Scope.system("test")) as session:
            return read_watched_models(session)

    return read


def test_a_limit_is_a_condition_with_its_detector_and_unit(plant, watched):
    (model,) = watched()
    (limit,) = model.limits
    assert model.key == "pump"
    assert model.asset_ids == (plant.network.asset, plant.network.other_asset)
    assert (limit.condition, limit.severity) == (
        "limit:temperature:high:serious",
        Severity.SERIOUS,
    )
    assert (limit.unit, limit.detector.metric) == ("°C", "temperature")
    assert limit.detector.crossing == Crossing(
        threshold=80, direction=Direction.HIGH, hysteresis=3, on_delay_s=20, max_gap_s=300
    )


def test_each_limit_of_a_metric_is_a_condition_of_its_own(plant, watched):
    plant.define(text=PUMP + LOW)
    (model,) = watched()
    by_condition = {watch.condition: watch for watch in model.limits}
    low = by_condition["limit:pressure:low:critical"]
    assert set(by_condition) == {"limit:temperature:high:serious", low.condition}
    assert (low.severity, low.unit) == (Severity.CRITICAL, "bar")
    assert low.detector.crossing.direction is Direction.LOW


def test_a_machine_that_reports_seldom_may_be_silent_for_longer(plant, watched):
    plant.define(("interval_s = 10", "interval_s = 600"))
    (model,) = watched()
    assert model.limits[0].detector.crossing.max_gap_s == 2100
    assert model.interval_s == 600


def test_a_model_without_machines_is_not_looked_at(plant, watched):
    plant.define(('key = "pump"', 'key = "spare"'))
    assert [model.key for model in watched()] == ["pump"]


def test_a_model_without_a_normal_period_has_no_plan_for_one(plant, watched):
    assert watched()[0].normal_period is None
    plant.define(text=PUMP + "\n[normal_period]\nseverity = 'warning'\n")
    plan = watched()[0].normal_period
    assert (plan.severity, plan.metrics) == (Severity.WARNING, ("temperature", "pressure"))
