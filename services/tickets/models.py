"""Tickets, their story and their alarms, with who sees and who writes each row."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    and_,
    false,
    inspect,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from devices.access import (
    Act,
    Reach,
    asset_condition,
    is_asset_visible,
    may,
    story_condition,
)
from devices.assets import Asset
from foundation.database import Base, BigId, Scoped
from foundation.identity.scope import Role, Scope
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.rules import (
    Audience,
    EntryKind,
    Origin,
    TicketState,
    Visit,
    is_path,
    ticket_number,
)
from telemetry.alarms.models import Alarm


class Ticket(Scoped, Base):
    """A problem on an asset as its customer sees it; `dealer_id`, `customer_id` at its opening."""

    __tablename__ = "ticket"
    __table_args__ = (
        # Whatever runs at once, an asset has one open ticket; everything else joins it.
        Index(
            "uq_ticket_open",
            "asset_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_ticket_queue", "state", "priority", "due_at", "id"),
        CheckConstraint(
            "(closed_at IS NULL) = (state NOT IN ('closed', 'cancelled'))", name="closed_state"
        ),
        CheckConstraint(
            "(state = 'closed') = (failure_mode IS NOT NULL AND failure_cause IS NOT NULL)",
            name="closed_codes",
        ),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        CheckConstraint("(visit_from IS NULL) = (visit_to IS NULL)", name="visit_pair"),
        CheckConstraint(
            "visit_from IS NULL OR state IN ('acknowledged', 'in_progress', 'waiting')",
            name="visit_state",
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    dealer_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    origin: Mapped[Origin]
    state: Mapped[TicketState] = mapped_column(default=TicketState.NEW)
    priority: Mapped[int]
    title: Mapped[dict[str, Any]]
    likely_cause: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reasons: Mapped[list[dict[str, Any]]]
    # How many times the conditions of its alarms held; repeats are counted, never new tickets.
    occurrence_count: Mapped[int] = mapped_column(default=0)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    response_due_at: Mapped[datetime]
    due_at: Mapped[datetime]
    # When somebody is to come; empty again once they were there.
    visit_from: Mapped[datetime | None]
    visit_to: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    solved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    failure_mode: Mapped[FailureMode | None]
    failure_cause: Mapped[FailureCause | None]
    close_note: Mapped[str | None] = mapped_column(Text)

    asset: Mapped[Asset] = relationship()

    @property
    def number(self) -> str:
        return ticket_number(self.id)

    @property
    def visit(self) -> Visit | None:
        if self.visit_from is None or self.visit_to is None:
            return None
        return Visit(self.visit_from, self.visit_to)

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return story_condition(cls.asset_id, cls.opened_at, cls.closed_at, scope)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        if not is_asset_visible(session, self.asset_id, Reach.EVERYTHING) or scope.role is None:
            return False
        if self in session.new:
            is_fresh = self.state == TicketState.NEW and self.origin == Origin.CUSTOMER
            return may(scope, Act.REPORT_PROBLEM) and is_fresh
        return self._is_change_allowed(scope, scope.role)

    def _is_change_allowed(self, scope: Scope, role: Role) -> bool:
        if self in _deleted(self):
            return False
        changed = _changed(self)
        if changed & _NEVER_CHANGED or not self._is_move_allowed(role):
            return False
        if may(scope, Act.WORK_TICKETS):
            return True
        if changed <= _CHANGED_BY_COMMENT:
            return may(scope, Act.COMMENT)
        is_reopened = "state" in changed
        allowed = _CHANGED_BY_REOPENING if is_reopened else _CHANGED_BY_REPORT
        return may(scope, Act.REPORT_PROBLEM) and changed <= allowed

    def _is_move_allowed(self, role: Role) -> bool:
        history = inspect(self).attrs.state.history
        return not history.deleted or is_path(history.deleted[0], self.state, role)


_NEVER_CHANGED = frozenset({"id", "asset_id", "origin", "opened_at", "title"})
_CHANGED_BY_COMMENT = frozenset({"changed_at"})
_CHANGED_BY_REPORT = frozenset({"changed_at", "priority", "response_due_at", "due_at"})
_CHANGED_BY_REOPENING = _CHANGED_BY_REPORT | frozenset(
    {"state", "solved_at", "closed_at", "failure_mode", "failure_cause", "close_note"}
)


def _changed(ticket: Ticket) -> frozenset[str]:
    attributes = inspect(ticket).attrs
    return frozenset(each.key for each in attributes if each.history.has_changes())


def _deleted(ticket: Ticket) -> Any:
    session = inspect(ticket).session
    return session.deleted if session is not None else ()


class TicketEntry(Scoped, Base):
    """One line of a ticket's story: a message, a move, an alarm; never changed afterwards."""

    __tablename__ = "ticket_entry"
    __table_args__ = (Index("ix_ticket_entry_story", "ticket_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    kind: Mapped[EntryKind]
    audience: Mapped[Audience] = mapped_column(default=Audience.EVERYONE)
    # Who wrote it and for whom; both None when the platform did.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    written_at: Mapped[datetime]
    text: Mapped[str | None] = mapped_column(Text)
    reasons: Mapped[list[dict[str, Any]]]
    move: Mapped[str | None] = mapped_column(String(20))
    from_state: Mapped[TicketState | None]
    to_state: Mapped[TicketState | None]
    alarm_id: Mapped[int | None] = mapped_column(ForeignKey("alarm.id"))

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return and_(
            story_condition(cls.asset_id, cls.written_at, cls.written_at, scope),
            or_(
                cls.audience == Audience.EVERYONE,
                cls.organisation_id == scope.organisation_id
                if may(scope, Act.WORK_TICKETS)
                else false(),
            ),
        )

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        if self not in session.new or not may(scope, self._act()):
            return False
        is_own = (self.person_id, self.organisation_id) == (scope.person_id, scope.organisation_id)
        ticket = session.get(Ticket, self.ticket_id)
        is_of_ticket = ticket is not None and ticket.asset_id == self.asset_id
        return (
            is_own and is_of_ticket and is_asset_visible(session, self.asset_id, Reach.EVERYTHING)
        )

    def _act(self) -> Act:
        if self.audience == Audience.DEALER:
            return Act.WORK_TICKETS
        return _ACT_OF_KIND.get(self.kind, Act.WORK_TICKETS)


# A customer's only move is to reopen; that only such a move is made is checked on the ticket.
_ACT_OF_KIND = {
    EntryKind.COMMENT: Act.COMMENT,
    EntryKind.REPORT: Act.REPORT_PROBLEM,
    EntryKind.OPENED: Act.REPORT_PROBLEM,
    EntryKind.MOVED: Act.REPORT_PROBLEM,
}


class TicketAlarm(Scoped, Base):
    """An alarm belongs to a ticket; triage alone writes these rows."""

    __tablename__ = "ticket_alarm"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"), unique=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), index=True)
    joined_at: Mapped[datetime]

    alarm: Mapped[Alarm] = relationship()

    @classmethod
    def visible_to(cls, scope: Scope) -> ColumnElement[bool]:
        return asset_condition(cls.asset_id, scope, Reach.EVERYTHING)

    def is_writable_by(self, scope: Scope, session: Session) -> bool:
        del scope, session
        return False
