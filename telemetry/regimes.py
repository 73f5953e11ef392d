"""Keeps the samples of one way of running, so that a machine is compared with itself at that work.

A compressor that stands still at night is no fault: loaded hours are compared with loaded ones.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from foundation.errors import Invalid
from telemetry.store.contract import Samples

Regime = Mapping[str, tuple[float, float]]
"""Metric → smallest and largest value, both included, for which samples count."""


def read_regime(section: Mapping[str, Any]) -> Regime:
    """The regime that a definition names, such as `running_state = [2, 2]`.

    Raises:
        Invalid: when a bound is no pair of numbers.
    """
    return {metric: _read_bounds(metric, bounds) for metric, bounds in section.items()}


def _read_bounds(metric: str, bounds: Any) -> tuple[float, float]:
    is_pair = isinstance(bounds, list | tuple) and len(bounds) == 2
    if not is_pair or not all(isinstance(each, int | float) for each in bounds):
        raise Invalid(
            "normal_period.when.%(metric)s is a pair [smallest, largest].", metric=metric
        )
    low, high = float(bounds[0]), float(bounds[1])
    # Endless bounds cannot be written down in a JSON column.
    if not (isfinite(low) and isfinite(high)):
        raise Invalid("normal_period.when.%(metric)s needs two finite numbers.", metric=metric)
    if not low <= high:
        raise Invalid("normal_period.when.%(metric)s: the smallest comes first.", metric=metric)
    return low, high


def keep_regime(samples: Samples, regime: Regime) -> Samples:
    """The samples within the regime; one without a value for its metrics is not."""
    if not regime:
        return samples
    kept = np.ones(len(samples.asset), dtype=np.bool_)
    for metric, (low, high) in regime.items():
        values = samples.values[metric]
        kept &= (values >= low) & (values <= high)
    return samples.choose(kept, samples.values)
