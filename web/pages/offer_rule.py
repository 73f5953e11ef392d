"""Offer rules between their tables and their form, and what a rule's page says of its trials."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import tomli_w
from sqlalchemy.orm import Session

from devices.equipment_models import list_equipment_models
from foundation.clock import from_ms
from foundation.errors import Invalid
from foundation.money import Money
from foundation.reasons import Reason
from services.offers.backtest import Backtest
from services.offers.definitions import RuleDefinition, definition_of
from services.offers.kinds.registry import KINDS
from services.offers.models import OfferRule
from services.offers.queries import RuleRow, get_rule_row
from services.offers.uplift import Change, Rate, Uplift, measure_uplift
from web import words
from web.forms import OfferRuleForm, choice
from web.pages.offer import money_of
from web.request_scope import get_scope
from web.wording.offer_labels import ASSUMPTIONS, FIGURES, KIND_NAMES, SILENCE_NAMES
from web.wording.offers import quantity_of
from web.wording.translate import format_day, format_number, format_share
from web.wording.translate import gettext as _

_WHOLE = ("price_range_percent", "valid_days", "max_per_quarter", "quiet_days", "control_percent")


@dataclass(frozen=True, slots=True)
class RulePage:
    """Everything a rule's page shows."""

    row: RuleRow
    price: str
    cost: str
    parameters: Sequence[tuple[str, object]]
    backtest: Backtest | None
    is_tried: bool
    worth: str
    benefit: str
    dates: str
    before: str
    after: str
    silences: Sequence[tuple[str, int, str]]  # as the macro `tally` wants them
    uplift: Uplift
    ordered: str
    changes: Sequence[tuple[str, str]]


def load_rule_page(session: Session, rule_id: int) -> RulePage:
    """The page of a rule.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    row = get_rule_row(session, rule_id)
    rule, uplift = row.rule, measure_uplift(session, rule_id)
    tried = msgspec.convert(rule.backtest, Backtest) if rule.backtest else None
    return RulePage(
        row=row,
        price=money_of(Money(rule.price_minor, rule.currency)),
        cost=money_of(Money(rule.cost_minor, rule.currency)),
        parameters=[_parameter(*each) for each in sorted(rule.parameters.items())],
        backtest=tried,
        is_tried=rule.backtest_version == rule.version,
        worth=money_of(Money(tried.worth_minor, rule.currency)) if tried else "",
        benefit=_benefit(tried, rule.currency) if tried else "",
        dates=_dates(tried) if tried else "",
        before=_watched(tried, tried.before, rule.currency) if tried else "",
        after=_watched(tried, tried.after, rule.currency) if tried else "",
        silences=_silences(tried) if tried else (),
        uplift=uplift,
        ordered=rate_of(uplift.ordered),
        changes=_changes(uplift),
    )


def _benefit(tried: Backtest, currency: str) -> str:
    if tried.benefit_unit is None or not tried.made:
        return "–"
    unit = tried.benefit_unit
    if unit == "share":
        return _("%(share)s on average", share=format_share(tried.benefit / tried.made))
    return quantity_of(tried.benefit, unit, currency)


def _watched(tried: Backtest, value: float | None, currency: str) -> str:
    if value is None:
        return _("unknown (n = %(n)s)", n=tried.followed)
    name = FIGURES.get(tried.watched_code or "", "")
    measured = quantity_of(value, tried.watched_unit or "", currency)
    return f"{name}: {measured} (n = {tried.followed})"


def _parameter(name: str, value: object) -> tuple[str, object]:
    label = ASSUMPTIONS.get(name, name.replace("_", " ").capitalize())
    return str(label), format_number(value) if isinstance(value, float) else value


def _dates(tried: Backtest) -> str:
    return ", ".join(format_day(from_ms(each).date()) for each in tried.dates_ms)


def _silences(tried: Backtest) -> list[tuple[str, int, str]]:
    return [
        (str(SILENCE_NAMES[code]) if code in SILENCE_NAMES else words.say(Reason(code)), count, "")
        for code, count in tried.silences.items()
    ]


def rate_of(rate: Rate) -> str:
    """A rate with its interval and n, or that it is unknown."""
    if rate.value is None:
        return _("unknown (n = %(n)s)", n=rate.n)
    low, high = rate.interval
    return _(
        "%(share)s (%(low)s to %(high)s, n = %(n)s)",
        share=format_share(rate.value),
        low=format_share(low),
        high=format_share(high),
        n=rate.n,
    )


def _changes(uplift: Uplift) -> list[tuple[str, str]]:
    return [
        (_("Change where it was to be offered"), _change_of(uplift.offered)),
        (_("Change in the control group"), _change_of(uplift.held_out)),
        (_("Difference by offering"), _difference_of(uplift)),
    ]


def _change_of(change: Change) -> str:
    if change.value is None:
        return _("unknown (n = %(n)s)", n=change.n)
    return _("%(share)s (n = %(n)s)", share=format_share(change.value), n=change.n)


def _difference_of(uplift: Uplift) -> str:
    if uplift.difference is None or uplift.interval is None:
        return _("unknown")
    low, high = (format_share(end) for end in uplift.interval)
    share = format_share(uplift.difference)
    return _("%(share)s (%(low)s to %(high)s)", share=share, low=low, high=high)


def with_choices(session: Session, form: OfferRuleForm) -> OfferRuleForm:
    """The form with the manufacturer's models and all kinds to choose from."""
    own = get_scope().organisation_id
    models = [each for each in list_equipment_models(session) if each.manufacturer_id == own]
    form.equipment_model.choices = [choice(each.key, each.title) for each in models]
    form.kind.choices = [choice(name, KIND_NAMES[name]) for name in KINDS]
    return form


def form_of(rule: OfferRule) -> OfferRuleForm:
    """The form with what the rule says."""
    known = msgspec.to_builtins(definition_of(rule))
    known["parameters"] = tomli_w.dumps(known["parameters"])
    return OfferRuleForm(data=known)


def read_form(form: OfferRuleForm) -> RuleDefinition:
    """The definition that a form describes.

    Raises:
        Invalid: when its parameters are no TOML.
    """
    known = {name: value for name, value in form.data.items() if name != "parameters"}
    known |= {name: int(known[name] or 0) for name in _WHOLE}
    known["currency"] = (known["currency"] or "").upper()
    try:
        parameters = tomllib.loads(form.parameters.data or "")
    except tomllib.TOMLDecodeError as error:
        raise Invalid(
            _("Write one parameter a line: name = value."), field="parameters"
        ) from error
    return RuleDefinition(**known, parameters=parameters)
