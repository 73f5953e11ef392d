"""The state of a machine in one or two whole sentences: how it is, and what happens next."""

from collections.abc import Sequence

from devices.fleet import AssetFacts
from services.tickets.queries import TicketRow
from services.tickets.rules import TicketState
from telemetry.alarms.queries import AlarmRow
from telemetry.health import Health
from web import words
from web.wording.alarms import title_of
from web.wording.translate import format_moment, format_span_s
from web.wording.translate import gettext as _


def state_sentence(
    health: Health,
    facts: AssetFacts,
    ticket: TicketRow | None,
    alarms: Sequence[AlarmRow],
    context: words.Context,
) -> str:
    """Is it well, and if not, what happens next?"""
    said = [_what_is_seen(health, alarms, context), _what_is_heard(health, facts, context)]
    said.append(_what_happens(ticket, context))
    return " ".join(sentence for sentence in said if sentence) or _(
        "All readings are as they should be."
    )


def _what_is_seen(health: Health, alarms: Sequence[AlarmRow], context: words.Context) -> str:
    active = next((alarm for alarm in alarms if alarm.is_active), None)
    if active is not None:
        return _(
            "%(title)s since %(since)s.",
            title=title_of(active.condition, active.evidence, context),
            since=format_moment(active.started_at.astimezone(context.zone)),
        )
    if alarms:
        title = title_of(alarms[0].condition, alarms[0].evidence, context)
        return _("“%(title)s” was seen and is over now.", title=title)
    return "" if health.is_silent else _("All readings are as they should be.")


def _what_is_heard(health: Health, facts: AssetFacts, context: words.Context) -> str:
    if not health.is_silent:
        return ""
    if not facts.devices:
        return _("No device speaks for it. Name its device in Administration.")
    device = facts.devices[0]
    expected = format_span_s(health.expected_s)
    if health.heard_at is None:
        return _(
            "Never heard; expected every %(interval)s. Check that device %(device)s is powered "
            "and connected.",
            interval=expected,
            device=device,
        )
    return _(
        "Not heard since %(since)s, expected every %(interval)s. Check power and network of "
        "device %(device)s.",
        since=format_moment(health.heard_at.astimezone(context.zone)),
        interval=expected,
        device=device,
    )


def _what_happens(ticket: TicketRow | None, context: words.Context) -> str:
    if ticket is None:
        return ""
    if ticket.state == TicketState.SOLVED:
        return _("Ticket %(number)s is reported as solved.", number=ticket.number)
    due = format_moment(ticket.due_at.astimezone(context.zone))
    if ticket.assignee is None:
        return _(
            "Ticket %(number)s is open and nobody is assigned; due %(due)s.",
            number=ticket.number,
            due=due,
        )
    return _(
        "%(person)s works on ticket %(number)s; due %(due)s.",
        person=ticket.assignee,
        number=ticket.number,
        due=due,
    )
