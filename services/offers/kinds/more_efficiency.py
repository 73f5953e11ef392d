"""Offers for using a machine better: training where it is misused, settings where it idles."""

from collections.abc import Mapping

import numpy as np

from foundation.reasons import Parameter, Reason
from services.offers.kinds.arithmetic import (
    DAYS_IN_YEAR,
    Flags,
    below,
    hours_in,
    increments,
    is_state,
    mean_of,
    measured,
    refuse_thin,
    split_days,
)
from services.offers.kinds.contract import (
    Answer,
    Assumption,
    BenefitUnit,
    Figure,
    Floats,
    History,
    Kind,
    Parameters,
    Proposal,
    Silence,
    ValueKind,
)
from services.offers.kinds.lower_cost import yearly_saving


class OperatorTraining(Parameters, frozen=True, kw_only=True):
    """Training where a counter of misuse grows faster than `usual_per_100_h`."""

    events_metric: str
    hours_metric: str = "run_hours"
    usual_per_100_h: float
    cost_per_event: float
    avoidable_share: float = 0.5


def propose_training(history: History, given: OperatorTraining) -> Answer:
    """Offers training; the benefit is what the avoidable events of a year cost."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    daily = days.counts(increments(history.values[given.events_metric]))
    hours = float(days.counts(increments(history.values[given.hours_metric])).sum())
    if hours <= 0:
        return Silence(Reason("offer_not_used"))
    events = mean_of(daily)
    rate = events.times(100.0 * len(daily) / hours)
    watched = measured(history, "events_per_100_h", rate, "/100h")
    if rate.low < given.usual_per_100_h:
        return below(watched, given.usual_per_100_h)
    figures = (watched, measured(history, "events_per_day", events, "/d"))
    return _training(figures, given)


def _training(figures: tuple[Figure, ...], given: OperatorTraining) -> Proposal:
    rate, events = figures[0].estimate, figures[-1].estimate
    told: dict[str, Parameter] = {
        "metric": given.events_metric,
        "rate": rate.value,
        "usual": given.usual_per_100_h,
    }
    yearly = events.value * DAYS_IN_YEAR
    return Proposal(
        trigger=Reason("offer_misused", told),
        figures=figures,
        steps=(
            Reason("offer_step_yearly_events", {"daily": events.value, "yearly": yearly}),
            Reason("offer_step_avoided", {"share": given.avoidable_share}),
        ),
        assumptions=(
            Assumption("usual_per_100_h", given.usual_per_100_h, "/100h"),
            Assumption("cost_per_event", given.cost_per_event, "money/event"),
            Assumption("avoidable_share", given.avoidable_share, "share"),
        ),
        benefit=events.times(DAYS_IN_YEAR * given.cost_per_event * given.avoidable_share),
        benefit_unit=BenefitUnit.MONEY_PER_YEAR,
        method="daily_mean",
    )


class AutoOff(Parameters, frozen=True, kw_only=True):
    """A setting that switches off whatever idled for `off_after_min`."""

    power_metric: str = "power"
    state_metric: str = "running_state"
    idle_state: float = 1.0
    off_after_min: float = 20.0
    energy_price: float
    least_hours_per_day: float = 0.5


def propose_auto_off(history: History, given: AutoOff) -> Answer:
    """Offers to set the automatic switch-off; only what idles beyond its delay is saved."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    idle = is_state(history.values[given.state_metric], given.idle_state)
    late = _beyond(idle, history.held_s, given.off_after_min * 60.0) / 3600.0
    hours = measured(history, "long_idle_hours_per_day", mean_of(days.sums(late)), "h/d")
    if hours.estimate.value < given.least_hours_per_day:
        return below(hours, given.least_hours_per_day)
    energy = mean_of(days.sums(late * history.values[given.power_metric]))
    return yearly_saving(
        (hours, measured(history, "long_idle_energy_per_day", energy, "kW.h/d")),
        Reason(
            "offer_idles_long", {"hours": hours.estimate.value, "minutes": given.off_after_min}
        ),
        energy_price=given.energy_price,
        saved_share=1.0,
    )


def _beyond(idle: Flags, held_s: Floats, delay_s: float) -> Floats:
    """The seconds of each row that lie further than `delay_s` into its stretch of idling."""
    length = np.where(idle, held_s, 0.0)
    ended = np.cumsum(length)
    starts = idle & ~np.concatenate([[False], idle[:-1]])
    # What had been idled before the stretch began; it never shrinks, so the maximum carries it on.
    before = np.maximum.accumulate(np.where(starts, ended - length, 0.0))
    into = ended - before
    late: Floats = np.where(idle, np.clip(into - delay_s, 0.0, length), 0.0)
    return late


class PressureBand(Parameters, frozen=True, kw_only=True):
    """A lower pressure band; each bar less takes `saved_per_bar` of the loaded energy."""

    pressure_metric: str = "discharge_pressure"
    power_metric: str = "power"
    state_metric: str = "running_state"
    loaded_state: float = 2.0
    needed_bar: float
    least_bar: float = 0.5
    saved_per_bar: float = 0.07
    energy_price: float


def propose_pressure_band(history: History, given: PressureBand) -> Answer:
    """Offers to lower the band where the loaded machine delivers more pressure than is needed."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    loaded = is_state(history.values[given.state_metric], given.loaded_state)
    hours = hours_in(history, loaded)
    surplus = np.maximum(history.values[given.pressure_metric] - given.needed_bar, 0.0)
    daily = days.means(surplus, hours)
    if len(daily) < 3:
        return Silence(Reason("offer_no_work"))
    watched = measured(history, "surplus_pressure", mean_of(daily), "bar")
    if watched.estimate.value < given.least_bar:
        return below(watched, given.least_bar)
    power = history.values[given.power_metric]
    energy = mean_of(days.sums(hours * power * surplus * given.saved_per_bar))
    return yearly_saving(
        (watched, measured(history, "wasted_energy_per_day", energy, "kW.h/d")),
        Reason("offer_strains", {"surplus": watched.estimate.value, "needed": given.needed_bar}),
        energy_price=given.energy_price,
        saved_share=1.0,
    )


def _training_needs(given: OperatorTraining) -> Mapping[str, str]:
    return {given.events_metric: "1", given.hours_metric: "h"}


def _auto_off_needs(given: AutoOff) -> Mapping[str, str]:
    return {given.power_metric: "kW", given.state_metric: "1"}


def _band_needs(given: PressureBand) -> Mapping[str, str]:
    return {given.pressure_metric: "bar", given.power_metric: "kW", given.state_metric: "1"}


KINDS = (
    Kind(
        "operator_training",
        ValueKind.MORE_EFFICIENCY,
        OperatorTraining,
        _training_needs,
        propose_training,
    ),
    Kind("auto_off", ValueKind.MORE_EFFICIENCY, AutoOff, _auto_off_needs, propose_auto_off),
    Kind(
        "pressure_band",
        ValueKind.MORE_EFFICIENCY,
        PressureBand,
        _band_needs,
        propose_pressure_band,
    ),
)
