"""The page of one ticket: its detail with what its reader may do, worded for their role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import url_for
from sqlalchemy.orm import Session

from devices.access import Act, may
from devices.assets import get_asset
from devices.fleet import AssetFacts, get_asset_facts
from foundation.clock import from_ms
from foundation.identity.models import Person
from foundation.identity.scope import Role
from services.tickets.detail import AlarmRow, EntryRow, TicketDetail, get_ticket_detail
from services.tickets.moves import list_assignable
from services.tickets.rules import EntryKind, Move, MoveDecision
from services.triage.rules import AlarmFacts, describe
from web import words
from web.auth import SignedIn
from web.pages.machine import context_of
from web.pages.parts import Action, Bar
from web.pages.visit import show_visit
from web.wording import labels
from web.wording.tickets import next_sentence
from web.wording.translate import format_share

_NEXT = (Move.ACKNOWLEDGE, Move.START, Move.SOLVE, Move.CLOSE)
_AROUND = timedelta(minutes=30)
_LEAST_SHARE = 0.01  # what contributed less says nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """An alarm as the page shows it: in words, with its chart's window and who contributed."""

    alarm: AlarmRow
    title: str
    shown_from: datetime
    shown_to: datetime
    marked_from: datetime
    marked_to: datetime
    bars: Sequence[Bar]
    metrics: Sequence[str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story; `sentences` are its reasons in words."""

    entry: EntryRow
    is_own: bool
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class TicketPage:
    """Everything the page shows."""

    detail: TicketDetail
    facts: AssetFacts
    title: str
    sentence: str
    reasons: Sequence[str]
    findings: Sequence[Finding]
    story: Sequence[Line]
    moves: Sequence[MoveDecision]
    visit_fields: Mapping[str, str]
    may_close: bool
    assignable: Sequence[Person]
    may_take: bool
    may_write: bool
    reader_id: int | None
    is_customer: bool
    actions: Sequence[Action]


def load_ticket_page(
    session: Session, reader: SignedIn, ticket_id: int, *, at: datetime
) -> TicketPage:
    """The page of a ticket for its reader.

    Raises:
        NotFound: when there is none, or the scope does not see it.
    """
    scope, detail = reader.scope, get_ticket_detail(session, ticket_id, at=at)
    asset = get_asset(session, detail.row.asset_id)
    context = context_of(asset)
    allowed = [each for each in detail.moves if each.is_allowed]
    first = [each for each in allowed if each.move in _NEXT][:2]
    others = [each for each in allowed if each not in first]
    is_assigning = detail.may_assign and may(scope, Act.ASSIGN_TICKETS)
    return TicketPage(
        detail=detail,
        facts=get_asset_facts(session, asset.id),
        title=words.say(detail.row.title, context),
        sentence=next_sentence(detail.row, context, role=scope.role, at=at),
        reasons=words.say_all(detail.reasons, context),
        findings=[_finding(each, context, at) for each in detail.alarms],
        story=[_line(each, context, reader) for each in detail.entries],
        moves=[each for each in others if each.move != Move.CLOSE],
        visit_fields=show_visit(detail.row.visit, context.zone),
        may_close=any(each.move == Move.CLOSE for each in others),
        assignable=list_assignable(session) if is_assigning else [],
        may_take=detail.may_assign and detail.row.assignee_id != scope.person_id,
        may_write=detail.may_comment,
        reader_id=scope.person_id,
        is_customer=scope.role == Role.CUSTOMER,
        actions=[_action(detail.row.id, each, is_main=each is first[0]) for each in first],
    )


def _finding(alarm: AlarmRow, context: words.Context, at: datetime) -> Finding:
    seen = alarm.evidence
    began = alarm.started_at if seen.from_ms is None else from_ms(seen.from_ms)
    ended = alarm.cleared_at or (alarm.raised_at if seen.to_ms is None else from_ms(seen.to_ms))
    marked_from, marked_to = alarm.started_at, max(ended, alarm.started_at)
    around = max(_AROUND, (marked_to - marked_from) / 2)
    facts = AlarmFacts(alarm.condition, alarm.severity, 0, seen)
    told = [each for each in seen.metrics if each.share >= _LEAST_SHARE] or seen.metrics[:1]
    return Finding(
        alarm=alarm,
        title=words.say(describe(facts), context),
        shown_from=min(began, marked_from) - around,
        shown_to=min(marked_to + around, at + timedelta(seconds=1)),
        marked_from=marked_from,
        marked_to=marked_to,
        bars=[
            Bar(context.metrics.get(m.metric, m.metric), m.share, format_share(m.share))
            for m in told
        ],
        metrics=[m.metric for m in told],
    )


def _line(entry: EntryRow, context: words.Context, reader: SignedIn) -> Line:
    # Why a ticket was opened stands beside its findings already.
    is_opening = entry.kind == EntryKind.OPENED and entry.alarm_id is not None
    sentences = [] if is_opening else words.say_all(entry.reasons, context)
    is_own = (entry.author, entry.organisation) == (reader.name, reader.organisation)
    return Line(entry, is_own, sentences)


def _action(ticket_id: int, decision: MoveDecision, *, is_main: bool) -> Action:
    """One of the moves that come next; the others stand beside the story."""
    label, icon = str(labels.MOVES[decision.move]), labels.MOVE_ICONS[decision.move]
    if decision.move == Move.CLOSE:
        url = url_for("tickets.close_out_form", ticket_id=ticket_id)
        return Action(label, url, icon=icon, primary=is_main)
    act = url_for("tickets.move", ticket_id=ticket_id)
    fields = {"move": decision.move.value}
    return Action(label, action=act, icon=icon, primary=is_main, fields=fields)
