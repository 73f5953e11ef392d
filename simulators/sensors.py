"""What a sensor makes of a true value: noise, resolution and the ends of its range."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import draw_normal


@dataclass(frozen=True, slots=True)
class Sensor:
    """Standard deviation of the noise and size of the smallest step, in the metric's unit."""

    noise: float
    resolution: float
    minimum: float = 0.0
    maximum: float = float("inf")

    def read(
        self, true: NDArray[np.float64], seed: int, name: str, times_ms: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """What is reported for the true values at these times; the same for the same seed."""
        value = true
        if self.noise > 0.0:
            value = value + self.noise * draw_normal(seed, name, times_ms)
        # Rounded at last to the digits that the step has, not to 0.30000000000000004.
        digits = max(0, round(-np.log10(self.resolution)) + 1)
        stepped = np.round(np.round(value / self.resolution) * self.resolution, int(digits))
        return np.asarray(np.clip(stepped, self.minimum, self.maximum))


def read_all(
    sensors: Mapping[str, Sensor],
    true: Mapping[str, NDArray[np.float64]],
    seed: int,
    times_ms: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    """All metrics of a machine through their sensors."""
    return {name: each.read(true[name], seed, name, times_ms) for name, each in sensors.items()}
