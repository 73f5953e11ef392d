"""Where a ticket stands and what happens next, in one whole sentence for its reader."""

from datetime import datetime

from foundation.identity.scope import Role
from services.tickets.queries import TicketRow
from services.tickets.rules import TicketState
from web import words
from web.wording.translate import format_moment
from web.wording.translate import gettext as _
from web.wording.visits import arrival_sentence


def next_sentence(
    row: TicketRow, context: words.Context, *, role: Role | None, at: datetime
) -> str:
    """What happens next: for a customer what to expect, for others what is due."""
    arrival = arrival_sentence(row, context.zone, at)
    if role == Role.CUSTOMER:
        return arrival or _for_customer(row, context)
    if role == Role.MANUFACTURER and row.state == TicketState.SOLVED:
        solved = _moment(row.solved_at, context)
        return _("Reported as solved %(at)s. Its dealer closes it out.", at=solved)
    told = _when_over(row, context) or _while_open(row, context, at)
    return f"{arrival} {told}".strip()


def _moment(at: datetime | None, context: words.Context) -> str:
    return "" if at is None else format_moment(at.astimezone(context.zone))


def _when_over(row: TicketRow, context: words.Context) -> str:
    if row.state == TicketState.CLOSED:
        return _("Closed %(at)s.", at=_moment(row.closed_at, context))
    if row.state == TicketState.CANCELLED:
        return _("Cancelled %(at)s.", at=_moment(row.closed_at, context))
    if row.state == TicketState.SOLVED:
        return _(
            "Reported as solved %(at)s. Close it out, so that the detectors learn from it.",
            at=_moment(row.solved_at, context),
        )
    return ""


def _while_open(row: TicketRow, context: words.Context, at: datetime) -> str:
    due = _moment(row.due_at, context)
    if row.state == TicketState.NEW:
        answer = _moment(row.response_due_at, context)
        if row.response_due_at < at:
            return _("Nobody has accepted it; the first answer was due %(due)s.", due=answer)
        return _("Nobody has accepted it yet; the first answer is due %(due)s.", due=answer)
    if row.assignee is None:
        return _("Nobody is assigned. It should be solved by %(due)s.", due=due)
    if row.due_at < at:
        return _(
            "%(person)s takes care of it. It should have been solved by %(due)s.",
            person=row.assignee,
            due=due,
        )
    return _(
        "%(person)s takes care of it. It should be solved by %(due)s.",
        person=row.assignee,
        due=due,
    )


def _for_customer(row: TicketRow, context: words.Context) -> str:
    due = _moment(row.due_at, context)
    if row.state == TicketState.NEW:
        answer = _moment(row.response_due_at, context)
        return _("Your dealer was told. Expect an answer by %(due)s.", due=answer)
    if row.state == TicketState.SOLVED:
        return _("Your dealer reports it as solved. Reopen it if the problem is still there.")
    if row.state == TicketState.CLOSED:
        return _("Done since %(at)s. You need to do nothing.", at=_moment(row.closed_at, context))
    if row.state == TicketState.CANCELLED:
        return _("Your dealer ended this request %(at)s.", at=_moment(row.closed_at, context))
    if row.assignee is None:
        return _("Your dealer has accepted it. It should be solved by %(due)s.", due=due)
    return _(
        "%(person)s takes care of it. It should be solved by %(due)s.",
        person=row.assignee,
        due=due,
    )
