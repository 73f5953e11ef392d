"""Refusals around tickets: they carry their reasons as codes, and a plain English sentence."""

from collections.abc import Sequence

from foundation.errors import Conflict, Invalid
from foundation.reasons import Reason

_SENTENCES = {
    "role_may_not": "Your role does not allow this move.",
    "wrong_state": "The ticket is {state} by now, so this move is not possible. Reload the page.",
    "alarms_need_verdicts": "Alarms stand behind this ticket. Close it with a verdict on each.",
    "reopen_too_late": "It was closed more than {days} days ago. Report the problem anew.",
    "note_missing": "Say in a note why.",
    "note_too_long": "The note is longer than {max} characters.",
    "text_missing": "Write something first.",
    "text_too_long": "The text is longer than {max} characters.",
    "close_out_needed": "To close a ticket, fill in the close-out.",
    "other_ticket_open": "Ticket {number} is open on this machine. Write there.",
    "failure_mode_missing": "Choose how the failure showed itself.",
    "failure_cause_missing": "Choose where the failure came from.",
    "no_fault_needs_both_codes": "No fault found: choose it both as failure mode and as cause.",
    "right_alarm_needs_fault": "An alarm was right, so there was a fault. Choose its codes.",
    "verdict_missing": "Say for each alarm whether it was right.",
    "verdict_unknown": "A verdict does not fit the alarms of this ticket. Reload the page.",
    "not_your_colleague": "Only people of the dealer who serves the machine can be assigned.",
    "assign_only_yourself": "You may take a ticket yourself. Your manager assigns it to others.",
    "no_visit": "No visit is planned that could be taken back.",
    "visit_backwards": "The visit must end after it begins.",
    "visit_past": "The visit would be over already. Choose a later time.",
    "visit_too_long": "A visit is planned within {hours} hours at most.",
    "visit_too_far": "A visit is planned at most {days} days ahead.",
    "dealer_only": "Only the dealer writes internal notes.",
}


def say(reason: Reason) -> str:
    """The reason in plain English, for logs and for callers without a portal."""
    return _SENTENCES[reason.code].format_map(dict(reason.parameters))


class MoveRefused(Conflict):
    """The ticket does not allow that now; `reason` says why as a code."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(say(reason))
        self.reason = reason


class EntryRefused(Invalid):
    """What was handed in breaks rules; `reasons` says which."""

    def __init__(self, reasons: Sequence[Reason], *, field: str | None = None) -> None:
        super().__init__(" ".join(dict.fromkeys(say(reason) for reason in reasons)), field=field)
        self.reasons = tuple(reasons)
