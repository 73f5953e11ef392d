"""Judging by fitted models: warm-up, gaps, missing metrics, many assets."""

import numpy as np
import pytest

from foundation.errors import Invalid
from telemetry.detectors.carried import CarriedState
from telemetry.detectors.contract import detect
from telemetry.detectors.normal_period import NormalModel, NormalPeriodDetector, inverse_root
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.store.contract import Samples

SETTINGS = NormalPeriodSettings(window_s=10, on_delay_s=0, off_delay_s=0, max_gap_s=5)


def make_model(metrics=("a", "b"), correlation=None, settings=SETTINGS, threshold=4.0):
    k = len(metrics)
    return NormalModel(
        settings=settings,
        metrics=metrics,
        centre=np.zeros(k),
        spread=np.ones(k),
        per_window=np.full(k, 10.0),
        in_normal=np.full(k, 1e12),
        correlation=np.eye(k) if correlation is None else np.array(correlation),
        threshold=threshold,
        n_readings=400,
        left_out={},
    )


def make_samples(at_s, asset=1, **columns):
    values = {name: np.broadcast_to(float(v), len(at_s)) for name, v in columns.items()}
    at_ms = 1_000 * np.array(at_s, dtype=np.int64)
    return Samples(np.full(len(at_s), asset, dtype=np.uint32), at_ms, values)


def score(model, samples, asset=1):
    return NormalPeriodDetector.of({asset: model}).score(samples, np.arange(len(samples.asset)))


def test_the_score_is_the_distance_beside_the_threshold():
    scores = score(make_model(), make_samples(range(11), a=0.3, b=-0.4))
    distance = 10**0.5 * 0.5
    assert scores.score[-1] == pytest.approx(distance / (distance + 4.0))
    assert scores.shares(10) == pytest.approx(
        {"b": 0.64 * scores.score[-1], "a": 0.36 * scores.score[-1]}
    )


def test_a_distance_at_the_threshold_scores_half():
    samples = make_samples(range(11), a=4.0 / 10**0.5, b=0)
    assert score(make_model(), samples).score[-1] == pytest.approx(0.5)


def test_what_breaks_a_correlation_is_farther_than_what_follows_it():
    model = make_model(correlation=[[1.0, 0.9], [0.9, 1.0]])
    along, across = (score(model, make_samples(range(11), a=1, b=b)).score[-1] for b in (1, -1))
    assert across > along


def test_there_is_no_score_until_a_window_has_filled_nor_after_a_gap():
    at_s = [*range(12), *range(30, 42)]
    found = score(make_model(), make_samples(at_s, a=1, b=1)).score
    assert [at for at, each in zip(at_s, found, strict=True) if np.isfinite(each)] == [
        10,
        11,
        40,
        41,
    ]


def test_fewer_readings_in_the_window_are_less_certain():
    dense, sparse = (make_samples(range(0, 21, step), a=1, b=0) for step in (1, 4))
    assert score(make_model(), sparse).score[-1] < score(make_model(), dense).score[-1]


def test_a_missing_metric_is_taken_to_stand_where_the_others_lead():
    correlation = [[1.0, 0.8], [0.8, 1.0]]
    both = score(make_model(correlation=correlation), make_samples(range(11), a=1, b=0.8))
    one = score(make_model(correlation=correlation), make_samples(range(11), a=1))
    assert one.score[-1] == pytest.approx(both.score[-1])
    assert one.shares(10)["b"] == 0


def test_with_fewer_than_half_the_metrics_there_is_no_score():
    model = make_model(metrics=("a", "b", "c"))
    assert np.isnan(score(model, make_samples(range(11), a=9)).score).all()
    assert np.isfinite(score(model, make_samples(range(11), a=9, c=0)).score[-1])


def test_assets_may_differ_in_their_metrics():
    models = {1: make_model(("a", "c")), 2: make_model(("b",))}
    detector = NormalPeriodDetector.of(models)
    parts = [make_samples(range(11), asset=asset, a=1, b=2, c=3) for asset in (1, 2)]
    joined = Samples(
        np.concatenate([part.asset for part in parts]),
        np.concatenate([part.at_ms for part in parts]),
        {name: np.concatenate([part.values[name] for part in parts]) for name in "abc"},
    )
    scores = detector.score(joined, np.array([10, 21]))
    assert detector.metrics == ("a", "b", "c")
    assert scores.score[0] == score(models[1], parts[0]).score[-1]
    assert scores.score[1] == score(models[2], parts[1], asset=2).score[-1]
    assert scores.shares(1)["a"] == 0


def test_an_asset_without_a_model_has_no_score():
    assert np.isnan(score(make_model(), make_samples(range(11), asset=9, a=1, b=1)).score).all()


def test_absurd_values_score_nearly_one():
    samples = make_samples(range(11), a=1.7e308, b=0)
    assert 0.99 < score(make_model(), samples).score[-1] <= 1


def test_models_of_different_settings_do_not_mix():
    other = make_model(settings=NormalPeriodSettings())
    with pytest.raises(Invalid):
        NormalPeriodDetector.of({1: make_model(), 2: other})
    with pytest.raises(Invalid):
        NormalPeriodDetector.of({})


def test_the_inverse_root_whitens():
    matrix = np.array([[[2.0, 0.5], [0.5, 1.0]]])
    root = inverse_root(matrix)[0]
    assert np.allclose(root @ matrix[0] @ root, np.eye(2))
    assert np.allclose(root, root.T)


def test_many_assets_are_judged_at_once():
    n_assets, n_rows, names = 200, 75, [f"m{i}" for i in range(10)]
    detector = NormalPeriodDetector.of(
        {asset: make_model(tuple(names)) for asset in range(n_assets)}
    )
    rng = np.random.default_rng(1)
    samples = Samples(
        np.repeat(np.arange(n_assets, dtype=np.uint32), n_rows),
        np.tile(1_000 * np.arange(n_rows, dtype=np.int64), n_assets),
        {name: rng.normal(size=n_assets * n_rows) for name in names},
    )
    carried = CarriedState.starting(dict.fromkeys(range(n_assets), 14_000))
    found = detect(detector, samples, carried)
    assert np.isfinite(found.scores.score).sum() == 60 * n_assets
