"""The shipped equipment models are definitions that a user could import."""

from pathlib import Path

import pytest

from devices.definitions import read_definition, write_definition
from services.tickets.codes import FailureCause, FailureMode
from simulators.machines.registry import KINDS
from telemetry.detectors.normal_settings import NormalPeriodSettings

CATALOGUE = Path(__file__).parents[2] / "devices" / "catalogue"
FILES = sorted(CATALOGUE.glob("*.toml"))
each_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


@each_file
def test_it_is_a_sound_definition_of_the_model_it_is_named_after(path):
    definition = read_definition(path.read_text())
    assert definition.equipment_model.key == path.stem
    assert read_definition(write_definition(definition)) == definition


@each_file
def test_its_normal_period_can_be_learned(path):
    definition = read_definition(path.read_text())
    assert definition.normal_period is not None
    settings = dict(definition.normal_period)
    metrics = settings.pop("metrics")
    settings.pop("when", None)
    learned = NormalPeriodSettings.from_json(settings)
    intervals = [each.interval_s for each in definition.metrics if each.name in metrics]
    assert len(intervals) == len(metrics)
    assert learned.window_s >= 5 * max(intervals)
    assert learned.max_gap_s > max(intervals)


@each_file
def test_its_likely_causes_name_known_codes_and_conditions(path):
    definition = read_definition(path.read_text())
    conditions = {f"limit:{each.metric}:{each.direction}" for each in definition.limits}
    for cause in definition.likely_causes:
        assert cause.failure_mode in list(FailureMode)
        assert cause.cause in list(FailureCause)
        assert cause.condition in conditions | {"normal_period"}
        assert len(cause.label) <= 200
        assert len(cause.action) <= 400


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_departs_from_normal_on_a_simulated_machine_has_a_likely_cause(kind):
    definition = read_definition((CATALOGUE / f"{kind}.toml").read_text())
    causes = [each for each in definition.likely_causes if each.condition == "normal_period"]
    assert {each.metric for each in causes} == set(definition.normal_period["metrics"])


@each_file
def test_every_limit_has_a_likely_cause(path):
    definition = read_definition(path.read_text())
    explained = {cause.condition for cause in definition.likely_causes}
    for limit in definition.limits:
        assert f"limit:{limit.metric}:{limit.direction}" in explained
