"""Every kind of offer: silent when little is known, its figures right, its interval honest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Invalid
from services.offers.kinds.contract import BenefitUnit, Facts, Proposal, Silence
from services.offers.kinds.registry import KINDS, consider, get_kind, read_parameters
from tests.services.offers.histories import MONDAY_MS, at_work, history, states

PRICE = {"energy_price": 0.2}


def ask(kind, seen, **parameters):
    found = get_kind(kind)
    return found.propose(seen, read_parameters(found, parameters))


def idling(days=28, idle_hours=4.0, power=15.0, seed=0):
    return history(
        days,
        running_state=lambda hour, day: states(hour, day, idle_hours=idle_hours, seed=seed),
        power=lambda hour, _day: np.full(len(hour), power),
    )


def wearing(days=42, start=400.0, slope=5.0, noise=4.0, seed=1):
    random = np.random.default_rng(seed)

    def level(hour, day):
        return start + slope * (day + hour / 24) + noise * random.standard_normal(len(hour))

    return history(
        days, separator_pressure_drop=level, running_state=lambda hour, _day: hour * 0 + 2
    )


SEPARATOR = {"metric": "separator_pressure_drop", "unit": "mbar", "limit": 800.0}


def counting(days=28, hours_a_day=12.0, start=3_700.0):
    return history(
        days, run_hours=lambda hour, day: start + day * hours_a_day + hour * hours_a_day / 24
    )


# One history that makes each kind speak, with the parameters of its rule.
SPEAKING = {
    "service_by_hours": (counting(), {"interval_h": 4_100}),
    "renewal_before_limit": (wearing(slope=8.0), SEPARATOR),
    "idle_energy": (idling(), PRICE),
    "leak_repair": (
        history(
            28,
            flow=lambda hour, day: np.where(at_work(hour, day), 8.0, 1.5),
            power=lambda hour, day: np.where(at_work(hour, day), 50.0, 12.0),
        ),
        PRICE,
    ),
    "energy_per_output": (
        history(
            56,
            flow=lambda hour, _day: hour * 0 + 100.0,
            power=lambda hour, day: 20.0 + 0.1 * day + 0.1 * np.sin(hour + day),
        ),
        PRICE,
    ),
    "capacity_limit": (
        history(28, running_state=lambda hour, day: np.where(at_work(hour, day, 6, 22), 2.0, 0)),
        {"margin_per_hour": 50.0},
    ),
    "charging_downtime": (
        history(
            28, running_state=lambda hour, _day: np.where((hour >= 11) & (hour < 12.5), 3.0, 1.0)
        ),
        {"value_per_hour": 30.0},
    ),
    "idle_between_parts": (
        history(
            28,
            running_state=lambda hour, _day: np.where(hour % 1 < 0.5, 2.0, 1.0),
            parts_made=lambda hour, day: np.floor(day * 240 + hour * 10),
        ),
        {"margin_per_part": 3.0},
    ),
    "operator_training": (
        history(
            28,
            shocks=lambda hour, day: np.floor(day * 3 + hour / 8),
            run_hours=lambda hour, day: day * 8 + hour / 3,
        ),
        {"events_metric": "shocks", "usual_per_100_h": 5.0, "cost_per_event": 40.0},
    ),
    "auto_off": (idling(), PRICE),
    "pressure_band": (
        history(
            28,
            running_state=lambda hour, day: np.where(at_work(hour, day), 2.0, 0.0),
            discharge_pressure=lambda hour, _day: hour * 0 + 8.2,
            power=lambda hour, _day: hour * 0 + 50.0,
        ),
        {"needed_bar": 6.5, "energy_price": 0.2},
    ),
}


def test_every_kind_is_made_to_speak_here():
    assert set(SPEAKING) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_speaks_with_figures_steps_assumptions_and_an_interval(kind):
    seen, parameters = SPEAKING[kind]
    found = ask(kind, seen, **parameters)
    assert isinstance(found, Proposal), found
    assert found.benefit.low <= found.benefit.value <= found.benefit.high
    assert found.benefit.value > 0
    assert all(each.estimate.n >= 1 and each.unit for each in found.figures)
    assert found.steps
    assert found.assumptions


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("days", [0, 1, 5])
def test_it_is_silent_when_little_is_known(kind, days):
    seen, parameters = SPEAKING[kind]
    rows = slice(0, days * 144)
    thin = type(seen)(
        seen.at_ms[rows],
        seen.local_ms[rows],
        seen.held_s[rows],
        {name: column[rows] for name, column in seen.values.items()},
        seen.facts,
    )
    found = get_kind(kind)
    given_ = read_parameters(found, parameters)
    said = consider(found, given_, thin, price=1.0, longest_payback_years=50)
    assert isinstance(said, Silence)
    assert said.reason.code == "offer_too_few_days"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_history_always_gives_the_same_answer(kind):
    seen, parameters = SPEAKING[kind]
    assert ask(kind, seen, **parameters) == ask(kind, seen, **parameters)


@pytest.mark.parametrize("kind", KINDS)
def test_when_the_readings_were_taken_does_not_matter_by_whole_weeks(kind):
    seen, parameters = SPEAKING[kind]
    week = 7 * 86_400_000
    moved = type(seen)(
        seen.at_ms + week, seen.local_ms + week, seen.held_s, seen.values, seen.facts
    )
    before, after = ask(kind, seen, **parameters), ask(kind, moved, **parameters)
    assert after.benefit == before.benefit
    assert after.trigger == before.trigger


@given(st.floats(0.05, 1.0), st.floats(1.0, 40.0))
def test_money_grows_with_the_price_of_energy_and_with_the_power(price, power):
    base = ask("idle_energy", idling(), energy_price=0.1)
    dearer = ask("idle_energy", idling(), energy_price=price)
    stronger = ask("idle_energy", idling(power=power), energy_price=0.1)
    assert dearer.benefit.value == pytest.approx(base.benefit.value * price / 0.1)
    assert dearer.benefit.low == pytest.approx(base.benefit.low * price / 0.1)
    assert stronger.benefit.value == pytest.approx(base.benefit.value * power / 15.0)


@given(st.floats(2.5, 8.0), st.floats(0.1, 1.5))
def test_more_idling_is_never_worth_less(hours, more):
    less = ask("idle_energy", idling(idle_hours=hours), **PRICE)
    longer = ask("idle_energy", idling(idle_hours=hours + more), **PRICE)
    assert longer.benefit.value >= less.benefit.value


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """4 h a day at 15 kW and 0.20 a kWh, 90 % saved: 3 942 a year."""
    truth = 4.0 * 15.0 * 365 * 0.2 * 0.9
    held = sum(
        found.benefit.low <= truth <= found.benefit.high
        for found in (ask("idle_energy", idling(seed=seed), **PRICE) for seed in range(60))
    )
    assert held >= 54


def test_the_interval_of_a_trend_holds_the_day_on_which_the_limit_is_met():
    """From 400 at 8 a day the limit of 800 is met 50 days after the first, 8.5 after the last."""
    held = 0
    for seed in range(40):
        found = ask("renewal_before_limit", wearing(slope=8.0, noise=30, seed=seed), **SEPARATOR)
        reach = found.figures[2].estimate
        held += reach.low - 1 <= 8.5 <= reach.high + 1
    assert held >= 36


def test_little_idling_is_left_in_peace_and_what_was_measured_is_told():
    said = ask("idle_energy", idling(idle_hours=1.0), **PRICE)
    assert said.reason.code == "offer_below_threshold"
    assert said.watched.estimate.value == pytest.approx(1.0, abs=0.3)


def test_what_does_not_rise_is_no_trend():
    assert ask("renewal_before_limit", wearing(slope=0.0), **SEPARATOR).reason.code == (
        "offer_no_trend"
    )


def test_a_limit_far_away_is_not_sold():
    said = ask("renewal_before_limit", wearing(slope=1.0), **SEPARATOR)
    assert said.reason.code == "offer_limit_far"


def test_what_is_past_its_limit_is_for_the_alarm_not_for_an_offer():
    said = ask("renewal_before_limit", wearing(start=700.0), **SEPARATOR)
    assert said.reason.code == "offer_limit_reached"


def test_a_falling_metric_is_met_from_above():
    falling = wearing(start=900.0, slope=-5.0)
    said = ask("renewal_before_limit", falling, **SEPARATOR | {"limit": 500.0, "direction": "low"})
    assert isinstance(said, Proposal)
    assert said.figures[1].estimate.value == pytest.approx(-5.0, abs=0.2)
    assert said.figures[0].estimate.value == pytest.approx(690.0, abs=10)


def test_after_a_renewal_the_trend_begins_anew():
    old, new = wearing(days=20, start=500, slope=10), wearing(days=22, start=300, slope=0.0)
    level = np.concatenate([each.values["separator_pressure_drop"] for each in (old, new)])
    seen = history(
        42, separator_pressure_drop=level, running_state=lambda hour, _day: hour * 0 + 2
    )
    assert ask("renewal_before_limit", seen, **SEPARATOR).reason.code == "offer_no_trend"


def test_a_service_on_record_is_counted_from():
    seen = counting()
    last = float(seen.values["run_hours"][-1])
    known = type(seen)(
        seen.at_ms, seen.local_ms, seen.held_s, seen.values, Facts(serviced_hours=last - 10)
    )
    said = ask("service_by_hours", known, interval_h=4_100)
    assert said.reason.code == "offer_not_due"
    assert said.reason.parameters["days"] == pytest.approx(4_090 / 12, rel=0.05)


def test_a_machine_that_never_runs_needs_no_service():
    still = history(28, run_hours=lambda hour, _day: hour * 0 + 4_090)
    assert ask("service_by_hours", still, interval_h=4_100).reason.code == "offer_not_used"


def test_hours_past_the_interval_are_what_the_horizon_leaves():
    found = ask("service_by_hours", counting(), interval_h=4_100, horizon_days=90)
    left = 4_100 - 3_700 - 28 * 12
    assert found.benefit_unit == BenefitUnit.HOURS
    assert found.benefit.value == pytest.approx(12 * 90 - left, rel=0.02)


def test_a_counter_that_was_set_back_does_not_count_backwards():
    seen = counting(days=28, start=0.0)
    seen.values["run_hours"][20 * 144 :] -= seen.values["run_hours"][20 * 144]
    found = ask("service_by_hours", seen, interval_h=150, lead_days=60)
    assert found.figures[0].estimate.value == pytest.approx(12.0, rel=0.1)


def test_only_what_idles_beyond_the_delay_is_saved():
    """4 h in one stretch, switched off after 20 min: 3 h 40 min a day."""
    found = ask("auto_off", idling(), **PRICE)
    assert found.figures[0].estimate.value == pytest.approx(4.0 - 1 / 3, abs=0.25)
    short = history(
        28,
        running_state=lambda hour, _day: np.where(hour % 1 < 0.3, 1.0, 2.0),
        power=lambda hour, _day: hour * 0 + 15.0,
    )
    assert isinstance(ask("auto_off", short, **PRICE), Silence)


def test_the_leak_is_what_flows_while_nobody_works():
    found = ask("leak_repair", *SPEAKING["leak_repair"][:1], **PRICE)
    assert found.figures[0].estimate.value == pytest.approx(1.5)


def test_who_works_at_night_is_not_told_of_leaks():
    busy = history(
        28,
        flow=lambda hour, day: np.where(at_work(hour, day), 8.0, 4.0),
        power=lambda hour, _day: hour * 0 + 40.0,
    )
    assert ask("leak_repair", busy, **PRICE).reason.code == "offer_works_at_rest"


def test_days_of_silence_are_not_taken_for_days_of_rest():
    whole = idling()
    kept = np.ones(len(whole), bool)
    kept[14 * 144 : 20 * 144] = False
    gappy = type(whole)(
        whole.at_ms[kept],
        whole.local_ms[kept],
        whole.held_s[kept],
        {name: column[kept] for name, column in whole.values.items()},
    )
    found = ask("idle_energy", gappy, **PRICE)
    assert found.figures[0].estimate.n == 22
    assert found.figures[0].estimate.value == pytest.approx(4.0, abs=0.3)


def test_a_price_that_comes_back_too_late_is_not_asked():
    kind = get_kind("idle_energy")
    given_ = read_parameters(kind, PRICE)
    said = consider(kind, given_, idling(), price=50_000.0, longest_payback_years=3.0)
    assert said.reason.code == "offer_payback_long"
    assert isinstance(
        consider(kind, given_, idling(), price=5_000.0, longest_payback_years=3.0), Proposal
    )


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("idle_energy", {}),
        ("idle_energy", {"energy_price": "much"}),
        ("idle_energy", {"energy_price": float("nan")}),
        ("energy_per_output", {"energy_price": 0.2, "recent_days": 1}),
        ("idle_energy", {"energy_price": 0.2, "colour": "red"}),
        ("idle_energy", {"energy_price": 0.2, "window_days": 3}),
        ("idle_energy", {"energy_price": 0.2, "least_days": 40}),
        ("renewal_before_limit", SEPARATOR | {"direction": "sideways"}),
    ],
)
def test_parameters_that_do_not_fit_are_refused(kind, parameters):
    with pytest.raises(Invalid):
        read_parameters(get_kind(kind), parameters)


def test_an_unknown_kind_is_refused_with_those_that_there_are():
    with pytest.raises(Invalid, match="idle_energy"):
        get_kind("horoscope")


def test_monday_is_a_monday():
    assert (MONDAY_MS // 86_400_000 + 3) % 7 == 0
