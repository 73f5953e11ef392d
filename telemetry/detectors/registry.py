"""Which detectors there are, by name; how each judges lives in its own file."""

from collections.abc import Callable, Mapping
from typing import Any

from foundation.errors import NotFound
from telemetry.detectors.contract import Detector
from telemetry.detectors.limits import LimitDetector
from telemetry.detectors.normal_period import NormalPeriodDetector

DETECTORS: Mapping[str, Callable[[Mapping[str, Any]], Detector]] = {
    "limits": LimitDetector.from_json,
    "normal_period": NormalPeriodDetector.from_json,
}


def load_detector(stored: Mapping[str, Any]) -> Detector:
    """The detector that its `to_json` described.

    Raises:
        NotFound: when no detector of that name is registered.
    """
    load = DETECTORS.get(stored["detector"])
    if load is None:
        raise NotFound("There is no detector named %(detector)s.", detector=stored["detector"])
    return load(stored)
