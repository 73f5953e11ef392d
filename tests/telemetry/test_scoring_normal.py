"""From samples to alarms by the normal period: learned, judged by, learned anew."""

import numpy as np
import pytest

from tests.network import PUMP
from tests.telemetry.test_scoring import HOT
from tests.telemetry.test_training import NORMAL, N

# the normal period


def report_normal(plant, begin, end, seed=0, **shift):
    """Readings of both metrics, around 60 °C and 5 bar; `shift` in standard deviations."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(end, 2))[begin:end]
    readings = [
        {
            "ts": plant.ms(10 * (begin + row)),
            "values": {
                "temperature": 60 + noise[row, 0] + shift.get("temperature", 0),
                "pressure": 5 + 0.1 * (noise[row, 1] + shift.get("pressure", 0)),
            },
        }
        for row in range(end - begin)
    ]
    plant.clock.set(plant.at(10 * (end - 1)))
    plant.send(readings)
    return plant.scoring.step()


def test_a_departure_from_the_normal_period_is_found_and_the_metric_named(any_plant):
    plant = any_plant
    plant.define(text=PUMP + NORMAL)
    assert report_normal(plant, 0, N + 60) == 0
    assert report_normal(plant, N + 60, N + 100, pressure=12) == 1
    (alarm,) = plant.alarms()
    evidence = alarm.evidence
    assert alarm.condition == "normal_period"
    assert 10 * (N + 60) <= alarm.spans[0][0] < alarm.spans[0][1] <= 10 * (N + 100)
    assert (evidence["detector"], evidence["top_metric"]) == ("normal_period", "pressure")
    assert sum(each["share"] for each in evidence["metrics"]) == pytest.approx(1.0)
    assert 0.5 < evidence["score"] <= 1.0
    assert (evidence["value"], evidence["threshold"], evidence["unit"]) == (None, None, None)
    assert report_normal(plant, N + 100, N + 140) == 1
    assert not plant.alarms()[0].is_active


def test_a_machine_is_judged_by_limits_while_it_is_being_learned(plant):
    plant.define(text=PUMP + NORMAL)
    assert report_normal(plant, 0, 50, temperature=25) == 1
    assert [alarm.condition for alarm in plant.alarms()] == [HOT]


def test_outside_its_regime_a_machine_departs_from_nothing(plant):
    section = NORMAL + "when = {temperature = [40, 100]}\n"
    plant.define(text=PUMP + section)
    report_normal(plant, 0, N + 20)
    # Standing still: cold and without pressure.
    assert report_normal(plant, N + 20, N + 200, temperature=-40, pressure=-45) == 0
    assert report_normal(plant, N + 200, N + 260, pressure=12) == 1
    (alarm,) = plant.alarms()
    assert alarm.spans[0][0] >= 10 * (N + 200)


def test_changed_settings_are_learned_anew_and_judged_by(plant):
    plant.define(text=PUMP + NORMAL)
    report_normal(plant, 0, N + 20)
    # Three times as patient: what is far off for a minute and a half is no departure any more.
    plant.define(text=PUMP + NORMAL.replace("on_delay_s = 60", "on_delay_s = 1800"))
    assert report_normal(plant, N + 20, N + 60, pressure=12) == 0
    assert report_normal(plant, N + 60, N + 300, pressure=12) == 1


def test_normal_period_and_limit_are_conditions_of_their_own(plant):
    plant.define(text=PUMP + NORMAL)
    report_normal(plant, 0, N + 20)
    report_normal(plant, N + 20, N + 80, temperature=30)
    assert sorted(alarm.condition for alarm in plant.alarms()) == [HOT, "normal_period"]
