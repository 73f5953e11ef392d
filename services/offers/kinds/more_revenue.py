"""Offers that let a machine earn more: capacity, charging outside work, loading by itself.

Hours at work are those that the rule names, by the clock of the asset's site.
"""

from collections.abc import Mapping

from foundation.reasons import Reason
from services.offers.kinds.arithmetic import (
    DAYS_IN_YEAR,
    Flags,
    below,
    hours_in,
    increments,
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
    History,
    Kind,
    Parameters,
    Proposal,
    Silence,
    ValueKind,
)


class AtWork(Parameters, frozen=True, kw_only=True):
    """The hours in which people work, and the state that is watched in them."""

    state_metric: str = "running_state"
    work_from_hour: float = 6.0
    work_to_hour: float = 22.0
    work_days: int = 5


class CapacityLimit(AtWork, frozen=True, kw_only=True):
    """More capacity for a machine that runs at its ceiling for most of the time it works."""

    full_state: float = 2.0
    least_share: float = 0.85
    gained_share: float = 0.1
    margin_per_hour: float


def propose_capacity(history: History, given: CapacityLimit) -> Answer:
    """Offers capacity where the share of working time at full load is sustained."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    at_work = _at_work(history, given)
    full = is_state(history.values[given.state_metric], given.full_state)
    worked = hours_in(history, at_work)
    shares = days.means(full.astype(float), worked)
    if len(shares) < 3:
        return Silence(Reason("offer_no_work"))
    watched = measured(history, "full_share", mean_of(shares), "share")
    if watched.estimate.value < given.least_share:
        return below(watched, given.least_share)
    daily = measured(
        history, "full_hours_per_day", mean_of(days.sums(hours_in(history, at_work & full))), "h/d"
    )
    return _more_money(
        (watched, daily),
        Reason("offer_at_ceiling", {"share": watched.estimate.value, "n": len(shares)}),
        daily.estimate.times(given.gained_share * given.margin_per_hour),
        (
            Assumption("gained_share", given.gained_share, "share"),
            Assumption("margin_per_hour", given.margin_per_hour, "money/h"),
        ),
    )


def _at_work(history: History, given: AtWork) -> Flags:
    return is_work_time(
        history,
        from_hour=given.work_from_hour,
        to_hour=given.work_to_hour,
        days=given.work_days,
    )


def _more_money(
    figures: tuple[Figure, ...],
    trigger: Reason,
    daily_money: Estimate,
    assumptions: tuple[Assumption, ...],
) -> Answer:
    """The proposal that brings so much money a day, told with everything it was made of."""
    benefit = daily_money.times(DAYS_IN_YEAR)
    if benefit.low <= 0:
        return Silence(Reason("offer_benefit_uncertain"), figures[0])
    return Proposal(
        trigger=trigger,
        figures=figures,
        steps=(
            Reason("offer_step_product", {"count": len(assumptions)}),
            Reason("offer_step_daily_money", {"daily": daily_money.value}),
        ),
        assumptions=assumptions,
        benefit=benefit,
        benefit_unit=BenefitUnit.MONEY_PER_YEAR,
        method="daily_mean",
    )


class ChargingDowntime(AtWork, frozen=True, kw_only=True):
    """A second battery or a fast charger for a truck that charges while people work."""

    charging_state: float = 3.0
    least_hours_per_day: float = 0.5
    recovered_share: float = 0.8
    value_per_hour: float


def propose_charging(history: History, given: ChargingDowntime) -> Answer:
    """Offers to win back the working hours spent at the charger."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    charging = is_state(history.values[given.state_metric], given.charging_state)
    lost = mean_of(days.sums(hours_in(history, charging & _at_work(history, given))))
    watched = measured(history, "charging_hours_per_day", lost, "h/d")
    if lost.value < given.least_hours_per_day:
        return below(watched, given.least_hours_per_day)
    return _more_money(
        (watched,),
        Reason("offer_charges_at_work", {"hours": lost.value}),
        lost.times(given.recovered_share * given.value_per_hour),
        (
            Assumption("recovered_share", given.recovered_share, "share"),
            Assumption("value_per_hour", given.value_per_hour, "money/h"),
        ),
    )


class IdleBetweenParts(AtWork, frozen=True, kw_only=True):
    """Loading by itself for a machine that waits, ready, between one part and the next."""

    idle_state: float = 1.0
    busy_state: float = 2.0
    parts_metric: str = "parts_made"
    least_hours_per_day: float = 1.5
    recovered_share: float = 0.5
    margin_per_part: float


def propose_loading(history: History, given: IdleBetweenParts) -> Answer:
    """Offers to fill the waiting with parts, at the pace that the machine itself shows."""
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    state, at_work = history.values[given.state_metric], _at_work(history, given)
    waiting = mean_of(days.sums(hours_in(history, at_work & is_state(state, given.idle_state))))
    watched = measured(history, "waiting_hours_per_day", waiting, "h/d")
    if waiting.value < given.least_hours_per_day:
        return below(watched, given.least_hours_per_day)
    busy_hours = float(hours_in(history, is_state(state, given.busy_state)).sum())
    parts = float(increments(history.values[given.parts_metric]).sum())
    if busy_hours <= 0 or parts <= 0:
        return Silence(Reason("offer_no_work"), watched)
    pace = parts / busy_hours
    known = measured(history, "parts_per_hour", Estimate(pace, pace, pace, days.count), "/h")
    return _more_money(
        (watched, known),
        Reason("offer_waits", {"hours": waiting.value, "pace": pace}),
        waiting.times(pace * given.recovered_share * given.margin_per_part),
        (
            Assumption("recovered_share", given.recovered_share, "share"),
            Assumption("margin_per_part", given.margin_per_part, "money/part"),
        ),
    )


def _state_needs(given: AtWork) -> Mapping[str, str]:
    return {given.state_metric: "1"}


def _parts_needs(given: IdleBetweenParts) -> Mapping[str, str]:
    return {given.state_metric: "1", given.parts_metric: "1"}


KINDS = (
    Kind("capacity_limit", ValueKind.MORE_REVENUE, CapacityLimit, _state_needs, propose_capacity),
    Kind(
        "charging_downtime",
        ValueKind.MORE_REVENUE,
        ChargingDowntime,
        _state_needs,
        propose_charging,
    ),
    Kind(
        "idle_between_parts",
        ValueKind.MORE_REVENUE,
        IdleBetweenParts,
        _parts_needs,
        propose_loading,
    ),
)
