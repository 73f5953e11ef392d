"""From samples to alarms: raised once, cleared, repeated; interrupted, restarted, raced, late."""

import threading
import time

import numpy as np
import pytest
from sqlalchemy import event, func, select

from foundation.changes import ChangeRow
from foundation.errors import Unavailable
from telemetry.alarms.lifecycle import close_alarm
from telemetry.alarms.models import Alarm, Occurrence
from telemetry.scoring import CHUNK_MS
from telemetry.scoring_state import ScoringState

HOT = "limit:temperature:high:serious"
CHUNK_S = CHUNK_MS // 1000


def series(*values, begin=0, every=10):
    """One value every 10 s."""
    return {begin + every * place: value for place, value in enumerate(values)}


def hot(begin=0, count=3):
    return series(*[85] * count, begin=begin)


# limits


def test_a_limit_crossed_for_its_delay_raises_one_alarm_with_its_evidence(any_plant):
    plant = any_plant
    assert plant.run(series(70, 85, 86, 91)) == 1
    (alarm,) = plant.alarms()
    assert (alarm.asset, alarm.condition) == (plant.network.asset, HOT)
    assert (alarm.is_active, alarm.is_open, alarm.spans) == (True, True, [(10, 30, None)])
    assert alarm.evidence == {
        "detector": "limits",
        "top_metric": "temperature",
        "metrics": [{"metric": "temperature", "share": 1.0}],
        "value": 91.0,
        "threshold": 80.0,
        "unit": "°C",
        "direction": "high",
        "score": pytest.approx(0.5 + 0.5 * 11 / 14),
        "from_ms": plant.ms(10 - 30 * 60),
        "to_ms": plant.ms(30),
    }


@pytest.mark.parametrize(
    "values",
    [(85, 85), (85, 79, 85, 85), (80, 80, 80, 80), (85, 85, None, None)],
    ids=["too short", "interrupted", "at the limit", "then silent"],
)
def test_a_condition_that_does_not_hold_for_its_delay_raises_nothing(plant, values):
    given = {s: value for s, value in series(*values).items() if value is not None}
    assert plant.run(given) == 0
    assert plant.alarms() == []


def test_it_clears_below_the_hysteresis_only_and_stays_open(any_plant):
    plant = any_plant
    plant.run(hot())
    assert plant.run(series(79, 78, begin=30)) == 0
    assert plant.run(series(77, begin=50)) == 1
    (alarm,) = plant.alarms()
    assert (alarm.is_active, alarm.is_open) == (False, True)
    assert alarm.spans == [(0, 20, 50)]


def test_a_repeat_is_an_occurrence_of_the_same_alarm(any_plant):
    plant = any_plant
    plant.run(hot())
    plant.run(series(70, begin=30))
    assert plant.run(hot(40)) == 1
    (alarm,) = plant.alarms()
    assert (alarm.is_active, alarm.spans) == (True, [(0, 20, 30), (40, 60, None)])


def test_a_whole_story_in_one_batch_is_told_in_its_order(plant):
    assert plant.run(series(85, 85, 85, 70, 85, 85, 85, 70)) == 4
    (alarm,) = plant.alarms()
    assert alarm.spans == [(0, 20, 30), (40, 60, 70)]


def test_machines_are_judged_each_by_itself(plant):
    other = plant.network.other_asset
    plant.report(series(70, 70, 70))
    plant.report(hot(), device="pump-2")
    assert plant.scoring.step() == 1
    assert [alarm.asset for alarm in plant.alarms()] == [other]


def count_rows(plant):
    tables = (Alarm, Occurrence, ScoringState, ChangeRow)
    with plant.network.database.session(plant.network.scope()) as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]


def test_a_second_step_and_a_restart_change_nothing(any_plant):
    plant = any_plant
    plant.run(hot())
    before = count_rows(plant), plant.alarms()
    assert plant.scoring.step() == 0
    plant.restart()
    assert plant.scoring.step() == 0
    assert (count_rows(plant), plant.alarms()) == before
    assert plant.scoring.is_idle()


@pytest.mark.parametrize("seed", range(4))
def test_how_the_stream_is_cut_does_not_matter(plant, seed):
    """The second pump says the same as the first, in pieces, with restarts in between."""
    random = np.random.default_rng(seed)
    values = 80 + np.cumsum(random.normal(0, 1.5, 200)).clip(-8, 8)
    plant.run(series(*values))
    place = 0
    while place < len(values):
        length = int(random.integers(1, 40))
        piece = series(*values[place : place + length], begin=10 * place)
        plant.run(piece, device="pump-2")
        if random.random() < 0.3:
            plant.restart()
        place += length
    found = {alarm.asset: alarm for alarm in plant.alarms()}
    whole, cut = found[plant.network.asset], found[plant.network.other_asset]
    assert len(whole.spans) > 1
    assert (cut.spans, cut.is_active) == (whole.spans, whole.is_active)


def test_a_long_history_is_scored_in_pieces_without_a_seam(plant):
    """As a replay does, in which samples are never too old; one machine is silent for a day."""
    plant.scoring = plant.make_scoring(alarm_late_s=7 * 86_400)
    values = {250 * place: 70 for place in range(1000)}
    hot = [s for s in values if CHUNK_S - 1000 < s < CHUNK_S + 1000 or s > 240_000]
    plant.report(values | dict.fromkeys(hot, 85))
    plant.report({0: 85, 250: 85, 90_000: 70, 249_500: 85, 249_750: 85}, device="pump-2")
    plant.scoring.step()
    found = {alarm.asset: alarm.spans for alarm in plant.alarms()}
    ends = next(s for s in values if s >= CHUNK_S + 1000)
    assert found[plant.network.asset] == [
        (hot[0], hot[1], ends),
        (240_250, 240_500, None),
    ]
    assert found[plant.network.other_asset] == [(0, 250, 90_000), (249_500, 249_750, None)]
    assert plant.scoring.is_idle()
    assert plant.scoring.step() == 0


def test_waiting_ends_with_the_next_readings(plant):
    assert plant.scoring.wait_and_step(timeout_s=0.01) == 0
    plant.report(hot())
    began = time.monotonic()
    assert plant.scoring.wait_and_step(timeout_s=60) == 1
    assert time.monotonic() - began < 30


# interruptions


class Killed(BaseException):
    """What kill -9 leaves behind: the transaction is never committed."""


def before_commit(plant, failure):
    """Lets the next commit fail like that."""
    maker = plant.network.database._writers

    def fail(session):
        event.remove(maker, "before_commit", fail)
        raise failure

    event.listen(maker, "before_commit", fail)


def test_a_process_killed_before_its_commit_leaves_nothing_half_done(any_plant):
    plant = any_plant
    plant.run(series(70))
    plant.report(hot(10))
    before_commit(plant, Killed())
    with pytest.raises(Killed):
        plant.scoring.step()
    assert plant.alarms() == []
    plant.restart()
    assert plant.scoring.step() == 1
    (alarm,) = plant.alarms()
    assert alarm.spans == [(10, 30, None)]


def test_a_database_that_was_away_gets_the_same_alarm_in_the_next_step(any_plant):
    plant = any_plant
    plant.run(series(85))
    plant.report(hot(10))
    before_commit(plant, Unavailable("The connection broke."))
    with pytest.raises(Unavailable):
        plant.scoring.step()
    assert plant.scoring.step() == 1
    assert plant.alarms()[0].spans == [(0, 20, None)]


def test_a_delay_goes_on_over_a_restart(plant):
    plant.run(series(85, 85))
    plant.restart()
    assert plant.run(series(85, begin=20)) == 1
    assert plant.alarms()[0].spans == [(0, 20, None)]


def test_an_alarm_that_was_active_is_cleared_after_a_restart(plant):
    plant.run(hot())
    plant.restart()
    plant.run(series(70, begin=30))
    assert plant.alarms()[0].spans == [(0, 20, 30)]


def test_a_delay_begins_anew_after_a_silence(plant):
    plant.run(series(85, 85))
    assert plant.run(series(85, begin=400)) == 0
    assert plant.run(series(85, 85, begin=410)) == 1
    assert plant.alarms()[0].spans == [(400, 420, None)]


# late samples


def test_what_came_too_late_raises_nothing(plant):
    plant.run(series(70))
    plant.clock.advance(3 * 3600)
    plant.report(hot(1000))
    plant.run(series(70, begin=3 * 3600))
    assert len(plant.stored()) == 5
    assert plant.alarms() == []


def test_samples_behind_the_watermark_raise_nothing(plant):
    plant.run(series(70, begin=100))
    assert plant.run(hot(0)) == 0
    assert plant.run(series(70, begin=110)) == 0
    assert plant.alarms() == []


def test_a_machine_that_was_silent_for_days_is_judged_by_what_it_says_now(plant):
    plant.run(series(70))
    later = 3 * 86_400
    assert plant.run(hot(later)) == 1
    assert plant.alarms()[0].spans == [(later, later + 20, None)]
    assert plant.scoring.is_idle()


# close-out


def close(plant, *, rearm):
    with plant.network.transaction() as session:
        alarm = session.scalars(select(Alarm).where(Alarm.closed_at.is_(None))).one()
        close_alarm(session, alarm, at=plant.clock.now(), rearm=rearm)


def test_after_a_right_verdict_a_condition_that_still_holds_is_raised_anew(any_plant):
    plant = any_plant
    plant.run(hot())
    close(plant, rearm=True)
    assert plant.run(series(85, 85, begin=30)) == 0
    assert plant.run(series(85, begin=50)) == 1
    first, second = plant.alarms()
    assert (first.is_open, second.is_open) == (False, True)
    assert second.spans == [(30, 50, None)]


def test_after_a_false_verdict_it_is_silent_until_the_condition_was_gone_once(any_plant):
    plant = any_plant
    plant.run(hot())
    close(plant, rearm=False)
    assert plant.run(hot(30, count=20)) == 0
    plant.run(series(70, begin=230))
    assert plant.run(hot(240)) == 1
    assert [alarm.is_open for alarm in plant.alarms()] == [False, True]


def test_a_verdict_is_heard_between_two_looks_at_the_catalogue(plant, monkeypatch):
    plant.run(hot())
    monkeypatch.setattr("telemetry.scoring._REFRESH_S", 600.0)
    close(plant, rearm=True)
    assert plant.run(hot(30)) == 1


def test_rearming_survives_a_restart(plant):
    plant.run(hot())
    close(plant, rearm=True)
    plant.restart()
    assert plant.run(hot(30)) == 1


# the catalogue


def test_an_edited_limit_holds_for_what_comes_next(plant):
    plant.run(hot())
    plant.define(("threshold = 80", "threshold = 95"))
    assert plant.run(series(85, begin=30)) == 1
    assert plant.alarms()[0].spans == [(0, 20, 30)]
    plant.define()
    assert plant.run(hot(40)) == 1


def test_a_new_limit_does_not_judge_what_was_before_it(plant):
    plant.run(series(*[70] * 5))
    plant.define(("threshold = 80", "threshold = 60"))
    assert plant.run(series(70, begin=50)) == 0
    assert plant.run(series(70, 70, begin=60)) == 1
    assert plant.alarms()[0].spans == [(50, 70, None)]


def test_a_machine_registered_meanwhile_is_scored(plant):
    plant.run(series(70))
    asset = plant.register("P-0003", "pump-3")
    plant.run(hot(10), device="pump-3")
    assert [alarm.asset for alarm in plant.alarms()] == [asset]


# two at once


def test_two_scorers_that_race_raise_one_alarm(any_plant):
    """They are one thread of one process; should there be two, the database has the last word."""
    plant = any_plant
    for begin in range(0, 500, 50):
        plant.report({**hot(begin), begin + 30: 70})
        scorers = [plant.make_scoring() for _ in range(2)]
        gate = threading.Barrier(2)
        runners = [
            threading.Thread(target=step_until_done, args=(each, gate), daemon=True)
            for each in scorers
        ]
        for each in runners:
            each.start()
        for each in runners:
            each.join(30)
    (alarm,) = plant.alarms()
    assert alarm.is_open
    assert {span[:2] for span in alarm.spans} == {(s, s + 20) for s in range(0, 500, 50)}


def step_until_done(scoring, gate):
    scoring._refresh()
    gate.wait(10)
    for _ in range(20):
        try:
            scoring.step()
        except Unavailable:
            continue
        return
