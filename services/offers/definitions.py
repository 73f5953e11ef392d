"""Offer rules as users write them: TOML or a form in, a new version of the rule out.

Whatever changes makes a new version, which must be back-tested before it is switched on.
"""

import tomllib
from datetime import datetime
from typing import Any

import msgspec
import tomli_w
from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.equipment_models import EquipmentModel, get_equipment_model
from foundation import audit
from foundation.errors import Forbidden, Invalid, NotFound
from foundation.money import Money, money
from foundation.units import get_conversion
from services.offers.kinds.contract import Kind, Parameters, ValueKind
from services.offers.kinds.registry import get_kind, read_parameters
from services.offers.models import OfferRule
from services.offers.policy_rules import MAX_CONTROL_PERCENT


class RuleDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule as it is written; amounts in major units, such as "1450.00"."""

    key: str
    equipment_model: str
    kind: str
    title: str
    description: str
    price: str
    dealer_cost: str
    currency: str
    value_kind: ValueKind | None = None
    price_range_percent: int = 20
    longest_payback_years: float = 3.0
    valid_days: int = 30
    max_per_quarter: int = 3
    quiet_days: int = 90
    control_percent: int = 0
    parameters: dict[str, Any] = {}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    offer_rules: list[RuleDefinition]


def read_rules(text: str) -> list[RuleDefinition]:
    """The rules of a TOML text, each a table `[[offer_rules]]`.

    Raises:
        Invalid: naming what does not fit.
    """
    try:
        return msgspec.convert(tomllib.loads(text), _File).offer_rules
    except tomllib.TOMLDecodeError as error:
        raise Invalid("This is no TOML: %(error)s.", field="text", error=error) from error
    except msgspec.ValidationError as error:
        raise Invalid("The rules do not fit: %(error)s.", field="text", error=error) from error


def write_rule(definition: RuleDefinition) -> str:
    """The rule as TOML, to be read by `read_rules`."""
    table = {
        key: value for key, value in msgspec.to_builtins(definition).items() if value is not None
    }
    return tomli_w.dumps({"offer_rules": [table]})


def definition_of(rule: OfferRule) -> RuleDefinition:
    """The definition that would make this rule."""
    return RuleDefinition(
        key=rule.key,
        equipment_model=rule.equipment_model.key,
        kind=rule.kind,
        title=rule.title,
        description=rule.description,
        price=str(Money(rule.price_minor, rule.currency).amount),
        dealer_cost=str(Money(rule.cost_minor, rule.currency).amount),
        currency=rule.currency,
        value_kind=rule.value_kind,
        price_range_percent=rule.price_range_percent,
        longest_payback_years=rule.longest_payback_years,
        valid_days=rule.valid_days,
        max_per_quarter=rule.max_per_quarter,
        quiet_days=rule.quiet_days,
        control_percent=rule.control_percent,
        parameters=dict(rule.parameters),
    )


_BOUNDS = {
    "price_range_percent": (0, 90),
    "longest_payback_years": (0.1, 50.0),
    "valid_days": (1, 365),
    "max_per_quarter": (0, 100),
    "quiet_days": (0, 3650),
    "control_percent": (0, MAX_CONTROL_PERCENT),
}


def save_rule(session: Session, definition: RuleDefinition, *, at: datetime) -> OfferRule:
    """Creates the rule, or a new version of it, switched off; the same again changes nothing.

    Raises:
        NotFound: when the equipment model is unknown.
        Invalid: when a part does not fit; `field` names it.
    """
    model = get_equipment_model(session, definition.equipment_model)
    kind = get_kind(definition.kind)
    parameters = read_parameters(kind, definition.parameters)
    _check(definition)
    check_metrics(model, kind, parameters)
    rule = _find(session, model, definition.key)
    if rule is not None and definition_of(rule) == _complete(definition, kind):
        return rule
    if rule is None:
        rule = OfferRule(manufacturer_id=model.manufacturer_id, key=definition.key, version=0)
    _fill(rule, model, definition, kind)
    rule.version += 1
    rule.is_enabled, rule.updated_at = False, at
    session.add(rule)
    session.flush()
    record_rule(session, rule, "save", at=at)
    return rule


def _complete(definition: RuleDefinition, kind: Kind) -> RuleDefinition:
    return msgspec.structs.replace(definition, value_kind=definition.value_kind or kind.value_kind)


def _check(definition: RuleDefinition) -> None:
    for field in ("key", "title", "description"):
        if not getattr(definition, field).strip():
            raise Invalid("A rule needs this.", field=field)
    for field, (low, high) in _BOUNDS.items():
        if not low <= getattr(definition, field) <= high:
            raise Invalid(
                "This lies between %(low)s and %(high)s.", field=field, low=low, high=high
            )
    price = money(definition.price, definition.currency)
    cost = money(definition.dealer_cost, definition.currency)
    if price.minor <= 0:
        raise Invalid("The price is above 0.", field="price")
    if not 0 <= cost.minor <= price.minor:
        raise Invalid("The dealer's cost lies between 0 and the price.", field="dealer_cost")


def check_metrics(model: EquipmentModel, kind: Kind, parameters: Parameters) -> None:
    """Refuses a rule that its equipment model cannot serve.

    Raises:
        Invalid: naming the metric.
    """
    units = {metric.name: metric.unit for metric in model.metrics}
    for metric, unit in kind.needs(parameters).items():
        if metric not in units:
            raise Invalid(
                "%(model)s has no metric %(metric)s.",
                field="parameters",
                model=model.title,
                metric=repr(metric),
            )
        get_conversion(units[metric], unit)


def _find(session: Session, model: EquipmentModel, key: str) -> OfferRule | None:
    query = select(OfferRule).where(
        OfferRule.manufacturer_id == model.manufacturer_id, OfferRule.key == key
    )
    return session.scalar(query)


def _fill(rule: OfferRule, model: EquipmentModel, definition: RuleDefinition, kind: Kind) -> None:
    rule.equipment_model_id = model.id
    rule.equipment_model = model
    rule.kind = kind.name
    rule.parameters = dict(definition.parameters)
    rule.value_kind = definition.value_kind or kind.value_kind
    rule.title, rule.description = definition.title.strip(), definition.description.strip()
    rule.currency = definition.currency
    rule.price_minor = money(definition.price, definition.currency).minor
    rule.cost_minor = money(definition.dealer_cost, definition.currency).minor
    for field in _BOUNDS:
        setattr(rule, field, getattr(definition, field))


def get_rule(session: Session, rule_id: int) -> OfferRule:
    """The rule.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    found = session.scalar(select(OfferRule).where(OfferRule.id == rule_id))
    if found is None:
        raise NotFound("There is no such rule.")
    return found


def want_backtest(session: Session, rule: OfferRule, *, at: datetime) -> None:
    """Asks for a back-test of the rule as it stands; the worker does it next."""
    rule.backtest_wanted_at = at
    session.flush()
    record_rule(session, rule, "want_backtest", at=at)


def switch_rule(session: Session, rule: OfferRule, *, is_enabled: bool, at: datetime) -> None:
    """Switches the rule on or off.

    Raises:
        Forbidden: when the present version was never tried on history.
    """
    if is_enabled and rule.backtest_version != rule.version:
        raise Forbidden("Try this version on history first.")
    if rule.is_enabled == is_enabled:
        return
    rule.is_enabled = is_enabled
    session.flush()
    record_rule(session, rule, "switch_on" if is_enabled else "switch_off", at=at)


def record_rule(session: Session, rule: OfferRule, act: str, *, at: datetime) -> None:
    """Records who did what to the rule."""
    audit.record(
        session,
        at=at,
        action=f"portal:offer_rule:{act}",
        subject_kind="offer_rule",
        subject_id=rule.id,
        details={"key": rule.key, "version": rule.version},
    )
