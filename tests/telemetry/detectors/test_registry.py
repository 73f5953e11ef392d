"""Detectors found by name; that each reloads to equal scores is in the contract."""

import pytest

from foundation.errors import NotFound
from telemetry.detectors.registry import load_detector


def test_a_detector_nobody_registered_is_not_found():
    with pytest.raises(NotFound, match="crystal_ball"):
        load_detector({"detector": "crystal_ball"})
