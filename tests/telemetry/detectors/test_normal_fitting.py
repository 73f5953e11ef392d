"""What is learned from a normal period, and which ones are refused."""

import numpy as np
import pytest

from foundation.errors import Invalid
from telemetry.detectors.normal_fitting import fit_normal_period
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.store.contract import Samples


def make_samples(n=600, interval_ms=1_000, seed=1, **columns):
    rng = np.random.default_rng(seed)
    values = {"noise": rng.normal(50, 2, n), "other": rng.normal(0, 1e-3, n)} | columns
    at_ms = interval_ms * np.arange(n, dtype=np.int64)
    return Samples(np.full(n, 7, dtype=np.uint32), at_ms, values)


def test_white_noise_is_learned_as_it_is():
    model = fit_normal_period(make_samples(n=4_000), asset=7)
    assert model.metrics == ("noise", "other")
    assert model.centre == pytest.approx([50, 0], abs=0.2)
    assert model.spread == pytest.approx([2, 1e-3], rel=0.05)
    assert model.per_window == pytest.approx([60, 60], rel=0.2)
    assert model.n_readings == 4_000
    assert abs(model.correlation[0, 1]) < 0.1


def test_a_metric_that_drifts_is_worth_little():
    model = fit_normal_period(make_samples(drift=np.linspace(20, 24, 600)), asset=7)
    drift = model.metrics.index("drift")
    assert model.in_normal[drift] < 5
    assert model.per_window[drift] == 1
    assert (
        np.abs(model.correlation[drift]).max(initial=0, where=model.correlation[drift] < 1) < 0.2
    )


def test_two_metrics_that_drift_are_not_thought_to_belong_together():
    drifts = {"noise": np.linspace(20, 24, 600), "other": np.linspace(3, 2, 600)}
    model = fit_normal_period(make_samples(**drifts), asset=7)
    assert -0.7 < model.correlation[0, 1] < -0.3


def test_metrics_that_move_together_are_known_to():
    rng = np.random.default_rng(3)
    load = rng.normal(size=2_000)
    columns = {name: load + 0.3 * rng.normal(size=2_000) for name in ("noise", "other")}
    model = fit_normal_period(make_samples(n=2_000, **columns), asset=7)
    assert model.correlation[0, 1] == pytest.approx(1 / 1.09, abs=0.03)


def test_a_constant_and_a_mostly_absent_metric_are_left_out():
    rare = np.full(600, np.nan)
    rare[::3] = 1.0
    samples = make_samples(still=np.full(600, 0.1), rare=rare, never=np.full(600, np.nan))
    model = fit_normal_period(samples, asset=7)
    assert model.metrics == ("noise", "other")
    assert model.left_out == {
        "still": "constant",
        "rare": "mostly_absent",
        "never": "mostly_absent",
    }


def test_only_the_assets_own_samples_count():
    own, others = make_samples(seed=1), make_samples(seed=2)
    both = Samples(
        np.concatenate([np.zeros(600, dtype=np.uint32), own.asset]),
        np.concatenate([others.at_ms, own.at_ms]),
        {name: np.append(others.values[name], own.values[name]) for name in own.values},
    )
    assert fit_normal_period(both, asset=7).to_json() == fit_normal_period(own, asset=7).to_json()


def test_what_the_normal_period_did_itself_is_not_beyond_the_threshold():
    stepped = np.random.default_rng(4).normal(size=600)
    stepped[300:] += 8.0
    calm = fit_normal_period(make_samples(), asset=7)
    restless = fit_normal_period(
        make_samples(other=stepped), asset=7, settings=NormalPeriodSettings(margin=0.5)
    )
    assert restless.threshold > 0.5 / 2.25 * calm.threshold


def test_the_margin_scales_the_threshold():
    thresholds = [
        fit_normal_period(make_samples(), asset=7, settings=NormalPeriodSettings(margin=margin))
        for margin in (3.0, 6.0)
    ]
    assert thresholds[1].threshold == pytest.approx(2 * thresholds[0].threshold)


@pytest.mark.parametrize(
    ("samples", "settings", "complaint"),
    [
        (make_samples(n=399), {}, "399 readings of 400"),
        (make_samples(interval_ms=15_000), {}, "15 s"),
        (make_samples(interval_ms=31_000), {"window_s": 300}, "31 s"),
        (make_samples(), {"window_s": 151}, "4 windows"),
        (make_samples(noise=np.zeros(600), other=np.ones(600)), {}, "nothing to learn"),
    ],
)
def test_a_normal_period_that_teaches_nothing_is_refused(samples, settings, complaint):
    with pytest.raises(Invalid, match=complaint):
        fit_normal_period(samples, asset=7, settings=NormalPeriodSettings(**settings))


def test_an_asset_without_samples_is_refused():
    with pytest.raises(Invalid, match="0 readings"):
        fit_normal_period(make_samples(), asset=1)
