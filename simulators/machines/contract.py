"""What every simulated machine offers, whatever it is; tests/contracts holds each kind to it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.environment import Surroundings
from simulators.faults import Fault


class Machine(Protocol):
    """One machine with its own spread, faults and memory.

    Made from a seed and its faults; two made alike report alike. It remembers where the last
    stretch ended, so stretches must follow each other; where they are cut makes no difference.
    """

    @property
    def equipment_model(self) -> str:
        """Key of the equipment model whose definition names the metrics and their units."""
        ...

    def simulate(
        self, times_ms: NDArray[np.int64], surroundings: Surroundings
    ) -> dict[str, NDArray[np.float64]]:
        """What it reports at ascending times: metric → one finite value for each time."""
        ...

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        """Has these faults from the next stretch on, instead of those it had."""
        ...
