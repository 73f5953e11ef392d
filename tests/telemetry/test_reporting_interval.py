"""A definition written for a reading a minute also serves machines that report more seldom."""

from pathlib import Path

import pytest

from devices.definitions import read_definition, write_definition
from telemetry.reporting_interval import report_every
from telemetry.training import read_plan

CATALOGUE = Path(__file__).parents[2] / "devices" / "catalogue"
COMPRESSOR = read_definition((CATALOGUE / "screw_compressor.toml").read_text())


def test_nothing_changes_at_the_interval_it_was_written_for():
    assert report_every(COMPRESSOR, 60) == COMPRESSOR


def test_readings_become_fewer_and_times_longer():
    slow = report_every(COMPRESSOR, 600)
    assert {metric.interval_s for metric in slow.metrics} == {600}
    settings = read_plan(slow).settings
    assert settings.normal_readings == 450
    assert settings.window_s >= 36 * 600
    assert settings.max_gap_s >= 12 * 600
    assert settings.on_delay_s >= 12 * 600
    assert slow.limits == COMPRESSOR.limits


@pytest.mark.parametrize("path", sorted(CATALOGUE.glob("*.toml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("interval_s", [1, 60, 600, 3600])
def test_every_example_stays_a_sound_definition(path, interval_s):
    slow = report_every(read_definition(path.read_text()), interval_s)
    assert read_definition(write_definition(slow)) == slow
    read_plan(slow)
