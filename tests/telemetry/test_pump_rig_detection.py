"""The normal-period detector on measured faults of a pump rig, judged as the scoring loop would.

Each run is an asset of its own with a model learned from its first 400 readings, presumed normal;
labels are read only to count. A ticket opens on a raise when the asset has none open. Two readings
of how long it stays open: until its alarm clears, or to the end of the run.
"""

import csv
import gzip
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from telemetry.detectors.carried import CarriedState
from telemetry.detectors.contract import detect
from telemetry.detectors.normal_fitting import fit_normal_period
from telemetry.detectors.normal_period import NormalPeriodDetector
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.store.contract import Samples

pytestmark = pytest.mark.public_data

FAULT_RUNS = (
    *(f"valve1/{number}" for number in range(8)),
    *(f"valve2/{number}" for number in range(2)),
    *(f"other/{number}" for number in range(1, 14, 2)),
)
TICK_ROWS = 45
ONE_TICK = 10_000  # cuts change nothing, and one is quicker
DEFAULTS = NormalPeriodSettings()
TIMES = ("window_s", "on_delay_s", "off_delay_s", "max_gap_s")


@dataclass(frozen=True, eq=False)
class Run:
    """A run of the rig; `fault` (n,) is its label."""

    samples: Samples
    fault: np.ndarray


def read_run(folder: Path, name: str) -> Run:
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file, delimiter=";")
    instants = [datetime.fromisoformat(row[0]).replace(tzinfo=UTC) for row in rows]
    at_ms = np.array([round(1_000 * instant.timestamp()) for instant in instants])
    metrics = [name for name in header[1:] if name not in {"anomaly", "changepoint"}]
    columns = np.array([row[1 : 1 + len(metrics)] for row in rows], dtype=np.float64).T
    labels = [len(header) > 1 + len(metrics) and float(row[1 + len(metrics)]) == 1 for row in rows]
    asset = np.ones(len(rows), dtype=np.uint32)
    return Run(Samples(asset, at_ms, dict(zip(metrics, columns, strict=True))), np.array(labels))


@pytest.fixture(scope="module")
def folder():
    found = os.environ.get("MILLWRIGHT_PUBLIC_DATA")
    if not found:
        pytest.skip("MILLWRIGHT_PUBLIC_DATA names no folder of public measurements")
    return Path(found) / "skab"


@pytest.fixture(scope="module")
def fault_runs(folder):
    return [read_run(folder, name) for name in FAULT_RUNS]


def choose(samples: Samples, rows: slice) -> Samples:
    values = {name: column[rows] for name, column in samples.values.items()}
    return Samples(samples.asset[rows], samples.at_ms[rows], values)


def replay(run: Run, settings: NormalPeriodSettings, tick_rows: int) -> list:
    """The transitions of a run, found tick by tick with the state saved in between."""
    n, at_ms = settings.normal_readings, run.samples.at_ms
    model = fit_normal_period(choose(run.samples, slice(n)), asset=1, settings=settings)
    detector = NormalPeriodDetector.of({1: model})
    stored, found = {1: {"seen_ms": int(at_ms[n - 1])}}, []
    for end in range(n + tick_rows, len(at_ms) + tick_rows, tick_rows):
        carried = CarriedState.from_json(stored)
        start = np.searchsorted(at_ms, carried.seen_ms[0] - detector.lookback_ms)
        tick = detect(detector, choose(run.samples, slice(int(start), end)), carried)
        found += list(tick.transitions)
        stored = {1: json.loads(json.dumps(tick.carried.to_json()[1]))}
    return found


def ticket_times(transitions: Sequence, *, closes_on_clear: bool) -> list[int]:
    raised = [each.at_ms for each in transitions if each.is_raise]
    return raised if closes_on_clear else raised[:1]


def count(runs, settings, *, closes_on_clear=True, tick_rows=ONE_TICK) -> tuple[int, int]:
    """Runs with a ticket inside the labelled fault, and tickets outside a fault."""
    hits = outside = 0
    for run in runs:
        found = replay(run, settings, tick_rows)
        times = ticket_times(found, closes_on_clear=closes_on_clear)
        inside = [bool(run.fault[np.searchsorted(run.samples.at_ms, at)]) for at in times]
        hits += any(inside)
        outside += len(inside) - sum(inside)
    return hits, outside


@pytest.mark.parametrize("closes_on_clear", [True, False])
def test_faults_become_tickets_and_little_else_does(fault_runs, closes_on_clear):
    hits, outside = count(
        fault_runs, DEFAULTS, closes_on_clear=closes_on_clear, tick_rows=TICK_ROWS
    )
    assert (len(fault_runs), hits >= 14, outside <= 2) == (17, True, True), (hits, outside)


@pytest.mark.parametrize("factor", [0.7, 1.3])
@pytest.mark.parametrize("name", ["margin", "hysteresis", *TIMES])
def test_no_setting_needs_to_be_exact(fault_runs, name, factor):
    hits, outside = count(
        fault_runs, replace(DEFAULTS, **{name: factor * getattr(DEFAULTS, name)})
    )
    assert hits >= 12
    assert outside <= 4


@pytest.mark.parametrize("n", [280, 340, 460])
def test_the_length_of_the_normal_period_need_not_be_exact(fault_runs, n):
    hits, outside = count(fault_runs, replace(DEFAULTS, normal_readings=n))
    assert hits >= 12
    assert outside <= 4


def test_two_hours_without_fault_make_no_ticket_after_half_an_hour_of_learning(folder):
    quiet = read_run(folder, "anomaly-free/anomaly-free")
    assert replay(quiet, replace(DEFAULTS, normal_readings=2_000), ONE_TICK) == []


def test_what_moved_is_named(fault_runs):
    shaken = fault_runs[FAULT_RUNS.index("other/7")]
    n = DEFAULTS.normal_readings
    model = fit_normal_period(choose(shaken.samples, slice(n)), asset=1)
    scores = NormalPeriodDetector.of({1: model}).score(
        shaken.samples, np.flatnonzero(shaken.fault)
    )
    first, second = list(scores.shares(100))[:2]
    assert {first, second} == {"Accelerometer1RMS", "Accelerometer2RMS"}
