"""Machines and detectors to try on them; what is demanded of detectors is in test_detectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from telemetry.detectors.contract import Detector
from telemetry.detectors.limits import LimitDetector
from telemetry.detectors.normal_fitting import fit_normal_period
from telemetry.detectors.normal_period import NormalPeriodDetector
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.detectors.transitions import Crossing
from telemetry.store.contract import Samples

T0_MS = 1_772_400_000_000
ASSETS = (3, 8, 12)
METRICS = ("current", "flow", "pressure", "temperature")
N_NORMAL = 600
N_AFTER = 600
FAULT_FROM = 300  # rows after the normal period
SETTINGS = NormalPeriodSettings(window_s=30, on_delay_s=10, off_delay_s=20, max_gap_s=10)


def make_machine(seed: int, n: int) -> dict[str, np.ndarray]:
    """Noise that metrics share in part, on levels and spreads of very different size."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n)
    return {
        "current": 1.3 + 0.02 * (load + rng.normal(size=n)),
        "flow": 120.0 + 4.0 * rng.normal(size=n),
        "pressure": 6e5 + 5e3 * (load + rng.normal(size=n)),
        "temperature": 70.0 + 0.5 * rng.normal(size=n) + np.cos(np.arange(n) / 90),
    }


def make_fleet(
    step: float = 0.0, metric: str = "flow", assets: tuple[int, ...] = ASSETS
) -> Samples:
    """Each asset's normal period and what came after, a reading a second with some missing.

    From `FAULT_FROM` on the metric stands `step` of its standard deviations higher.
    """
    parts = []
    for asset in assets:
        columns = make_machine(asset, N_NORMAL + N_AFTER)
        columns[metric][N_NORMAL + FAULT_FROM :] += step * columns[metric][:N_NORMAL].std()
        parts.append((asset, columns))
    kept = np.random.default_rng(0).random(N_NORMAL + N_AFTER) > 0.05
    at_ms = T0_MS + 1_000 * np.flatnonzero(kept)
    return Samples(
        np.repeat(np.array(assets, dtype=np.uint32), len(at_ms)),
        np.tile(at_ms, len(assets)),
        {name: np.concatenate([part[name][kept] for _, part in parts]) for name in METRICS},
    )


def choose(samples: Samples, chosen: np.ndarray) -> Samples:
    """The rows where `chosen` is true."""
    values = {name: column[chosen] for name, column in samples.values.items()}
    return Samples(samples.asset[chosen], samples.at_ms[chosen], values)


def is_after(samples: Samples, row: int = 0) -> np.ndarray:
    """Rows from the given second after the normal period on."""
    return samples.at_ms >= T0_MS + 1_000 * (N_NORMAL + row)


def build_limit(samples: Samples) -> Detector:
    """A bound that flow in normal duty does not reach; nothing is learned."""
    crossing = Crossing(threshold=138.0, hysteresis=4.0, on_delay_s=0, max_gap_s=10)
    return LimitDetector("flow", crossing)


def build_normal_period(samples: Samples) -> Detector:
    """A model of each asset's normal period."""
    normal = choose(samples, ~is_after(samples))
    return NormalPeriodDetector.of(
        {
            asset: fit_normal_period(normal, asset=asset, settings=SETTINGS)
            for asset in np.unique(normal.asset).tolist()
        }
    )


@dataclass(frozen=True)
class Subject:
    """How a registered detector is made from samples that begin with a normal period."""

    name: str
    build: Callable[[Samples], Detector]


SUBJECTS = (Subject("limits", build_limit), Subject("normal_period", build_normal_period))
