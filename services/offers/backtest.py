"""A rule tried on history: what it would have offered as of past dates, and what came afterwards.

It sees of each date only what was measured before it. The result is kept on the rule; without one
of the present version the rule cannot be switched on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from statistics import median

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from devices.equipment_models import EquipmentModel
from foundation import audit
from foundation.changes import announce
from foundation.clock import to_ms
from services.offers.facts import Subject
from services.offers.kinds.contract import Answer, Proposal
from services.offers.models import Offer, OfferRule
from services.offers.plans import RulePlan, ask, read_for
from services.offers.rules import OfferState
from telemetry.store.contract import Store

STEP = timedelta(days=14)
DATES = 7
RULE_CHANGE = "offer_rule"


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """What came out; amounts in minor units, `benefit` in the unit of the rule's kind.

    `before` and `after` are the medians of what the rule watches, at the date and a window later,
    over the `followed` offers that history reaches far enough for.
    """

    dates_ms: list[int]
    assets: int
    made: int
    on_assets: int
    worth_minor: int
    benefit: float
    benefit_unit: str | None
    silences: dict[str, int]
    followed: int
    before: float | None
    after: float | None
    watched_code: str | None = None
    watched_unit: str | None = None
    decided: int = 0
    accepted: int = 0


Answers = Mapping[datetime, Mapping[int, Answer]]


def run_backtest(
    store: Store,
    model: EquipmentModel,
    plan: RulePlan,
    subjects: Sequence[Subject],
    *,
    at: datetime,
    quiet: timedelta,
) -> Backtest:
    """The rule over the past `DATES` dates, a fortnight apart, the last of them now.

    Raises:
        Unavailable: when the store does not answer.
    """
    dates = [at - STEP * back for back in reversed(range(DATES))]
    answers: dict[datetime, dict[int, Answer]] = {each: {} for each in dates}
    if subjects:
        start_at = dates[0] - plan.window
        readings = read_for(store, model, [plan], subjects, start_at=start_at, end_at=at)
        for date in dates:
            answers[date] = {each.asset_id: ask(plan, readings, each, date) for each in subjects}
    return judge(answers, plan, quiet=quiet)


def judge(answers: Answers, plan: RulePlan, *, quiet: timedelta) -> Backtest:
    """What the answers as of each date come to; an asset is left in peace after each offer."""
    made = list(_list_made(answers, quiet))
    steps = ceil(plan.window / STEP)
    dates = sorted(answers)
    followed = [
        (proposal.watched.estimate.value, later)
        for date, asset_id, proposal in made
        if (later := _watched_at(answers, dates, dates.index(date) + steps, asset_id)) is not None
    ]
    proposals = [proposal for _, _, proposal in made]
    return Backtest(
        dates_ms=[to_ms(date) for date in dates],
        assets=max((len(each) for each in answers.values()), default=0),
        made=len(made),
        on_assets=len({asset_id for _, asset_id, _ in made}),
        worth_minor=plan.price.minor * len(made),
        benefit=sum(each.benefit.value for each in proposals),
        benefit_unit=proposals[0].benefit_unit if proposals else None,
        watched_code=proposals[0].watched.code if proposals else None,
        watched_unit=proposals[0].watched.unit if proposals else None,
        silences=_count_silences(answers),
        followed=len(followed),
        before=median(before for before, _ in followed) if followed else None,
        after=median(after for _, after in followed) if followed else None,
    )


def _list_made(answers: Answers, quiet: timedelta) -> Sequence[tuple[datetime, int, Proposal]]:
    made: list[tuple[datetime, int, Proposal]] = []
    last: dict[int, datetime] = {}
    for date in sorted(answers):
        for asset_id, answer in answers[date].items():
            is_quiet = asset_id in last and date < last[asset_id] + quiet
            if isinstance(answer, Proposal) and not is_quiet:
                made.append((date, asset_id, answer))
                last[asset_id] = date
    return made


def _watched_at(
    answers: Answers, dates: Sequence[datetime], place: int, asset_id: int
) -> float | None:
    if place >= len(dates):
        return None
    watched = answers[dates[place]][asset_id].watched
    return watched.estimate.value if watched is not None else None


def _count_silences(answers: Answers) -> dict[str, int]:
    counted = Counter(
        answer.reason.code
        for of_date in answers.values()
        for answer in of_date.values()
        if not isinstance(answer, Proposal)
    )
    return dict(counted.most_common())


def store_backtest(
    session: Session, rule_id: int, result: Backtest, *, version: int, at: datetime
) -> None:
    """Keeps the result on its rule, with what became of real offers of it so far."""
    rule = session.get_one(OfferRule, rule_id, with_for_update=True)
    decided, accepted = _count_decided(session, rule_id)
    result = msgspec.structs.replace(result, decided=decided, accepted=accepted)
    rule.backtest = msgspec.to_builtins(result)
    rule.backtest_version, rule.backtested_at = version, at
    rule.backtest_wanted_at = None
    audit.record(
        session,
        at=at,
        action="worker:offer_rule:backtest",
        subject_kind="offer_rule",
        subject_id=rule_id,
        details={"version": version, "made": result.made},
    )
    announce(session, kind=RULE_CHANGE, subject_id=rule_id, asset_id=None, at=at)


def _count_decided(session: Session, rule_id: int) -> tuple[int, int]:
    ends = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)
    query = select(
        func.count(Offer.id),
        func.count(Offer.id).filter(Offer.state == OfferState.ACCEPTED),
    ).where(Offer.rule_id == rule_id, Offer.sent_at.is_not(None), Offer.state.in_(ends))
    decided, accepted = session.execute(query).one()
    return decided, accepted
