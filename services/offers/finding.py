"""The weekly search: every switched-on rule over the histories of all assets it may look at.

Reading and computing hold no lock; what was found is then weighed against the policy and written
in one short transaction. Back-tests that were asked for are done in the same turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from devices.equipment_models import EquipmentModel
from foundation.clock import Clock, stopwatch_s
from foundation.database import Database
from foundation.identity.scope import Scope
from services.offers import facts
from services.offers.backtest import run_backtest, store_backtest
from services.offers.facts import Subject, list_serviced_hours, list_subjects
from services.offers.kinds.contract import Answer, Proposal
from services.offers.making import Parties, make_offer
from services.offers.models import Offer, OfferRule
from services.offers.plans import RulePlan, ask, gain_of, plan_rule, read_for
from services.offers.policy_rules import (
    PolicyFacts,
    PolicyLimits,
    Rank,
    decide_policy,
    is_held_out,
    quarter_start,
    sort_ranks,
)
from telemetry.store.contract import Store

SEARCH_EVERY = timedelta(days=7)
_SYSTEM = Scope.system("offers")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule said of one asset."""

    plan: RulePlan
    subject: Subject
    answer: Answer


class OfferFinding:
    """Searches when a week has passed since the last search; one thread of the store's owner."""

    def __init__(self, database: Database, store: Store, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    def step(self) -> int:
        """Does what is due; returns how many offers and back-tests that made."""
        now = self._clock.now()
        with self._database.session(_SYSTEM) as session:
            models = session.scalars(
                select(OfferRule.equipment_model_id).where(_is_due(now)).distinct()
            ).all()
            wanted = session.scalars(
                select(OfferRule.id).where(OfferRule.backtest_wanted_at.is_not(None))
            ).all()
        made = sum(self._search(model_id, now) for model_id in models)
        for rule_id in wanted:
            self._backtest(rule_id, now)
        return made + len(wanted)

    def _search(self, model_id: int, now: datetime) -> int:
        begun_s = stopwatch_s()
        with self._database.session(_SYSTEM) as session:
            model = session.get_one(EquipmentModel, model_id)
            plans = _list_plans(session, model_id)
            subjects = list_subjects(session, model_id)
        found = _ask_all(self._store, model, plans, subjects, now) if subjects else []
        with self._database.transaction(_SYSTEM) as session:
            made = place(session, found, rule_ids=[plan.rule_id for plan in plans], at=now)
        took_s = round(stopwatch_s() - begun_s, 3)
        _log.info("offers_searched", model=model.key, asked=len(found), made=made, took_s=took_s)
        return made

    def _backtest(self, rule_id: int, now: datetime) -> None:
        with self._database.session(_SYSTEM) as session:
            rule = session.get_one(OfferRule, rule_id)
            model, version = session.get_one(EquipmentModel, rule.equipment_model_id), rule.version
            plan = plan_rule(rule, list_serviced_hours(session, rule_id))
            quiet = timedelta(days=rule.quiet_days)
            subjects = list_subjects(session, model.id)
        result = run_backtest(self._store, model, plan, subjects, at=now, quiet=quiet)
        with self._database.transaction(_SYSTEM) as session:
            store_backtest(session, rule_id, result, version=version, at=now)


def _is_due(now: datetime) -> ColumnElement[bool]:
    is_long_ago = or_(OfferRule.searched_at.is_(None), OfferRule.searched_at <= now - SEARCH_EVERY)
    return OfferRule.is_enabled & is_long_ago


def _list_plans(session: Session, model_id: int) -> list[RulePlan]:
    query = select(OfferRule).where(OfferRule.equipment_model_id == model_id, OfferRule.is_enabled)
    return [
        plan_rule(rule, list_serviced_hours(session, rule.id))
        for rule in session.scalars(query.order_by(OfferRule.id))
    ]


def _ask_all(
    store: Store,
    model: EquipmentModel,
    plans: Sequence[RulePlan],
    subjects: Sequence[Subject],
    now: datetime,
) -> list[Found]:
    longest = max(plan.window for plan in plans)
    readings = read_for(store, model, plans, subjects, start_at=now - longest, end_at=now)
    return [
        Found(plan, subject, ask(plan, readings, subject, now))
        for plan in plans
        for subject in subjects
    ]


def place(
    session: Session, found: Sequence[Found], *, rule_ids: Sequence[int], at: datetime
) -> int:
    """Makes offers of what the policy lets through, the most useful first; returns how many."""
    query = select(OfferRule).where(OfferRule.id.in_(rule_ids), OfferRule.is_enabled)
    rules = {each.id: each for each in session.scalars(query.with_for_update(skip_locked=True))}
    policy = _Policy(session, [each.subject for each in found], list(rules), at)
    by_rank = {
        Rank(gain_of(each.plan, each.answer), each.plan.rule_id, each.subject.asset_id): each
        for each in found
        if isinstance(each.answer, Proposal) and each.plan.rule_id in rules
    }
    made = sum(
        _try(session, policy, rules[rank.rule_id], by_rank[rank], at)
        for rank in sort_ranks(by_rank)
    )
    _measure_again(session, found, at)
    for rule in rules.values():
        rule.searched_at = at
    return made


def _try(session: Session, policy: "_Policy", rule: OfferRule, found: Found, at: datetime) -> bool:
    subject, proposal = found.subject, found.answer
    limits = PolicyLimits(rule.max_per_quarter, rule.quiet_days, rule.control_percent)
    if decide_policy(policy.facts_of(rule.id, subject), limits, at) or subject.dealer_id is None:
        return False
    assert isinstance(proposal, Proposal), "silence has no rank"
    offer = make_offer(
        session,
        rule=rule,
        parties=Parties(subject.asset_id, subject.dealer_id, subject.customer_id),
        proposal=proposal,
        at=at,
        is_held_out=is_held_out(rule.key, subject.asset_id, rule.control_percent),
    )
    if offer is not None:
        policy.count(subject.customer_id)
    return offer is not None


class _Policy:
    """The facts of the policy for one search, asked once and kept true as offers are made."""

    def __init__(
        self, session: Session, subjects: Sequence[Subject], rule_ids: Sequence[int], at: datetime
    ) -> None:
        assets = {subject.asset_id for subject in subjects}
        self._with_alarm = facts.list_with_alarm(session, assets)
        self._with_ticket = facts.list_with_ticket(session, assets)
        self._open = {each: facts.list_open(session, each) for each in rule_ids}
        self._ended = {each: facts.list_last_ended(session, each) for each in rule_ids}
        self._consenting = facts.list_consenting(session)
        self._made: dict[int, int] = {}
        for zone in {subject.time_zone for subject in subjects}:
            counted = facts.count_since(session, quarter_start(at.astimezone(ZoneInfo(zone))))
            for customer_id in {each.customer_id for each in subjects if each.time_zone == zone}:
                # With sites in several zones their quarter lasts until it ended at all of them.
                made = self._made.get(customer_id, 0)
                self._made[customer_id] = max(made, counted.get(customer_id, 0))

    def facts_of(self, rule_id: int, subject: Subject) -> PolicyFacts:
        return PolicyFacts(
            # Asked again: it may have been taken back while the search was at work.
            has_consent=subject.customer_id in self._consenting,
            has_dealer=subject.dealer_id is not None,
            has_open_alarm=subject.asset_id in self._with_alarm,
            has_open_ticket=subject.asset_id in self._with_ticket,
            has_open_offer=subject.asset_id in self._open[rule_id],
            in_quarter=self._made.get(subject.customer_id, 0),
            last_ended_at=self._ended[rule_id].get(subject.asset_id),
        )

    def count(self, customer_id: int) -> None:
        self._made[customer_id] = self._made.get(customer_id, 0) + 1


def _measure_again(session: Session, found: Sequence[Found], at: datetime) -> None:
    """Writes what the rule watches now onto offers that are a whole window old.

    Onto those as well that were never sent: they are of the group that is held against the other.
    """
    latest = {
        (each.plan.rule_id, each.subject.asset_id): each.answer.watched
        for each in found
        if each.answer.watched is not None
    }
    windows = {each.plan.rule_id: each.plan.window for each in found}
    query = select(Offer).where(Offer.rule_id.in_(windows), Offer.watched_later.is_(None))
    for offer in session.scalars(query):
        watched = latest.get((offer.rule_id, offer.asset_id))
        if watched is not None and offer.found_at + windows[offer.rule_id] <= at:
            offer.watched_later = watched.estimate.value
