"""A rule made ready to be run over histories: its kind, parameters, amounts, and for whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.equipment_models import EquipmentModel
from foundation.clock import to_ms
from foundation.money import Money
from services.offers.facts import Subject
from services.offers.histories import DAY_MS, Readings, Window
from services.offers.kinds.contract import Answer, BenefitUnit, Facts, Kind, Parameters, Proposal
from services.offers.kinds.registry import consider, get_kind, read_parameters
from services.offers.models import OfferRule
from telemetry.store.contract import Store


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What running a rule takes; `serviced` are running hours at the last service, by asset."""

    rule_id: int
    kind: Kind
    parameters: Parameters
    price: Money
    longest_payback_years: float
    serviced: Mapping[int, float]

    @property
    def needs(self) -> Mapping[str, str]:
        """The metrics that it needs, with the unit of each."""
        return self.kind.needs(self.parameters)

    @property
    def window(self) -> timedelta:
        """How far it looks back."""
        return timedelta(days=self.parameters.window_days)


def plan_rule(rule: OfferRule, serviced: Mapping[int, float]) -> RulePlan:
    """The rule, ready to be run.

    Raises:
        Invalid: when its parameters do not fit any more.
    """
    kind = get_kind(rule.kind)
    return RulePlan(
        rule_id=rule.id,
        kind=kind,
        parameters=read_parameters(kind, rule.parameters),
        price=Money(rule.price_minor, rule.currency),
        longest_payback_years=rule.longest_payback_years,
        serviced=serviced,
    )


def read_for(
    store: Store,
    model: EquipmentModel,
    plans: Sequence[RulePlan],
    subjects: Sequence[Subject],
    *,
    start_at: datetime,
    end_at: datetime,
) -> Readings:
    """Everything that the plans need of the subjects, in one read.

    Raises:
        Unavailable: when the store does not answer.
    """
    return Readings(
        store,
        model,
        metrics=sorted({metric for plan in plans for metric in plan.needs}),
        assets=[subject.asset_id for subject in subjects],
        start_ms=to_ms(start_at),
        end_ms=to_ms(end_at),
    )


def ask(plan: RulePlan, readings: Readings, subject: Subject, at: datetime) -> Answer:
    """What the rule says of one asset as of a time, from what was measured before it."""
    end_ms = to_ms(at)
    start_ms = end_ms - plan.parameters.window_days * DAY_MS
    window = Window(
        asset_id=subject.asset_id,
        time_zone=subject.time_zone,
        start_ms=max(start_ms, to_ms(subject.owned_at)),
        end_ms=end_ms,
        facts=Facts(serviced_hours=plan.serviced.get(subject.asset_id)),
    )
    return consider(
        plan.kind,
        plan.parameters,
        readings.history(window, plan.needs),
        price=float(plan.price.amount),
        longest_payback_years=plan.longest_payback_years,
    )


def gain_of(plan: RulePlan, proposal: Proposal) -> float:
    """How much a proposal is worth to its customer beside its price, to choose among several.

    Money counts with its lower end, in prices a year; a chance as it is; hours in thousands.
    """
    low = max(proposal.benefit.low, 0.0)
    if proposal.benefit_unit == BenefitUnit.MONEY_PER_YEAR:
        return low / float(plan.price.amount)
    return low if proposal.benefit_unit == BenefitUnit.PROBABILITY else low / 1000.0
