"""Offers that lower a risk: service when real use asks for it, renewal before a limit is met."""

from collections.abc import Mapping

import numpy as np

from foundation.reasons import Parameter, Reason
from services.offers.kinds.arithmetic import (
    fit_trend,
    increments,
    mean_of,
    measured,
    refuse_thin,
    since_renewal,
    split_days,
)
from services.offers.kinds.contract import (
    Answer,
    Assumption,
    BenefitUnit,
    Estimate,
    Floats,
    History,
    Kind,
    Parameters,
    Proposal,
    Silence,
    ValueKind,
)

_FARTHEST = 3_650


class ServiceByHours(Parameters, frozen=True, kw_only=True):
    """Service every `interval_h` running hours, offered `lead_days` before it is due."""

    hours_metric: str = "run_hours"
    interval_h: float
    lead_days: float = 30.0
    horizon_days: float = 90.0


def propose_service(history: History, given: ServiceByHours) -> Answer:
    """Offers service when the asset's own hours a day bring it to its interval soon.

    The benefit is the hours that it would run past its interval within the horizon.
    """
    counter = history.values[given.hours_metric]
    days = split_days(history)
    silence = refuse_thin(days.count, given)
    if silence is not None:
        return silence
    daily = mean_of(days.counts(increments(counter)))
    watched = measured(history, "run_hours_per_day", daily, "h/d")
    if daily.value <= 0:
        return Silence(Reason("offer_not_used"), watched)
    since = _hours_since_service(float(counter[-1]), history.facts.serviced_hours, given)
    left = given.interval_h - since
    days_left = left / daily.value
    if days_left > given.lead_days:
        return Silence(Reason("offer_not_due", {"days": days_left}), watched)
    return _service(history, given, daily, left)


def _hours_since_service(hours: float, serviced: float | None, given: ServiceByHours) -> float:
    # Without a service on record the plan is presumed to have been kept so far.
    if serviced is None or serviced > hours:
        return hours % given.interval_h
    return hours - serviced


def _service(history: History, given: ServiceByHours, daily: Estimate, left: float) -> Proposal:
    due = _days_until(left, daily)
    over = _hours_past(daily, left, given.horizon_days)
    is_known = history.facts.serviced_hours is not None
    counter = float(history.values[given.hours_metric][-1])
    now = Estimate(counter, counter, counter, 1)
    return Proposal(
        trigger=Reason("offer_service_due", {"days": due.value, "low": due.low, "high": due.high}),
        figures=(
            measured(history, "run_hours_per_day", daily, "h/d"),
            measured(history, "run_hours", now, "h"),
            measured(history, "days_until_due", due, "d"),
        ),
        steps=(
            Reason("offer_step_hours_left", {"left": left, "interval": given.interval_h}),
            Reason("offer_step_service_known" if is_known else "offer_step_service_presumed"),
            Reason("offer_step_hours_past", {"days": given.horizon_days, "hours": over.value}),
        ),
        assumptions=(
            Assumption("interval_h", given.interval_h, "h"),
            Assumption("horizon_days", given.horizon_days, "d"),
        ),
        benefit=over,
        benefit_unit=BenefitUnit.HOURS,
        method="daily_mean",
    )


def _days_until(left: float, daily: Estimate) -> Estimate:
    ends = sorted(
        min(left / rate, float(_FARTHEST)) if rate > 0 else float(_FARTHEST)
        for rate in (daily.high, daily.low)
    )
    return Estimate(left / daily.value, ends[0], ends[1], daily.n)


def _hours_past(daily: Estimate, left: float, horizon_days: float) -> Estimate:
    value, low, high = (
        max(rate * horizon_days - left, 0.0) for rate in (daily.value, daily.low, daily.high)
    )
    return Estimate(value, low, high, daily.n)


class RenewalBeforeLimit(Parameters, frozen=True, kw_only=True):
    """A part whose `metric` rises or falls to its `limit`; rows of some states are compared."""

    window_days: int = 42
    metric: str
    unit: str
    limit: float
    direction: str = "high"
    state_metric: str = "running_state"
    state_low: float = 0.0
    state_high: float = 99.0
    horizon_days: float = 60.0
    least_chance: float = 0.5
    repair_cost: float = 0.0

    def __post_init__(self) -> None:
        if self.direction not in ("high", "low"):
            raise ValueError("direction is high or low")


def propose_renewal(history: History, given: RenewalBeforeLimit) -> Answer:
    """Offers renewal when the asset's own trend reaches the limit within the horizon.

    A straight line through daily medians, since the last renewal. The benefit is the chance that
    the limit would be reached by then. Wear that speeds up is met too late, never too early.
    """
    sign = 1.0 if given.direction == "high" else -1.0
    day, level = _daily_medians(history, given)
    level, limit = level * sign, given.limit * sign
    start = since_renewal(level, least_drop=0.1 * abs(given.limit)) if len(level) else 0
    day, level = day[start:], level[start:]
    silence = refuse_thin(len(day), given)
    if silence is not None:
        return silence
    trend = fit_trend(day, level)
    now = Estimate(
        sign * trend.level, *_ends(sign, trend.level, float(trend.half_width(0.0))), trend.n
    )
    watched = measured(history, "level_now", now, given.unit)
    if trend.level >= limit:
        return Silence(Reason("offer_limit_reached"), watched)
    if trend.slope.low <= 0:
        return Silence(Reason("offer_no_trend", {"metric": given.metric, "n": trend.n}), watched)
    chance = trend.chance_above(limit, given.horizon_days)
    if chance.value < given.least_chance:
        return Silence(Reason("offer_limit_far", {"chance": chance.value}), watched)
    reach = trend.days_until(limit, farthest=_FARTHEST)
    return _renewal(history, given, (now, trend.slope.times(sign), reach), chance)


def _ends(sign: float, level: float, half: float) -> tuple[float, float]:
    low, high = sorted((sign * (level - half), sign * (level + half)))
    return low, high


def _daily_medians(history: History, given: RenewalBeforeLimit) -> tuple[Floats, Floats]:
    state = history.values[given.state_metric]
    kept = (state >= given.state_low) & (state <= given.state_high)
    day = history.local_ms[kept] // 86_400_000
    values = history.values[given.metric][kept]
    found, first = np.unique(day, return_index=True)
    medians = [float(np.median(each)) for each in np.split(values, first[1:])] if len(day) else []
    return found.astype(np.float64), np.asarray(medians, dtype=np.float64)


def _renewal(
    history: History,
    given: RenewalBeforeLimit,
    line: tuple[Estimate, Estimate, Estimate],
    chance: Estimate,
) -> Proposal:
    now, slope, reach = line
    told: dict[str, Parameter] = {
        "metric": given.metric,
        "unit": given.unit,
        "limit": given.limit,
    }
    days: dict[str, Parameter] = {"days": reach.value, "low": reach.low, "high": reach.high}
    return Proposal(
        trigger=Reason("offer_limit_ahead", told | days),
        figures=(
            measured(history, "level_now", now, given.unit),
            measured(history, "rise_per_day", slope, f"{given.unit}/d"),
            measured(history, "days_until_limit", reach, "d"),
        ),
        steps=(
            Reason(
                "offer_step_line", told | {"level": now.value, "slope": slope.value, "n": now.n}
            ),
            Reason("offer_step_reach", told | days),
            Reason(
                "offer_step_chance",
                {"chance": chance.value, "low": chance.low, "high": chance.high}
                | {"days": given.horizon_days},
            ),
        ),
        assumptions=(
            Assumption("limit", given.limit, given.unit),
            Assumption("horizon_days", given.horizon_days, "d"),
            *(
                [Assumption("repair_cost", given.repair_cost, "money")]
                if given.repair_cost
                else []
            ),
        ),
        benefit=chance,
        benefit_unit=BenefitUnit.PROBABILITY,
        method="daily_trend",
    )


def _service_needs(given: ServiceByHours) -> Mapping[str, str]:
    return {given.hours_metric: "h"}


def _renewal_needs(given: RenewalBeforeLimit) -> Mapping[str, str]:
    return {given.metric: given.unit, given.state_metric: "1"}


KINDS = (
    Kind(
        "service_by_hours", ValueKind.LOWER_RISK, ServiceByHours, _service_needs, propose_service
    ),
    Kind(
        "renewal_before_limit",
        ValueKind.LOWER_RISK,
        RenewalBeforeLimit,
        _renewal_needs,
        propose_renewal,
    ),
)
