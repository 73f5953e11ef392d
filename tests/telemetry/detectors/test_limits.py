"""The limit detector's scores; its delays are tested with the transitions."""

import math

import numpy as np
import pytest

from telemetry.detectors.carried import CarriedState
from telemetry.detectors.contract import detect
from telemetry.detectors.limits import LimitDetector
from telemetry.detectors.transitions import Crossing, Direction
from telemetry.store.contract import Samples


def make_samples(values, **others):
    n = len(values)
    at_ms = 1_000 * np.arange(1, n + 1, dtype=np.int64)
    columns = {"pressure": np.array(values, dtype=np.float64)} | others
    return Samples(np.ones(n, dtype=np.uint32), at_ms, columns)


def score(detector, values):
    samples = make_samples(values)
    return detector.score(samples, np.arange(len(values))).score


@pytest.mark.parametrize("direction", Direction)
def test_the_threshold_scores_half_and_worse_is_higher(direction):
    detector = LimitDetector(
        "pressure", Crossing(threshold=6, direction=direction, hysteresis=0.5)
    )
    scores = score(detector, [-1e308, 5.0, 5.9, 6.0, 6.1, 7.0, 1e308])
    assert scores[3] == 0.5
    rises = np.diff(scores) > 0
    assert rises.all() if direction == Direction.HIGH else not rises.any()
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_bound_of_nought_without_hysteresis_has_a_scale():
    assert score(LimitDetector("pressure", Crossing(threshold=0)), [0.0, 1.0]).tolist() == [
        0.5,
        0.75,
    ]


def test_an_absent_sample_has_no_score_and_no_share():
    detector = LimitDetector("pressure", Crossing(threshold=6))
    scores = detector.score(make_samples([math.nan]), np.array([0]))
    assert np.isnan(scores.score).all()
    assert scores.shares(0) == {"pressure": 0.0}


def test_a_metric_that_was_not_read_has_no_score():
    detector = LimitDetector("flow", Crossing(threshold=6))
    found = detect(detector, make_samples([7.0, 8.0]), CarriedState.starting({}))
    assert np.isnan(found.scores.score).all()
    assert len(found.transitions) == 0


def test_a_raise_carries_the_metrics_own_value():
    detector = LimitDetector(
        "pressure", Crossing(threshold=6, direction=Direction.LOW, on_delay_s=1)
    )
    found = detect(detector, make_samples([7.0, 5.0, 4.0]), CarriedState.starting({}))
    (raised,) = found.transitions
    assert (raised.asset, raised.started_at_ms, raised.at_ms, raised.value) == (
        1,
        2_000,
        3_000,
        4.0,
    )
