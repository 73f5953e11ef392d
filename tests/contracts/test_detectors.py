"""What every registered detector must do."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.detectors.carried import CarriedState
from telemetry.detectors.contract import detect
from telemetry.detectors.registry import DETECTORS, load_detector
from telemetry.store.contract import Samples
from tests.contracts.detector_suite import (
    ASSETS,
    FAULT_FROM,
    METRICS,
    N_AFTER,
    N_NORMAL,
    SUBJECTS,
    T0_MS,
    choose,
    is_after,
    make_fleet,
)

every_detector = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)

FLEET = make_fleet(step=6.0)
LAST_NORMAL_MS = T0_MS + 1_000 * (N_NORMAL - 1)


def start():
    return CarriedState.starting(dict.fromkeys(ASSETS, LAST_NORMAL_MS))


def score(detector, samples):
    return detector.score(samples, np.flatnonzero(is_after(samples)))


def as_bytes(scores):
    return scores.score.tobytes() + scores.contributions.tobytes()


def plain(transitions):
    return [(each.asset, each.at_ms, each.is_raise, each.started_at_ms) for each in transitions]


def test_every_registered_detector_is_tried():
    assert {subject.name for subject in SUBJECTS} == set(DETECTORS)


@every_detector
def test_the_same_samples_give_the_same_scores(subject):
    first, second = (score(subject.build(FLEET), FLEET) for _ in range(2))
    assert as_bytes(first) == as_bytes(second)


@every_detector
def test_a_detector_reloaded_from_json_scores_the_same_to_the_last_bit(subject):
    detector = subject.build(FLEET)
    stored = json.loads(json.dumps(detector.to_json(), allow_nan=False))
    reloaded = load_detector(stored)
    assert (reloaded.name, reloaded.metrics) == (subject.name, detector.metrics)
    assert (reloaded.lookback_ms, reloaded.crossing) == (detector.lookback_ms, detector.crossing)
    assert as_bytes(score(reloaded, FLEET)) == as_bytes(score(detector, FLEET))


@every_detector
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.9])
def test_scores_are_finite_or_absent_and_their_parts_sum_up(subject, missing):
    rng = np.random.default_rng(5)
    holed = {
        name: np.where(rng.random(len(column)) < missing, np.nan, column)
        for name, column in FLEET.values.items()
    }
    found = score(subject.build(FLEET), Samples(FLEET.asset, FLEET.at_ms, holed))
    present = found.score[np.isfinite(found.score)]
    assert len(present) >= (0.99 - missing) * len(found.score)
    assert ((present >= 0) & (present <= 1)).all()
    assert (found.contributions >= 0).all()
    assert np.allclose(found.contributions.sum(axis=1), np.nan_to_num(found.score))
    assert np.array_equal(np.isnan(found.score), np.isnan(found.level))


@every_detector
def test_the_order_of_metrics_does_not_matter(subject):
    turned = Samples(FLEET.asset, FLEET.at_ms, dict(reversed(FLEET.values.items())))
    assert as_bytes(score(subject.build(FLEET), FLEET)) == as_bytes(
        score(subject.build(turned), turned)
    )


@every_detector
def test_the_other_assets_do_not_matter(subject):
    alone = choose(FLEET, FLEET.asset == ASSETS[1])
    found = score(subject.build(FLEET), FLEET)
    own = found.asset == ASSETS[1]
    assert found.score[own].tobytes() == score(subject.build(alone), alone).score.tobytes()


@every_detector
def test_a_larger_step_scores_higher_and_a_large_one_crosses(subject):
    detector = subject.build(FLEET)
    last = []
    for step in (0.0, 2.0, 4.0, 8.0, 16.0, 1e6):
        found = score(detector, make_fleet(step=step))
        last.append(found.score[found.at_ms == found.at_ms.max()])
    assert (np.diff(np.array(last), axis=0) > 0).all()
    assert (last[0] < 0.5).all()
    assert (last[-2] > 0.5).all()


@every_detector
def test_a_fault_scores_higher_than_what_came_before(subject):
    found = score(subject.build(FLEET), FLEET)
    fault = found.at_ms >= T0_MS + 1_000 * (N_NORMAL + FAULT_FROM + 30)
    better = found.score[fault][:, np.newaxis] > found.score[~fault]
    assert better.mean() > 0.95  # the area under the ROC curve; 0.5 is chance


@every_detector
def test_the_metric_that_moved_has_the_largest_share(subject):
    found = detect(subject.build(FLEET), FLEET, start())
    first = next(iter(found.transitions))
    assert next(iter(found.scores.shares(first.row))) == "flow"


@every_detector
def test_a_row_is_scored_before_anything_is_learned_from_it_or_after_it(subject):
    detector = subject.build(FLEET)
    before = json.dumps(detector.to_json())
    early = score(detector, choose(FLEET, ~is_after(FLEET, FAULT_FROM)))
    whole = score(detector, FLEET)
    known = whole.at_ms < T0_MS + 1_000 * (N_NORMAL + FAULT_FROM)
    assert early.score.tobytes() == whole.score[known].tobytes()
    assert json.dumps(detector.to_json()) == before


@every_detector
@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, N_AFTER), max_size=6).map(sorted))
def test_cutting_the_stream_changes_nothing(subject, cuts):
    detector, carried, pieces = subject.build(FLEET), start(), []
    whole = detect(detector, FLEET, carried)
    borders = [0, *cuts, N_AFTER]
    for from_row, until_row in itertools.pairwise(borders):
        reach_ms = T0_MS + 1_000 * (N_NORMAL + from_row - 1) - detector.lookback_ms
        read = choose(FLEET, (FLEET.at_ms >= reach_ms) & ~is_after(FLEET, until_row))
        found = detect(detector, read, carried)
        carried = CarriedState.from_json(found.carried.to_json())
        pieces += plain(found.transitions)
    assert pieces
    assert sorted(pieces) == sorted(plain(whole.transitions))
    assert carried.to_json() == whole.carried.to_json()


@every_detector
def test_judging_rows_again_changes_nothing(subject):
    detector = subject.build(FLEET)
    once = detect(detector, FLEET, start())
    again = detect(detector, FLEET, once.carried)
    assert len(again.scores.score) == len(again.transitions) == 0
    assert again.carried.to_json() == once.carried.to_json()


@every_detector
def test_no_samples_are_no_trouble(subject):
    nothing = choose(FLEET, np.zeros(len(FLEET.asset), dtype=np.bool_))
    carried = start()
    found = detect(subject.build(FLEET), nothing, carried)
    assert len(found.scores.score) == len(found.transitions) == 0
    assert found.carried.to_json() == carried.to_json()


@every_detector
def test_what_it_reads_is_in_order_and_of_the_model(subject):
    metrics = subject.build(FLEET).metrics
    assert list(metrics) == sorted(metrics)
    assert set(metrics) <= set(METRICS)
