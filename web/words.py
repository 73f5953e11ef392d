"""Reasons in words: each code becomes a sentence in the reader's language.

Domain code knows codes and parameters only; a test sees to it that every code has words here.
"""

from collections.abc import Callable

from foundation.reasons import Reason
from web.wording import labels, offers
from web.wording.sentences import Context, Parts
from web.wording.translate import gettext as _
from web.wording.translate import ngettext

__all__ = ["SENTENCES", "Context", "Parts", "say", "say_all"]


def say(reason: Reason, context: Context | None = None) -> str:
    """The reason as a sentence, or its code where no words are known."""
    write = SENTENCES.get(reason.code)
    if write is None:
        return reason.code.replace("_", " ")
    return write(Parts(reason.parameters, context or Context()))


def say_all(reasons: tuple[Reason, ...], context: Context | None = None) -> list[str]:
    """Each reason as a sentence, the same one only once."""
    return list(dict.fromkeys(say(reason, context) for reason in reasons))


def _title_limit(p: Parts) -> str:
    if p.text("direction") == "low":
        return _("%(metric)s too low", metric=p.metric())
    return _("%(metric)s too high", metric=p.metric())


def _title_unusual(p: Parts) -> str:
    if p.text("metric"):
        return _("%(metric)s behaves unusually", metric=p.metric())
    return _("The machine behaves unusually")


def _limit_crossed(p: Parts) -> str:
    values = {
        "metric": p.metric(),
        "value": p.figure("value"),
        "limit": p.figure("threshold"),
        "since": p.since(),
    }
    if p.text("direction") == "low":
        return _(
            "%(metric)s was %(value)s, below its limit of %(limit)s, since %(since)s.", **values
        )
    return _("%(metric)s was %(value)s, above its limit of %(limit)s, since %(since)s.", **values)


def _concurrent(p: Parts) -> str:
    count = p.whole("count")
    return ngettext(
        "%(num)s alarm holds on this machine at the same time.",
        "%(num)s alarms hold on this machine at the same time.",
        count,
    )


def _returned(p: Parts) -> str:
    return ngettext(
        "The condition came back. It held %(num)s time so far.",
        "The condition came back. It held %(num)s times so far.",
        p.whole("count"),
    )


def _severity(p: Parts) -> str:
    severity = labels.SEVERITIES.get(p.text("severity"), p.text("severity"))
    return _("How bad the condition is: %(severity)s.", severity=severity)


def _alarm_active(p: Parts) -> str:
    severity = labels.SEVERITIES.get(p.text("severity"), p.text("severity"))
    return _("A condition holds now: %(severity)s.", severity=severity)


def _wrong_state(p: Parts) -> str:
    state = labels.TICKET_STATES.get(p.text("state"), p.text("state"))
    return _("The ticket is “%(state)s” by now. Load the page again.", state=state)


def _role_may_not(p: Parts) -> str:
    move = labels.MOVES.get(p.text("move"), p.text("move"))
    return _("“%(move)s” is not for your role.", move=move)


SENTENCES: dict[str, Callable[[Parts], str]] = {
    "title_limit": _title_limit,
    "title_unusual": _title_unusual,
    "title_alarm": lambda p: _("Alarm: %(condition)s", condition=p.text("condition")),
    "title_reported": lambda _p: _("Problem reported"),
    "limit_crossed": _limit_crossed,
    "unusual_pattern": lambda p: _(
        "Since %(since)s its readings together do not look like its normal period.",
        since=p.since(),
    ),
    "contributes": lambda p: _(
        "%(metric)s has a share of %(share)s in it.", metric=p.metric(), share=p.share("share")
    ),
    "severity": _severity,
    "critical_asset": lambda _p: _("The machine is marked as critical for its owner."),
    "concurrent_alarms": _concurrent,
    "likely_cause": lambda p: _("Likely cause: %(label)s.", label=p.text("label")),
    "no_known_cause": lambda _p: _("The equipment model names no likely cause for this."),
    "routed_to": lambda p: _("%(dealer)s serves this machine.", dealer=p.text("dealer")),
    "no_dealer": lambda _p: _("No dealer serves this machine yet. Name one in Administration."),
    "joins_open_ticket": lambda p: _(
        "It joined ticket %(number)s, which was open.", number=p.text("number")
    ),
    "alarm_closed_already": lambda _p: _("The alarm was over before anybody had to act."),
    "reported_by_person": lambda _p: _("A person reported it."),
    "machine_stopped": lambda _p: _("The machine stands still."),
    "priority_raised": lambda p: _(
        "Priority raised from P%(before)s to P%(after)s.",
        before=p.text("before"),
        after=p.text("after"),
    ),
    "condition_returned": _returned,
    "assigned": lambda p: _("%(person)s takes care of it.", person=p.text("person")),
    "unassigned": lambda _p: _("Nobody is assigned any more."),
    "visit_planned": lambda p: _("A visit is planned: %(window)s.", window=p.window()),
    "visit_moved": lambda p: _("The visit is moved to %(window)s.", window=p.window()),
    "visit_withdrawn": lambda _p: _("The planned visit does not take place."),
    "no_visit": lambda _p: _("No visit is planned that could be taken back."),
    "visit_backwards": lambda _p: _("The visit must end after it begins."),
    "visit_past": lambda _p: _("The visit would be over already. Choose a later time."),
    "visit_too_long": lambda p: _(
        "A visit is planned within %(hours)s hours at most.", hours=p.text("hours")
    ),
    "visit_too_far": lambda p: _(
        "A visit is planned at most %(days)s days ahead.", days=p.text("days")
    ),
    "role_may_not": _role_may_not,
    "wrong_state": _wrong_state,
    "alarms_need_verdicts": lambda _p: _(
        "Alarms stand behind this ticket. Close it out with a verdict on each."
    ),
    "reopen_too_late": lambda p: _(
        "It was closed more than %(days)s days ago. Report the problem anew.", days=p.text("days")
    ),
    "note_missing": lambda _p: _("Say in a note why."),
    "note_too_long": lambda p: _("The note has more than %(max)s characters.", max=p.text("max")),
    "text_missing": lambda _p: _("Write something first."),
    "text_too_long": lambda p: _("The text has more than %(max)s characters.", max=p.text("max")),
    "close_out_needed": lambda _p: _("To close a ticket, fill in the close-out."),
    "other_ticket_open": lambda p: _(
        "Ticket %(number)s is open on this machine. Write there.", number=p.text("number")
    ),
    "failure_mode_missing": lambda _p: _("Choose how the failure showed itself."),
    "failure_cause_missing": lambda _p: _("Choose where the failure came from."),
    "no_fault_needs_both_codes": lambda _p: _(
        "“No fault found” is chosen in only one of the first two questions. Choose it in both."
    ),
    "right_alarm_needs_fault": lambda _p: _(
        "An alarm was right, so there was a fault. Choose what it was."
    ),
    "verdict_missing": lambda _p: _("Say for each alarm whether it was right."),
    "verdict_unknown": lambda _p: _(
        "An alarm joined or left this ticket meanwhile. Load the page again."
    ),
    "not_your_colleague": lambda _p: _("Choose a person of your own organisation."),
    "assign_only_yourself": lambda _p: _(
        "You may take a ticket yourself. Your manager assigns it to others."
    ),
    "dealer_only": lambda _p: _("Only the dealer writes internal notes."),
    "alarm_active": _alarm_active,
    "alarm_past": lambda _p: _("A condition held, is over, and nobody has closed it yet."),
    "ticket_open": lambda _p: _("A ticket is open."),
    "silent": lambda _p: _("It has not been heard for longer than expected."),
    "never_heard": lambda _p: _("It has never been heard."),
    **offers.SENTENCES,
}
