"""The page of one offer: the arithmetic in words, its price, what its reader may do with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from devices.fleet import list_metric_labels
from foundation.clock import from_ms
from foundation.identity.scope import Role
from foundation.money import Money
from services.offers.facts import is_in_repair
from services.offers.kinds.contract import Estimate, Proposal
from services.offers.models import OfferVersion
from services.offers.queries import OfferRow, StoryLine, get_offer, list_story, list_versions
from services.offers.rules import OPEN_STATES, OfferFacts, OfferMove, list_moves
from services.orders.queries import OrderRow, find_order_of
from services.orders.rules import OrderMove, list_order_moves
from web import words
from web.filters import zone
from web.request_scope import get_scope, now
from web.wording.offers import benefit_sentence, payback_sentence, quantity_of, range_of
from web.wording.translate import format_money


@dataclass(frozen=True, slots=True)
class Line:
    """A figure or an assumption: what, how much, and what it rests on."""

    code: str
    value: str
    range: str = ""
    n: int | None = None


@dataclass(frozen=True, slots=True)
class OfferPage:
    """Everything the page shows; what its reader must not know is not in it."""

    row: OfferRow
    trigger: str
    benefit: str
    payback: str
    figures: Sequence[Line]
    steps: Sequence[str]
    assumptions: Sequence[Line]
    from_ms: int
    to_ms: int
    story: Sequence[StoryLine]
    versions: Sequence[OfferVersion]
    moves: frozenset[OfferMove]
    order: OrderRow | None
    order_moves: Sequence[OrderMove]
    is_customer: bool
    is_dealer: bool
    is_machine_in_repair: bool

    @property
    def measured_from(self) -> object:
        return from_ms(self.from_ms)

    @property
    def measured_to(self) -> object:
        return from_ms(self.to_ms)


def load_offer_page(session: Session, offer_id: int) -> OfferPage:
    """The page of an offer.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    row = get_offer(session, offer_id)
    metrics = list_metric_labels(session).get(row.model_key, {})
    context = context_of(row, metrics)
    proposal, role = row.proposal, get_scope().role
    facts = OfferFacts(row.state, row.version, row.valid_until)
    order = find_order_of(session, offer_id)
    return OfferPage(
        row=row,
        trigger=words.say(proposal.trigger, context),
        benefit=benefit_sentence(proposal, row.currency),
        payback=payback_sentence(proposal, row.price),
        figures=_figures(proposal, row.currency),
        steps=words.say_all(proposal.steps, context),
        assumptions=[
            Line(each.code, quantity_of(each.value, each.unit, row.currency))
            for each in proposal.assumptions
        ],
        from_ms=proposal.watched.from_ms,
        to_ms=proposal.watched.to_ms,
        story=list_story(session, offer_id),
        versions=list_versions(session, offer_id),
        moves=frozenset(list_moves(facts, role, now())),
        order=order,
        order_moves=list_order_moves(order.state, role) if order else (),
        is_customer=role == Role.CUSTOMER,
        is_dealer=role == Role.DEALER_MANAGER,
        is_machine_in_repair=row.state in OPEN_STATES and is_in_repair(session, row.asset_id),
    )


def context_of(row: OfferRow, metrics: Mapping[str, str]) -> words.Context:
    """How an offer's reasons are told: names of metrics, the site's time, the offer's currency."""
    return words.Context(metrics, zone(row.time_zone), row.currency)


def _figures(proposal: Proposal, currency: str) -> list[Line]:
    return [
        Line(
            each.code,
            quantity_of(each.estimate.value, each.unit, currency),
            range_of(each.estimate, each.unit, currency) if _is_range(each.estimate) else "",
            each.estimate.n,
        )
        for each in proposal.figures
    ]


def _is_range(estimate: Estimate) -> bool:
    return estimate.low != estimate.high


def trigger_of(row: OfferRow, metrics: Mapping[str, Mapping[str, str]]) -> str:
    """What was found, in one line."""
    return words.say(row.proposal.trigger, context_of(row, metrics.get(row.model_key, {})))


def benefit_of(row: OfferRow) -> str:
    """The benefit in a few words, for a list."""
    found = row.proposal
    return quantity_of(found.benefit.value, found.benefit_unit, row.currency)


def money_of(amount: Money | None) -> str:
    """An exact amount, or a dash where its reader must not know it."""
    return "–" if amount is None else format_money(amount.amount, amount.currency)
