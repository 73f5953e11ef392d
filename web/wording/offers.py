"""Offers in words: what was found, the arithmetic step by step, and why something is refused."""

from collections.abc import Callable

from foundation.money import Money
from foundation.units import symbol
from services.offers.kinds.contract import BenefitUnit, Estimate, Proposal
from web.wording.offer_labels import OFFER_STATES, ORDER_STATES
from web.wording.sentences import Parts
from web.wording.translate import (
    format_amount,
    format_estimate,
    format_number,
    format_share,
    ngettext,
)
from web.wording.translate import gettext as _

Sentences = dict[str, Callable[[Parts], str]]


def quantity_of(value: float, unit: str, currency: str = "") -> str:
    """A figure with its unit; units with money or with a time below the line in words."""
    if unit in ("share", "%"):
        return format_share(value if unit == "share" else value / 100)
    if unit.startswith("money"):
        amount = format_amount(value, currency)
        return _money_units(amount).get(unit, amount)
    number = format_estimate(value)
    words = _rates(number)
    if unit in words:
        return words[unit]
    above, _line, below = unit.partition("/d")
    if _line and not below:
        return _("%(value)s a day", value=f"{number} {symbol(above)}")
    return f"{number} {symbol(unit)}".strip()


def _rates(number: str) -> dict[str, str]:
    return {
        "h/d": _("%(n)s hours a day", n=number),
        "kW.h/d": _("%(n)s kWh a day", n=number),
        "kW.h/m3": _("%(n)s kWh per m³", n=number),
        "/d": _("%(n)s a day", n=number),
        "/h": _("%(n)s an hour", n=number),
        "/100h": _("%(n)s in 100 running hours", n=number),
        "d": _("%(n)s days", n=number),
        "h": _("%(n)s hours", n=number),
    }


def _money_units(amount: str) -> dict[str, str]:
    return {
        "money/kW.h": _("%(amount)s per kWh", amount=amount),
        "money/h": _("%(amount)s an hour", amount=amount),
        "money/part": _("%(amount)s a part", amount=amount),
        "money/event": _("%(amount)s each time", amount=amount),
        "money/a": _("%(amount)s a year", amount=amount),
    }


def range_of(estimate: Estimate, unit: str, currency: str = "") -> str:
    """The ends of a figure's interval; the unit stands at the second."""
    is_told_twice = unit.startswith("money") or unit in ("share", "%")
    return _(
        "%(low)s to %(high)s",
        low=quantity_of(estimate.low, unit, currency)
        if is_told_twice
        else format_estimate(estimate.low),
        high=quantity_of(estimate.high, unit, currency),
    )


def benefit_sentence(proposal: Proposal, currency: str) -> str:
    """What the customer gains, with the interval that holds it."""
    benefit = proposal.benefit
    unit = "share" if proposal.benefit_unit == BenefitUnit.PROBABILITY else "money"
    if proposal.benefit_unit == BenefitUnit.HOURS:
        unit = "h"
    value, low, high = (
        quantity_of(each, unit, currency) for each in (benefit.value, benefit.low, benefit.high)
    )
    if unit == "money":
        return _(
            "It is worth about %(value)s a year (%(low)s to %(high)s).",
            value=value,
            low=low,
            high=high,
        )
    if unit == "h":
        return _(
            "It avoids about %(value)s past the service interval (%(low)s to %(high)s).",
            value=value,
            low=low,
            high=high,
        )
    return _(
        "It takes away a chance of %(value)s that the limit is reached (%(low)s to %(high)s).",
        value=value,
        low=low,
        high=high,
    )


def payback_sentence(proposal: Proposal, price: Money | None) -> str:
    """After how long the price is back; nothing where the benefit is no money."""
    is_money = proposal.benefit_unit == BenefitUnit.MONEY_PER_YEAR
    if price is None or not is_money or proposal.benefit.low <= 0:
        return ""
    months, soonest, latest = (
        float(price.amount) / yearly * 12
        for yearly in (proposal.benefit.value, proposal.benefit.high, proposal.benefit.low)
    )
    return _(
        "The price is back after about %(months)s months (%(low)s to %(high)s).",
        months=format_number(round(months, 1)),
        low=format_number(round(soonest, 1)),
        high=format_number(round(latest, 1)),
    )


def _below_threshold(p: Parts) -> str:
    unit = p.text("unit")
    value, threshold = (
        quantity_of(given, unit) if isinstance(given, int | float) else _("an unknown value")
        for given in (p.given.get("value"), p.given.get("threshold"))
    )
    return _(
        "Measured %(value)s; the rule asks for %(threshold)s.", value=value, threshold=threshold
    )


def _few_days(p: Parts) -> str:
    return ngettext(
        "Only %(num)s day was heard well enough; the rule asks for %(wanted)s.",
        "Only %(num)s days were heard well enough; the rule asks for %(wanted)s.",
        p.whole("days"),
        wanted=p.whole("wanted"),
    )


def _wrong_state(p: Parts) -> str:
    state = OFFER_STATES.get(p.text("state"), p.text("state"))
    return _("The offer is “%(state)s” by now. Load the page again.", state=state)


def _order_state(p: Parts) -> str:
    state = ORDER_STATES.get(p.text("state"), p.text("state"))
    return _("The order is “%(state)s” by now. Load the page again.", state=state)


def _line(p: Parts) -> str:
    return _(
        "%(metric)s stands at %(level)s and changes by %(slope)s a day: the straight line through "
        "%(n)s days of this machine.",
        metric=p.metric(),
        level=p.figure("level"),
        slope=p.figure("slope"),
        n=p.whole("n"),
    )


def _reach(p: Parts) -> str:
    return _(
        "If it goes on like that, the limit of %(limit)s is reached in %(days)s days "
        "(%(low)s to %(high)s).",
        limit=p.figure("limit"),
        days=p.number("days"),
        low=p.number("low"),
        high=p.number("high"),
    )


def _limit_ahead(p: Parts) -> str:
    return _(
        "%(metric)s will reach its limit of %(limit)s in about %(days)s days.",
        metric=p.metric(),
        limit=p.figure("limit"),
        days=p.number("days"),
    )


def _chance(p: Parts) -> str:
    return _(
        "The chance that it happens within %(days)s days is %(chance)s (%(low)s to %(high)s).",
        days=p.number("days"),
        chance=p.share("chance"),
        low=p.share("low"),
        high=p.share("high"),
    )


FOUND: Sentences = {
    "offer_service_due": lambda p: _(
        "At the hours it really runs, its service is due in about %(days)s days.",
        days=p.number("days"),
    ),
    "offer_limit_ahead": _limit_ahead,
    "offer_idles": lambda p: _(
        "It idles %(hours)s hours a day and takes %(energy)s kWh a day for that.",
        hours=p.number("hours"),
        energy=p.number("energy"),
    ),
    "offer_leaks": lambda p: _(
        "While nobody works, %(flow)s m³/min flow on: %(share)s of what flows at work.",
        flow=p.number("flow"),
        share=p.share("share"),
    ),
    "offer_takes_more": lambda p: _(
        "It takes %(rise)s more energy for the same output than it did before.",
        rise=p.share("rise"),
    ),
    "offer_at_ceiling": lambda p: _(
        "For %(share)s of the working time it runs at full load, over %(n)s working days.",
        share=p.share("share"),
        n=p.whole("n"),
    ),
    "offer_charges_at_work": lambda p: _(
        "It stands at the charger for %(hours)s hours of each day's working time.",
        hours=p.number("hours"),
    ),
    "offer_waits": lambda p: _(
        "It waits %(hours)s hours of each working day and makes %(pace)s parts an hour when it "
        "does not.",
        hours=p.number("hours"),
        pace=p.number("pace"),
    ),
    "offer_misused": lambda p: _(
        "%(metric)s: %(rate)s in 100 running hours, where %(usual)s are usual.",
        metric=p.metric(),
        rate=p.number("rate"),
        usual=p.number("usual"),
    ),
    "offer_idles_long": lambda p: _(
        "It idles %(hours)s hours a day beyond the first %(minutes)s minutes.",
        hours=p.number("hours"),
        minutes=p.number("minutes"),
    ),
    "offer_strains": lambda p: _(
        "It delivers %(surplus)s bar more than the %(needed)s bar that are needed.",
        surplus=p.number("surplus"),
        needed=p.number("needed"),
    ),
}

STEPS: Sentences = {
    "offer_step_hours_left": lambda p: _(
        "Of its interval of %(interval)s hours, %(left)s are left.",
        interval=p.number("interval"),
        left=p.number("left"),
    ),
    "offer_step_service_known": lambda _p: _("Counted from its last service on record here."),
    "offer_step_service_presumed": lambda _p: _(
        "No service is on record here; counted as if the plan had been kept so far."
    ),
    "offer_step_hours_past": lambda p: _(
        "Without it, it would run %(hours)s hours past its interval within %(days)s days.",
        hours=p.number("hours"),
        days=p.number("days"),
    ),
    "offer_step_line": _line,
    "offer_step_reach": _reach,
    "offer_step_chance": _chance,
    "offer_step_yearly_energy": lambda p: _(
        "%(daily)s kWh a day are %(yearly)s kWh a year (times 365).",
        daily=p.number("daily"),
        yearly=p.number("yearly"),
    ),
    "offer_step_saved_energy": lambda p: _(
        "Of that %(share)s is saved, at %(price)s per kWh.",
        share=p.share("share"),
        price=p.money("price"),
    ),
    "offer_step_product": lambda _p: _(
        "What was measured a day, times what is assumed below, gives the money a day."
    ),
    "offer_step_daily_money": lambda p: _(
        "That is %(daily)s a day; times 365 it is the year.", daily=p.money("daily")
    ),
    "offer_step_yearly_events": lambda p: _(
        "%(daily)s a day are %(yearly)s a year (times 365).",
        daily=p.number("daily"),
        yearly=p.number("yearly"),
    ),
    "offer_step_avoided": lambda p: _(
        "Of those %(share)s are avoided, times what each costs.", share=p.share("share")
    ),
}

SILENCES: Sentences = {
    "offer_too_few_days": _few_days,
    "offer_below_threshold": _below_threshold,
    "offer_not_used": lambda _p: _("It does not run."),
    "offer_not_due": lambda p: _("Not due for %(days)s days.", days=p.number("days")),
    "offer_limit_reached": lambda _p: _("The limit is reached already; that is an alarm's work."),
    "offer_no_trend": lambda p: _("%(metric)s does not rise for certain.", metric=p.metric()),
    "offer_limit_far": lambda p: _(
        "Reaching the limit in time has a chance of %(chance)s only.", chance=p.share("chance")
    ),
    "offer_benefit_uncertain": lambda _p: _("The benefit may as well be none."),
    "offer_works_at_rest": lambda p: _(
        "At rest %(share)s of the working flow goes on: somebody seems to work then.",
        share=p.share("share"),
    ),
    "offer_no_rest": lambda _p: _("There is no time of rest to compare with."),
    "offer_no_rise": lambda p: _(
        "Its energy per output did not rise for certain (%(rise)s).", rise=p.share("rise")
    ),
    "offer_no_work": lambda _p: _("It was not seen at work."),
    "offer_payback_long": lambda p: _(
        "The price would be back after %(years)s years only.", years=p.number("years")
    ),
}

REFUSALS: Sentences = {
    "offer_no_consent": lambda _p: _("The customer does not want their readings used for offers."),
    "offer_no_dealer": lambda _p: _("No dealer serves the machine."),
    "offer_alarm_open": lambda _p: _("An alarm is open on the machine. Deal with it first."),
    "offer_ticket_open": lambda _p: _("A ticket is open on the machine. Close it first."),
    "offer_open_already": lambda _p: _("Such an offer is open already."),
    "offer_quarter_full": lambda _p: _("The customer got enough offers this quarter."),
    "offer_too_soon": lambda _p: _("The last such offer ended not long ago."),
    "offer_role_may_not": lambda _p: _("This is not for your role."),
    "offer_wrong_state": _wrong_state,
    "offer_over": lambda _p: _("The offer is out of its time."),
    "offer_still_valid": lambda _p: _("The offer still stands."),
    "offer_changed": lambda _p: _(
        "The offer was changed meanwhile. Read what it says now, then answer."
    ),
    "offer_reason_missing": lambda _p: _("Choose a reason."),
    "offer_title_missing": lambda _p: _("An offer needs a title."),
    "offer_text_long": lambda p: _("It has more than %(max)s characters.", max=p.text("max")),
    "offer_wrong_currency": lambda p: _(
        "The price is in %(currency)s.", currency=p.text("currency")
    ),
    "offer_price_outside": lambda p: _(
        "The price lies between %(low)s and %(high)s %(currency)s.",
        low=p.text("low"),
        high=p.text("high"),
        currency=p.text("currency"),
    ),
    "order_role_may_not": lambda _p: _("Only the dealer's manager does this."),
    "order_wrong_state": _order_state,
    "order_note_missing": lambda _p: _("Say in a note why."),
    "order_note_long": lambda p: _(
        "The note has more than %(max)s characters.", max=p.text("max")
    ),
}

SENTENCES: Sentences = {
    "title_offer": lambda _p: _("Offer"),
    **FOUND,
    **STEPS,
    **SILENCES,
    **REFUSALS,
}
