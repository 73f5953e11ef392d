"""Offers that lower a cost: what idling wastes, what leaks at night, what wear costs in energy."""

from collections.abc import Mapping

import numpy as np

from foundation.reasons import Reason
from services.offers.kinds.arithmetic import (
    DAYS_IN_YEAR,
    Days,
    below,
    difference_of,
    hours_in,
    is_state,
    is_work_time,
    mean_of,
    measured,
    refuse_thin,
    split_days,
)
from services.offers.kinds.contract import (
    Answer,
    Assumption,
    BenefitUnit,
    Estimate,
    Figure,
    Floats,
    History,
    Kind,
    Parameters,
    Proposal,
    Silence,
    ValueKind,
)


class IdleEnergy(Parameters, frozen=True, kw_only=True):
    """A retrofit that saves `saved_share` of the energy that a machine takes while it idles."""

    power_metric: str = "power"
    state_metric: str = "running_state"
    idle_state: float = 1.0
    energy_price: float
    saved_share: float = 0.9
    least_hours_per_day: float = 2.0


def propose_retrofit(history: History, given: IdleEnergy) -> Answer:
    """Offers a retrofit where the machine idles for hours; the benefit is the energy of a year."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    idle = hours_in(history, is_state(history.values[given.state_metric], given.idle_state))
    watched = measured(history, "idle_hours_per_day", mean_of(days.sums(idle)), "h/d")
    if watched.estimate.value < given.least_hours_per_day:
        return below(watched, given.least_hours_per_day)
    energy = mean_of(days.sums(idle * history.values[given.power_metric]))
    figure = measured(history, "idle_energy_per_day", energy, "kW.h/d")
    return yearly_saving(
        (watched, figure),
        Reason("offer_idles", {"hours": watched.estimate.value, "energy": energy.value}),
        energy_price=given.energy_price,
        saved_share=given.saved_share,
    )


def yearly_saving(
    figures: tuple[Figure, ...], trigger: Reason, *, energy_price: float, saved_share: float
) -> Answer:
    """The proposal that saves a share of the last figure's energy a day, in money a year."""
    daily = figures[-1].estimate
    benefit = daily.times(DAYS_IN_YEAR * energy_price * saved_share)
    if benefit.low <= 0:
        return Silence(Reason("offer_benefit_uncertain"), figures[0])
    yearly = daily.value * DAYS_IN_YEAR
    return Proposal(
        trigger=trigger,
        figures=figures,
        steps=(
            Reason("offer_step_yearly_energy", {"daily": daily.value, "yearly": yearly}),
            Reason("offer_step_saved_energy", {"share": saved_share, "price": energy_price}),
        ),
        assumptions=(
            Assumption("energy_price", energy_price, "money/kW.h"),
            Assumption("saved_share", saved_share, "share"),
        ),
        benefit=benefit,
        benefit_unit=BenefitUnit.MONEY_PER_YEAR,
        method="daily_mean",
    )


class LeakRepair(Parameters, frozen=True, kw_only=True):
    """Finding and closing leaks: what flows while nobody works is presumed to leak."""

    flow_metric: str = "flow"
    power_metric: str = "power"
    work_from_hour: float = 6.0
    work_to_hour: float = 20.0
    work_days: int = 5
    energy_price: float
    repairable_share: float = 0.6
    least_share: float = 0.1
    # More than this share of what flows at work is no leak: somebody works at night.
    most_share: float = 0.35


def propose_leak_repair(history: History, given: LeakRepair) -> Answer:
    """Offers leak repair where much flows while nobody works; the benefit is its energy of a year.

    A leak flows whenever the network has pressure, so its yearly energy is the flow at rest over
    the hours in which the machine delivers at all.
    """
    flow, days = history.values[given.flow_metric], split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    at_work = is_work_time(
        history,
        from_hour=given.work_from_hour,
        to_hour=given.work_to_hour,
        days=given.work_days,
    )
    resting = days.means(flow, np.where(at_work, 0.0, history.held_s))
    working = days.means(flow, np.where(at_work, history.held_s, 0.0))
    if min(len(resting), len(working)) < 3 or working.mean() <= 0:
        return Silence(Reason("offer_no_rest"))
    leak = mean_of(resting)
    watched = measured(history, "leak_flow", leak, "m3/min")
    share = leak.value / float(working.mean())
    if share < given.least_share:
        return below(watched, given.least_share * float(working.mean()))
    if share > given.most_share:
        return Silence(Reason("offer_works_at_rest", {"share": share}), watched)
    return _repair(history, given, days, watched, share)


def _repair(
    history: History, given: LeakRepair, days: Days, watched: Figure, share: float
) -> Answer:
    hours = hours_in(history, history.values[given.flow_metric] > 0)
    volume = float((hours * 60.0) @ history.values[given.flow_metric])
    specific = float(hours @ history.values[given.power_metric]) / volume
    under_pressure = float(days.sums(hours_in(history, np.ones(len(history), bool))).mean())
    daily = watched.estimate.times(60.0 * under_pressure * specific)
    known = Estimate(specific, specific, specific, days.count)
    return yearly_saving(
        (
            watched,
            measured(history, "energy_per_volume", known, "kW.h/m3"),
            measured(history, "leak_energy_per_day", daily, "kW.h/d"),
        ),
        Reason("offer_leaks", {"flow": watched.estimate.value, "share": share}),
        energy_price=given.energy_price,
        saved_share=given.repairable_share,
    )


class EnergyPerOutput(Parameters, frozen=True, kw_only=True):
    """An overhaul that brings the energy per volume back to what it was `baseline_days` long."""

    window_days: int = 56
    least_days: int = 28
    power_metric: str = "power"
    flow_metric: str = "flow"
    flow_unit: str = "m3/h"
    baseline_days: int = 14
    recent_days: int = 14
    energy_price: float
    least_rise: float = 0.05

    def __post_init__(self) -> None:
        if min(self.baseline_days, self.recent_days) < 3:
            raise ValueError("baseline_days and recent_days are at least 3")


def propose_overhaul(history: History, given: EnergyPerOutput) -> Answer:
    """Offers an overhaul when the asset's energy per volume rose over its own earlier days."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    energy = days.sums(history.held_s / 3600.0 * history.values[given.power_metric])
    volume = days.sums(history.held_s / 3600.0 * history.values[given.flow_metric])
    ran = volume > 0.05 * float(volume.max(initial=0.0))
    if int(ran.sum()) < given.baseline_days + given.recent_days:
        wanted = given.baseline_days + given.recent_days
        return Silence(Reason("offer_too_few_days", {"days": int(ran.sum()), "wanted": wanted}))
    specific = energy[ran] / volume[ran]
    before, now = specific[: given.baseline_days], specific[-given.recent_days :]
    rise = difference_of(now, before).times(1.0 / float(before.mean()))
    watched = measured(history, "energy_per_volume_now", mean_of(now), f"kW.h/{_volume(given)}")
    if rise.low < given.least_rise:
        return Silence(Reason("offer_no_rise", {"rise": rise.value, "low": rise.low}), watched)
    return _overhaul(history, given, (watched, mean_of(before), rise), energy[ran])


def _volume(given: EnergyPerOutput) -> str:
    return given.flow_unit.split("/", 1)[0]


def _overhaul(
    history: History,
    given: EnergyPerOutput,
    found: tuple[Figure, Estimate, Estimate],
    energy: Floats,
) -> Answer:
    watched, before, rise = found
    # Of the energy that is taken now, this share would not be taken as it was before.
    daily = float(energy[-given.recent_days :].mean())
    saved = Estimate(
        daily * rise.value / (1 + rise.value),
        daily * rise.low / (1 + rise.low),
        daily * rise.high / (1 + rise.high),
        rise.n,
    )
    return yearly_saving(
        (
            watched,
            measured(history, "energy_per_volume_before", before, watched.unit),
            measured(history, "rise", rise, "share"),
            measured(history, "wasted_energy_per_day", saved, "kW.h/d"),
        ),
        Reason("offer_takes_more", {"rise": rise.value, "low": rise.low, "high": rise.high}),
        energy_price=given.energy_price,
        saved_share=1.0,
    )


def _idle_needs(given: IdleEnergy) -> Mapping[str, str]:
    return {given.power_metric: "kW", given.state_metric: "1"}


def _leak_needs(given: LeakRepair) -> Mapping[str, str]:
    return {given.flow_metric: "m3/min", given.power_metric: "kW"}


def _output_needs(given: EnergyPerOutput) -> Mapping[str, str]:
    return {given.power_metric: "kW", given.flow_metric: given.flow_unit}


KINDS = (
    Kind("idle_energy", ValueKind.LOWER_COST, IdleEnergy, _idle_needs, propose_retrofit),
    Kind("leak_repair", ValueKind.LOWER_COST, LeakRepair, _leak_needs, propose_leak_repair),
    Kind(
        "energy_per_output", ValueKind.LOWER_COST, EnergyPerOutput, _output_needs, propose_overhaul
    ),
)
