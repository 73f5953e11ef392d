"""Ranges of the settings, and their way through JSON."""

import math

import pytest

from foundation.errors import Invalid
from telemetry.detectors.normal_settings import NormalPeriodSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"normal_readings": 99},
        {"window_s": 0},
        {"window_s": 40, "max_gap_s": 41},
        {"margin": 0.4},
        {"margin": math.nan},
        {"on_delay_s": -1},
        {"off_delay_s": math.inf},
        {"hysteresis": 0.5},
        {"max_gap_s": 0},
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(wrong):
    with pytest.raises(Invalid) as refused:
        NormalPeriodSettings(**wrong)
    assert refused.value.field in wrong
    assert refused.value.field in str(refused.value)


def test_settings_go_through_json():
    chosen = NormalPeriodSettings(window_s=45, margin=3)
    assert NormalPeriodSettings.from_json(chosen.to_json()) == chosen
    assert NormalPeriodSettings.from_json({}) == NormalPeriodSettings()


def test_times_grow_with_the_interval_and_never_shrink():
    plain, slow = NormalPeriodSettings(), NormalPeriodSettings.for_interval(10)
    assert (slow.window_s, slow.on_delay_s) == (10 * plain.window_s, 10 * plain.on_delay_s)
    assert (slow.margin, slow.normal_readings) == (plain.margin, plain.normal_readings)
    assert NormalPeriodSettings.for_interval(0.1) == plain


def test_the_score_is_judged_at_one_half():
    crossing = NormalPeriodSettings(on_delay_s=7).crossing
    assert (crossing.threshold, crossing.on_delay_s) == (0.5, 7)
