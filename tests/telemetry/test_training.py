"""Each machine's normal period: what a definition may ask for, when it is learned, when anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from devices.definitions import read_definition
from devices.equipment_models import EquipmentModel, Metric, get_equipment_model
from foundation.errors import Invalid
from foundation.identity.scope import Scope
from telemetry.alarms.models import Severity
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.learning import find_learning
from telemetry.scoring_state import FittedModel
from telemetry.training import Trainer, check_normal_period, read_plan
from tests.network import PUMP

N = 120
NORMAL = f"""
[normal_period]
normal_readings = {N}
window_s = 100
on_delay_s = 60
off_delay_s = 60
max_gap_s = 60
"""


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"window": 60}, "no setting window"),
        ({"margin": "wide"}, "does not fit"),
        ({"margin": 100}, "margin must be between"),
        ({"max_gap_s": 90, "window_s": 60}, "must not exceed"),
        ({"severity": "grave"}, "does not fit"),
        ({"when": {"state": 2}}, "is a pair"),
        ({"when": 3}, "when is a table"),
        ({"when": [2, 2]}, "when is a table"),
        ({"metrics": "pressure"}, "metrics is a list"),
        ({"normal_readings": 400.5}, "normal_readings is a whole number"),
    ],
)
def test_a_section_that_cannot_be_used_is_refused(section, message):
    with pytest.raises(Invalid, match=message):
        check_normal_period(section)


def test_a_regime_of_a_metric_that_is_not_there_is_refused():
    with pytest.raises(Invalid, match="when: there is no metric 'Running State'"):
        read_definition(PUMP + '[normal_period.when]\n"Running State" = [2, 2]\n')


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "window_s": st.integers(1, 10**6),
            "max_gap_s": st.integers(1, 10**6),
            "on_delay_s": st.integers(0, 10**6),
            "normal_readings": st.integers(90, 1000),
        },
    ),
    st.floats(0.01, 10**9),
)
def test_what_was_accepted_can_be_read_whatever_the_interval(section, interval_s):
    """A definition that were refused only when it is read would stop scoring for everybody."""
    try:
        check_normal_period(section)
    except Invalid:
        return
    metrics = [Metric(name="pressure", interval_s=interval_s)]
    made = read_plan(EquipmentModel(key="pump", normal_period=section, metrics=metrics))
    assert {name: getattr(made.settings, name) for name in section} == section


def test_an_empty_section_means_the_defaults():
    check_normal_period({})


@pytest.fixture
def plan(plant):
    """Saves the pump's definition with this section and reads its plan."""

    def read(section=NORMAL, *changes):
        plant.define(*changes, text=PUMP + section)
        with plant.network.database.session(Scope.system("test")) as session:
            return read_plan(get_equipment_model(session, "pump"))

    return read


def test_times_that_are_left_out_fit_the_reporting_interval(plan):
    made = plan("\n[normal_period]\nwindow_s = 900\n")
    assert made.settings == NormalPeriodSettings(
        window_s=900, on_delay_s=600, off_delay_s=1200, max_gap_s=300
    )
    assert (made.severity, made.regime) == (Severity.SERIOUS, {})


def test_what_it_says_is_taken(plan):
    section = (
        NORMAL + "metrics = ['pressure']\nseverity = 'critical'\nwhen = {temperature = [0, 9]}"
    )
    made = plan(section)
    assert made.settings.normal_readings == N
    assert (made.metrics, made.severity) == (("pressure",), Severity.CRITICAL)
    assert made.metrics_to_read == ["pressure", "temperature"]


class School:
    """One pump whose readings a trainer learns from."""

    def __init__(self, plant):
        self.plant = plant
        self.trainer = Trainer(plant.network.database, plant.store, plant.clock)
        self._random = np.random.default_rng(1)

    @property
    def database(self):
        return self.plant.network.database

    def report(self, begin, end, *, pressure=5.0, temperature=60.0, spread=1.0):
        """Readings number begin to end, one every 10 s."""
        noise = self._random.normal(size=(end - begin, 2)) * spread
        readings = [
            {
                "ts": self.plant.ms(10 * number),
                "values": {
                    "temperature": temperature + noise[number - begin, 0],
                    "pressure": pressure + 0.1 * noise[number - begin, 1],
                },
            }
            for number in range(begin, end)
        ]
        self.plant.clock.set(self.plant.at(10 * end))
        self.plant.send(readings)

    def train(self, plan):
        heard = self.plant.latest.at_ms([self.plant.network.asset])
        self.trainer.train_due("pump", plan, heard, 10.0)
        return self.trainer.find_fit(self.plant.network.asset, plan)

    def reload(self):
        self.trainer = Trainer(self.database, self.plant.store, self.plant.clock)
        with self.database.session(Scope.system("test")) as session:
            self.trainer.load(session)

    def kept(self):
        with self.database.session(Scope.system("test")) as session:
            return session.scalars(select(FittedModel)).all()

    def progress(self):
        with self.plant.network.database.session(Scope.system("test")) as session:
            from_pump = self.plant.find_asset(session)
            return find_learning(session, self.plant.store, from_pump)


@pytest.fixture
def school(plant):
    return School(plant)


def test_a_machine_is_learned_once_it_reported_enough(school, plan):
    wanted = plan()
    school.report(0, N - 1)
    assert school.train(wanted) is None
    assert (school.progress().n_readings, school.progress().is_fitted) == (N - 1, False)
    school.report(N - 1, N + 30)
    fit = school.train(wanted)
    assert fit.trained_until_ms == school.plant.ms(10 * (N - 1))
    assert fit.model.metrics == ("pressure", "temperature")
    (kept,) = school.kept()
    assert (kept.n_readings, kept.trained_from_ms) == (N, school.plant.ms(0))
    assert school.progress().is_fitted


def test_between_two_looks_the_store_is_left_alone(school, plan):
    """What is missing must have come before it is worth to look again."""
    wanted = plan()
    school.report(0, 20)
    assert school.train(wanted) is None
    checked = dict(school.trainer._check_at_ms)
    school.report(20, 60)
    assert school.train(wanted) is None
    assert school.trainer._check_at_ms == checked
    school.report(60, N + 1)
    school.train(wanted)
    assert school.trainer._check_at_ms != checked


def test_a_fit_is_kept_and_read_again(school, plan):
    wanted = plan()
    school.report(0, N)
    fit = school.train(wanted)
    school.reload()
    again = school.trainer.find_fit(school.plant.network.asset, wanted)
    assert again.model.to_json() == fit.model.to_json()
    assert school.trainer.detector("pump", [school.plant.network.asset, 99], wanted) is not None


@pytest.mark.parametrize(
    "section",
    [
        NORMAL.replace("= 100", "= 200"),
        NORMAL + "metrics = ['pressure']\n",
        NORMAL + "when = {temperature = [60, 70]}\n",
    ],
    ids=["settings", "metrics", "regime"],
)
def test_what_was_learned_by_another_plan_is_learned_anew(school, plan, section):
    school.report(0, 3 * N)
    before = school.train(plan())
    changed = plan(section)
    school.reload()
    assert school.trainer.find_fit(school.plant.network.asset, changed) is None
    assert school.trainer.detector("pump", [school.plant.network.asset], changed) is None
    after = school.train(changed)
    assert after.model.to_json() != before.model.to_json()
    assert len(school.kept()) == 1


def test_how_bad_a_departure_is_does_not_change_what_was_learned(school, plan):
    school.report(0, N)
    school.train(plan())
    school.reload()
    assert school.trainer.find_fit(
        school.plant.network.asset, plan(NORMAL + "severity = 'warning'\n")
    )


def test_only_samples_of_the_regime_are_learned_from(school, plan):
    wanted = plan(NORMAL + "when = {pressure = [2, 25]}\n")
    school.report(0, 60)
    school.report(60, 150, pressure=0.5, temperature=20)
    assert school.train(wanted) is None
    school.report(150, 150 + N)
    fit = school.train(wanted)
    centre = dict(zip(fit.model.metrics, fit.model.centre.tolist(), strict=True))
    assert centre["temperature"] == pytest.approx(60, abs=0.5)
    assert fit.trained_until_ms == school.plant.ms(10 * (150 + N - 60 - 1))


def test_a_machine_that_stands_still_teaches_nothing_and_stops_nobody(school, plan):
    wanted = plan()
    school.report(0, N, spread=0)
    assert school.train(wanted) is None
    assert school.kept() == []
    school.report(N, 2 * N)
    assert school.train(wanted) is None
