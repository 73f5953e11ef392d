"""Fits a definition to machines that report more seldom than it was written for.

Limits stay what they are; what is counted in readings or must hold some of them is stretched.
"""

from typing import Any

import msgspec

from devices.definitions import ModelDefinition
from telemetry.detectors.normal_settings import NormalPeriodSettings

# Readings that a normal period, a window, a delay and a gap hold at least.
_FEWEST_READINGS = 450
_IN_WINDOW, _IN_DELAY, _IN_GAP = 36, 12, 12


def report_every(definition: ModelDefinition, interval_s: float) -> ModelDefinition:
    """The same definition for machines that report every `interval_s` seconds."""
    written_s = min(metric.interval_s for metric in definition.metrics)
    metrics = [
        msgspec.structs.replace(metric, interval_s=max(metric.interval_s, interval_s))
        for metric in definition.metrics
    ]
    section = definition.normal_period
    if section is not None and interval_s > written_s:
        section = {**section, **_stretch(section, written_s, interval_s)}
    return msgspec.structs.replace(definition, metrics=metrics, normal_period=section)


def _stretch(section: dict[str, Any], written_s: float, interval_s: float) -> dict[str, Any]:
    plain = NormalPeriodSettings.for_interval(written_s).to_json()
    set_by = {name: section.get(name, value) for name, value in plain.items()}
    readings = round(set_by["normal_readings"] * written_s / interval_s)
    return {
        "normal_readings": min(max(readings, _FEWEST_READINGS), set_by["normal_readings"]),
        "window_s": max(set_by["window_s"], _IN_WINDOW * interval_s),
        "on_delay_s": max(set_by["on_delay_s"], _IN_DELAY * interval_s),
        "off_delay_s": max(set_by["off_delay_s"], 2 * _IN_DELAY * interval_s),
        "max_gap_s": max(set_by["max_gap_s"], _IN_GAP * interval_s),
    }
