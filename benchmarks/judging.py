"""How long one turn of the normal-period model takes over many machines at once.

The same rows are judged machine by machine in the same run: what one array for all of them gains.
"""

import time

import numpy as np

from benchmarks.figures import Figure
from benchmarks.options import Options
from telemetry.detectors.carried import CarriedState
from telemetry.detectors.contract import detect
from telemetry.detectors.normal_period import NormalModel, NormalPeriodDetector
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.store.contract import Samples

N_ASSETS = 1_000
N_ROWS = 75
N_METRICS = 10
REPEATS = 7
_ONE_BY_ONE = 100
_SETTINGS = NormalPeriodSettings(window_s=10, on_delay_s=0, off_delay_s=0, max_gap_s=5)
_METRICS = tuple(f"metric_{number}" for number in range(N_METRICS))
_WARM_MS = 14_000


def measure(_: Options) -> list[Figure]:
    """Seconds for all machines at once, and how many times as long one by one takes."""
    model = _make_model()
    rows = _make_rows(N_ASSETS)
    together = [_judge(range(N_ASSETS), model, rows) for _ in range(REPEATS)]
    singly = [_judge_singly(model) * N_ASSETS / _ONE_BY_ONE for _ in range(REPEATS)]
    note = f"{N_ASSETS} machines, {N_METRICS} metrics, {N_ROWS} readings each"
    ratios = [one / all_ for one, all_ in zip(singly, together, strict=True)]
    return [
        Figure("one turn over all machines", "s", together, note=note),
        Figure("machine by machine, times as long", "x", ratios),
    ]


def _make_model() -> NormalModel:
    return NormalModel(
        settings=_SETTINGS,
        metrics=_METRICS,
        centre=np.zeros(N_METRICS),
        spread=np.ones(N_METRICS),
        per_window=np.full(N_METRICS, 10.0),
        in_normal=np.full(N_METRICS, 1e12),
        correlation=np.eye(N_METRICS),
        threshold=4.0,
        n_readings=400,
        left_out={},
    )


def _make_rows(n_assets: int) -> Samples:
    rng = np.random.default_rng(1)
    return Samples(
        np.repeat(np.arange(n_assets, dtype=np.uint32), N_ROWS),
        np.tile(1_000 * np.arange(N_ROWS, dtype=np.int64), n_assets),
        {name: rng.normal(size=n_assets * N_ROWS) for name in _METRICS},
    )


def _judge(assets: range, model: NormalModel, rows: Samples) -> float:
    detector = NormalPeriodDetector.of(dict.fromkeys(assets, model))
    begun = time.perf_counter()
    detect(detector, rows, CarriedState.starting(dict.fromkeys(assets, _WARM_MS)))
    return time.perf_counter() - begun


def _judge_singly(model: NormalModel) -> float:
    rows = _make_rows(1)
    return sum(_judge(range(1), model, rows) for _ in range(_ONE_BY_ONE))
