"""An alarm in words: its title, from the same rules that title its ticket."""

from collections.abc import Mapping
from typing import Any

from foundation.reasons import Reason
from services.tickets.evidence import Evidence
from services.triage.rules import AlarmFacts, describe
from web import words


def title_of(condition: str, evidence: Mapping[str, Any], context: words.Context) -> str:
    """What was found, in one line."""
    return words.say(reason_of(condition, evidence), context)


def reason_of(condition: str, evidence: Mapping[str, Any]) -> Reason:
    """What was found, as the reason that a ticket of it would have for a title."""
    return describe(AlarmFacts(condition, "", 0, Evidence.read(evidence)))
