"""The plant of the telemetry engine, for tests of what drives it."""

from tests.telemetry.conftest import any_plant, network_file, plant, promptly

__all__ = ["any_plant", "network_file", "plant", "promptly"]
