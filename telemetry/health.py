"""How well a machine is, decided from its open alarms, its open ticket and when it was last heard.

The decision is pure and comes with its reasons; words and colours belong to web.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from devices.assets import Asset
from devices.equipment_models import Metric
from foundation.clock import from_ms
from foundation.reasons import Reason
from telemetry.alarms.models import Alarm, Severity
from telemetry.latest import Latest

MISSED_READINGS = 5
LEAST_SILENCE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class MachineState(StrEnum):
    """The five states of a machine, worst first."""

    CRITICAL = "critical"
    NO_DATA = "no_data"
    NEEDS_SERVICE = "needs_service"
    WATCH = "watch"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What the state is decided from; `expected_s` is how often a reading should come."""

    active: frozenset[Severity] = frozenset()
    has_open_alarm: bool = False
    has_open_ticket: bool = False
    heard_at: datetime | None = None
    expected_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Health:
    """The state with its reasons, and since when the machine was not heard, if that is so."""

    state: MachineState
    reasons: tuple[Reason, ...]
    heard_at: datetime | None
    expected_s: float
    is_silent: bool


def longest_silence(expected_s: float) -> timedelta:
    """How long a machine may be silent before it counts as not heard."""
    return max(timedelta(seconds=expected_s * MISSED_READINGS), LEAST_SILENCE)


def decide_health(facts: HealthFacts, now: datetime) -> Health:
    """The state of a machine; a critical condition outranks silence, silence outranks the rest."""
    silent = facts.heard_at is None or now - facts.heard_at > longest_silence(facts.expected_s)
    reasons: list[Reason] = [Reason("alarm_active", {"severity": s}) for s in sorted(facts.active)]
    if silent:
        reasons.append(Reason("never_heard" if facts.heard_at is None else "silent"))
    if facts.has_open_ticket:
        reasons.append(Reason("ticket_open"))
    if facts.has_open_alarm and not facts.active:
        reasons.append(Reason("alarm_past"))
    state = _decide_state(facts, silent=silent)
    return Health(state, tuple(reasons), facts.heard_at, facts.expected_s, silent)


def _decide_state(facts: HealthFacts, *, silent: bool) -> MachineState:
    if Severity.CRITICAL in facts.active:
        return MachineState.CRITICAL
    if silent:
        return MachineState.NO_DATA
    if Severity.SERIOUS in facts.active or facts.has_open_ticket:
        return MachineState.NEEDS_SERVICE
    if facts.has_open_alarm:
        return MachineState.WATCH
    return MachineState.WELL


def list_states(
    session: Session,
    latest: Latest,
    expected: Mapping[int, float],
    *,
    now: datetime,
    with_ticket: Collection[int],
) -> dict[int, MachineState]:
    """The states alone of the assets in `expected`, which says how often each should report, in s.

    The same rule as `decide_health` for whole fleets: nearly all machines have neither alarm nor
    ticket, and then only their silence counts.
    """
    active, open_alarms = _list_open_alarms(session)
    noted = open_alarms | frozenset(with_ticket)
    silences = {each: longest_silence(each) // _MICROSECOND for each in set(expected.values())}
    heard, now_us = latest.at_ms(expected), (now - _EPOCH) // _MICROSECOND
    found = {}
    for asset_id, expected_s in expected.items():
        at_ms = heard.get(asset_id)
        silent = not at_ms or now_us - at_ms * 1_000 > silences[expected_s]
        if asset_id not in noted:
            found[asset_id] = MachineState.NO_DATA if silent else MachineState.WELL
            continue
        facts = HealthFacts(
            active=frozenset(active.get(asset_id, ())),
            has_open_alarm=asset_id in open_alarms,
            has_open_ticket=asset_id in with_ticket,
        )
        found[asset_id] = _decide_state(facts, silent=silent)
    return found


def list_health(
    session: Session,
    latest: Latest,
    *,
    now: datetime,
    with_ticket: Collection[int],
    ids: Collection[int] | None = None,
) -> dict[int, Health]:
    """The health of every asset that the scope sees, or of some of them, by asset id.

    `with_ticket` holds the assets that have an open ticket.
    """
    expected = _list_expected(session, ids)
    active, open_alarms = _list_open_alarms(session, ids)
    heard = latest.at_ms(expected)
    tickets = frozenset(with_ticket)
    found = {}
    for asset_id, expected_s in expected.items():
        at_ms = heard.get(asset_id)
        facts = HealthFacts(
            active=frozenset(active.get(asset_id, ())),
            has_open_alarm=asset_id in open_alarms,
            has_open_ticket=asset_id in tickets,
            heard_at=_heard_at(at_ms),
            expected_s=expected_s,
        )
        found[asset_id] = decide_health(facts, now)
    return found


def get_health(
    session: Session, latest: Latest, asset: Asset, *, now: datetime, has_open_ticket: bool
) -> Health:
    """The health of one asset."""
    query = select(Alarm.severity, Alarm.is_active).where(
        Alarm.asset_id == asset.id, Alarm.closed_at.is_(None)
    )
    alarms = session.execute(query).all()
    at_ms = latest.at_ms([asset.id]).get(asset.id)
    facts = HealthFacts(
        active=frozenset(severity for severity, is_active in alarms if is_active),
        has_open_alarm=bool(alarms),
        has_open_ticket=has_open_ticket,
        heard_at=_heard_at(at_ms),
        expected_s=min((m.interval_s for m in asset.equipment_model.metrics), default=60.0),
    )
    return decide_health(facts, now)


def _heard_at(at_ms: int | None) -> datetime | None:
    # 0 stands for a machine of which only its wrong clock is known so far.
    return from_ms(at_ms) if at_ms else None


def count_states(states: Iterable[MachineState]) -> dict[MachineState, int]:
    """How many machines are in each state, worst first."""
    counted = dict.fromkeys(MachineState, 0)
    for state in states:
        counted[state] += 1
    return counted


def _list_expected(session: Session, ids: Collection[int] | None) -> dict[int, float]:
    query = (
        select(Asset.id, func.min(Metric.interval_s))
        .join(Metric, Metric.equipment_model_id == Asset.equipment_model_id)
        .group_by(Asset.id)
    )
    if ids is not None:
        query = query.where(Asset.id.in_(ids))
    return dict(session.execute(query).all())


def _list_open_alarms(
    session: Session, ids: Collection[int] | None = None
) -> tuple[dict[int, set[Severity]], set[int]]:
    query = select(Alarm.asset_id, Alarm.severity, Alarm.is_active).where(
        Alarm.closed_at.is_(None)
    )
    if ids is not None:
        query = query.where(Alarm.asset_id.in_(ids))
    active: dict[int, set[Severity]] = {}
    with_alarm: set[int] = set()
    for asset_id, severity, is_active in session.execute(query):
        with_alarm.add(asset_id)
        if is_active:
            active.setdefault(asset_id, set()).add(severity)
    return active, with_alarm
