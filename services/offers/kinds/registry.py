"""All kinds of offers by name, and the one way to ask them: history in, answer out."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from foundation.errors import Invalid
from foundation.reasons import Reason
from services.offers.kinds import lower_cost, lower_risk, more_efficiency, more_revenue
from services.offers.kinds.contract import (
    Answer,
    BenefitUnit,
    History,
    Kind,
    Parameters,
    Proposal,
    Silence,
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for part in (lower_risk, lower_cost, more_revenue, more_efficiency)
    for kind in part.KINDS
}
MAX_WINDOW_DAYS = 120


def get_kind(name: str) -> Kind:
    """The kind of that name.

    Raises:
        Invalid: when there is none.
    """
    if name not in KINDS:
        raise Invalid(
            "There is no kind of offer %(name)s; there are %(known)s.",
            field="kind",
            name=repr(name),
            known=", ".join(KINDS),
        )
    return KINDS[name]


def read_parameters(kind: Kind, given: Mapping[str, Any]) -> Parameters:
    """A rule's parameters, checked.

    Raises:
        Invalid: naming what does not fit.
    """
    try:
        read: Parameters = msgspec.convert(dict(given), kind.parameters)
    except msgspec.ValidationError as error:
        raise Invalid(
            "The parameters do not fit: %(error)s.", field="parameters", error=error
        ) from error
    _check_finite(read)
    if not 7 <= read.window_days <= MAX_WINDOW_DAYS:
        raise Invalid(
            "window_days lies between 7 and %(most)s.", field="parameters", most=MAX_WINDOW_DAYS
        )
    if not 3 <= read.least_days <= read.window_days:
        raise Invalid("least_days lies between 3 and window_days.", field="parameters")
    return read


def _check_finite(read: Parameters) -> None:
    for name, value in msgspec.structs.asdict(read).items():
        if isinstance(value, float) and not isfinite(value):
            raise Invalid("%(name)s must be a finite number.", field="parameters", name=name)


def consider(
    kind: Kind,
    parameters: Parameters,
    history: History,
    *,
    price: float,
    longest_payback_years: float,
) -> Answer:
    """What the rule says of one asset; silent too when the price would come back too late."""
    if not len(history):
        return Silence(Reason("offer_too_few_days", {"days": 0, "wanted": parameters.least_days}))
    answer = kind.propose(history, parameters)
    if isinstance(answer, Silence) or answer.benefit_unit != BenefitUnit.MONEY_PER_YEAR:
        return answer
    years = payback_years(answer, price)
    if years > longest_payback_years:
        return Silence(Reason("offer_payback_long", {"years": years}), answer.watched)
    return answer


def payback_years(proposal: Proposal, price: float) -> float:
    """After how many years of the benefit its price is back."""
    return price / proposal.benefit.value if proposal.benefit.value > 0 else float("inf")
