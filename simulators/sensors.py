"""What a sensor makes of a true value: noise, resolution and the ends of its range."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import draw_normals


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
        return read_all({name: self}, {name: true}, seed, times_ms)[name]


def read_all(
    sensors: Mapping[str, Sensor],
    true: Mapping[str, NDArray[np.float64]],
    seed: int,
    times_ms: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    """All metrics of a machine through their sensors, in a few operations on all of them."""
    values = np.stack([true[name] for name in sensors])
    column = (len(sensors), 1)
    noise, resolution, minimum, maximum = (
        np.array([getattr(each, part) for each in sensors.values()]).reshape(column)
        for part in ("noise", "resolution", "minimum", "maximum")
    )
    values = values + noise * draw_normals(seed, tuple(sensors), times_ms)
    # Rounded at last to the digits that the step has, not to 0.30000000000000004; nor is there -0.
    tens = 10.0 ** np.maximum(0.0, np.round(-np.log10(resolution)) + 1.0)
    stepped = np.rint(np.rint(values / resolution) * resolution * tens) / tens + 0.0
    return dict(zip(sensors, np.clip(stepped, minimum, maximum), strict=True))
