"""Pure rules of triage: open, join or ignore; how urgent; what lies behind it, and why so."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from foundation.reasons import Reason
from services.tickets.evidence import CauseHint, Evidence

# By the severities of telemetry, the worst first; 4 is the least urgent priority.
PRIORITY_OF_SEVERITY = {"critical": 2, "serious": 3, "warning": 4}
MANY_ALARMS = 3
_SHOWN_METRICS = 3


class DecisionKind(StrEnum):
    """What becomes of an alarm."""

    OPEN = "open"
    JOIN = "join"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """What triage must know of an alarm; `started_ms` since 1970."""

    condition: str
    severity: str
    started_ms: int
    evidence: Evidence
    is_closed: bool = False

    @property
    def metric(self) -> str | None:
        """The metric it is about most; a limit's condition names it even without evidence."""
        return self.evidence.top_metric or self._limit_part(1)

    @property
    def direction(self) -> str | None:
        return self.evidence.direction or self._limit_part(2)

    @property
    def is_limit(self) -> bool:
        return self.condition.startswith("limit:")

    def _limit_part(self, position: int) -> str | None:
        parts = self.condition.split(":")
        return parts[position] if self.is_limit and len(parts) > position else None


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """What triage must know of the asset: the name of its servicing dealer, alarms active now."""

    is_critical: bool
    dealer: str | None
    active_alarms: int = 1


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """The ticket that is open on the asset."""

    number: str
    priority: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the alarm, with its reasons; a joined ticket gets the better priority."""

    kind: DecisionKind
    priority: int
    title: Reason
    reasons: tuple[Reason, ...]
    likely_cause: CauseHint | None = None


def decide_triage(
    alarm: AlarmFacts,
    asset: AssetFacts,
    causes: Iterable[CauseHint],
    open_ticket: OpenTicket | None,
) -> Decision:
    """What becomes of an alarm that nobody decided on."""
    title = describe(alarm)
    priority, why_priority = decide_priority(alarm.severity, asset)
    if alarm.is_closed:
        return Decision(DecisionKind.IGNORE, priority, title, (Reason("alarm_closed_already"),))
    cause = choose_cause(alarm, causes)
    reasons = (
        *_explain(alarm),
        *why_priority,
        _explain_cause(alarm, cause),
        _explain_route(asset),
    )
    if open_ticket is None:
        return Decision(DecisionKind.OPEN, priority, title, reasons, cause)
    reasons += (Reason("joins_open_ticket", {"number": open_ticket.number}),)
    priority = min(priority, open_ticket.priority)
    return Decision(DecisionKind.JOIN, priority, title, reasons, cause)


def decide_priority(severity: str, asset: AssetFacts) -> tuple[int, tuple[Reason, ...]]:
    """1 (most urgent) to 4: by severity, one up for a critical machine, one up for many alarms."""
    priority = PRIORITY_OF_SEVERITY.get(severity, 3)
    reasons = [Reason("severity", {"severity": severity})]
    if asset.is_critical:
        priority -= 1
        reasons.append(Reason("critical_asset"))
    if asset.active_alarms >= MANY_ALARMS:
        priority -= 1
        reasons.append(Reason("concurrent_alarms", {"count": asset.active_alarms}))
    return max(priority, 1), tuple(reasons)


def choose_cause(alarm: AlarmFacts, causes: Iterable[CauseHint]) -> CauseHint | None:
    """The cause written for the condition and its top metric, else for the condition alone.

    A condition `limit:temperature:high` stands for all its severities; the longest one that fits
    wins, and among equals the first.
    """
    top = alarm.metric
    fitting = [
        cause
        for cause in causes
        if _is_within(alarm.condition, cause.condition) and cause.metric in (None, top)
    ]
    return max(
        fitting, key=lambda cause: (cause.metric is not None, len(cause.condition)), default=None
    )


def _is_within(condition: str, written: str) -> bool:
    return condition == written or condition.startswith(f"{written}:")


def describe(alarm: AlarmFacts) -> Reason:
    """The condition in one line, for a title."""
    if alarm.is_limit:
        return Reason("title_limit", {"metric": alarm.metric, "direction": alarm.direction})
    if alarm.condition == "normal_period":
        return Reason("title_unusual", {"metric": alarm.metric})
    return Reason("title_alarm", {"condition": alarm.condition})


def _explain(alarm: AlarmFacts) -> tuple[Reason, ...]:
    seen = alarm.evidence
    if not alarm.is_limit:
        found = Reason("unusual_pattern", {"score": seen.score, "since_ms": alarm.started_ms})
        return (found, *_explain_shares(seen))
    crossed = {
        "metric": alarm.metric,
        "direction": alarm.direction,
        "value": seen.value,
        "threshold": seen.threshold,
        "unit": seen.unit,
        "since_ms": alarm.started_ms,
    }
    return (Reason("limit_crossed", crossed),)


def _explain_shares(seen: Evidence) -> tuple[Reason, ...]:
    return tuple(
        Reason("contributes", {"metric": each.metric, "share": each.share})
        for each in seen.metrics[:_SHOWN_METRICS]
    )


def _explain_route(asset: AssetFacts) -> Reason:
    # Without a dealer the ticket still opens: its manufacturer and customer see it, and the dealer
    # does as soon as there is one.
    return Reason("routed_to", {"dealer": asset.dealer}) if asset.dealer else Reason("no_dealer")


def _explain_cause(alarm: AlarmFacts, cause: CauseHint | None) -> Reason:
    if cause is None:
        return Reason("no_known_cause", {"condition": alarm.condition, "metric": alarm.metric})
    return Reason("likely_cause", {"label": cause.label, "metric": cause.metric})
