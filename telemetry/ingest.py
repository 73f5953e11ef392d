"""The batch loop from messages to stored samples: decode, resolve, check, store, then acknowledge.

Nothing is acknowledged before it is stored or in quarantine. A crash in between costs a repeat,
which the store's upsert absorbs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import structlog

from devices.readings import Reading, Rejection, RejectionCode
from devices.wire.contract import ConfirmationRequest
from devices.wire.native import confirm_topic, encode_confirmation
from devices.wire.registry import WireRegistry, build_registry
from foundation.clock import Clock, from_ms, stopwatch_s, to_ms
from foundation.database import Database
from foundation.identity.scope import Scope
from telemetry.columns import Columns
from telemetry.latest import Latest
from telemetry.mqtt import Message, MqttLink
from telemetry.quarantine import QuarantinedMessage, Refused, keep
from telemetry.reading_rules import (
    Standing,
    TimeWindows,
    check_ranges,
    decide_time,
    reject_time,
)
from telemetry.sources import Assignment, KnownSource, Sources
from telemetry.store.contract import SampleBatch, Store

_log = structlog.get_logger(__name__)

BATCH_MESSAGES = 2000
FLUSH_S = 0.1
_REFRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """A reading in its model's own metrics and units, with the time it is stored at."""

    assignment: Assignment
    at_ms: int
    values: dict[str, float]
    becomes_latest: bool
    clock_off_ms: int | None


@dataclass(slots=True)
class _Outcome:
    """What became of one message."""

    message: Message
    accepted: list[Accepted] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    confirmation: ConfirmationRequest | None = None
    source: str | None = None
    manufacturer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A confirmation to send to the device that asked for it."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class Counted:
    """What ingest did since it started."""

    messages: int = 0
    values: int = 0
    refused_messages: int = 0


class Ingest:
    """Takes batches of messages in; used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        store: Store,
        latest: Latest,
        sources: Sources,
        clock: Clock,
        *,
        windows: TimeWindows | None = None,
        registry: WireRegistry | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._latest = latest
        self._sources = sources
        self._clock = clock
        self._windows = windows or TimeWindows()
        self._registry = registry or build_registry()
        self._refreshed_s = float("-inf")
        self.counted = Counted()

    @property
    def topic_filters(self) -> tuple[str, ...]:
        return self._registry.topic_filters

    def take_in(self, messages: Sequence[Message]) -> list[Answer]:
        """Stores what the messages say and keeps what was refused; returns what was asked for.

        Raises:
            Unavailable: when a database is away; nothing may be acknowledged then.
        """
        self._refresh_sources()
        outcomes = [self._read(message) for message in messages]
        batches = _as_batches(outcomes)
        if batches:
            self._store.write(batches)
        self._quarantine(outcomes)
        self._remember(outcomes)
        return [answer for outcome in outcomes if (answer := _answer(outcome))]

    def reprocess(self, kept: QuarantinedMessage) -> bool:
        """Runs a quarantined message again, as of when it came; True when nothing was refused."""
        self._sources.refresh()
        received_ms = to_ms(kept.received_at)
        outcome = self._read(Message(0, 0, kept.topic, kept.payload, received_ms))
        if outcome.rejections:
            return False
        self._store.write(_as_batches([outcome]))
        self._remember([outcome])
        return True

    def _refresh_sources(self) -> None:
        now_s = stopwatch_s()
        if now_s - self._refreshed_s >= _REFRESH_S:
            self._sources.refresh()
            self._refreshed_s = now_s

    def _read(self, message: Message) -> _Outcome:
        outcome = _Outcome(message)
        try:
            self._read_into(outcome)
        except Exception as error:  # noqa: BLE001 - one message must not stop the others
            _log.exception("message could not be read", topic=message.topic)
            detail = f"{type(error).__name__} while reading the message."
            outcome.accepted.clear()
            outcome.rejections.append(Rejection(None, RejectionCode.UNEXPECTED, detail))
        return outcome

    def _read_into(self, outcome: _Outcome) -> None:
        message = outcome.message
        decoded = self._registry.decode(message.topic, message.payload, message.received_at_ms)
        outcome.confirmation = decoded.confirmation
        outcome.rejections.extend(decoded.rejections)
        for reading in decoded.readings:
            outcome.source = reading.source
            found = self._resolve(reading, message.received_at_ms, outcome)
            if found is not None:
                outcome.accepted.append(found)
        if outcome.source is None and decoded.rejections:
            outcome.source = decoded.rejections[0].source

    def _resolve(
        self, reading: Reading, received_at_ms: int, outcome: _Outcome
    ) -> Accepted | None:
        source = self._sources.find(reading.source)
        if source is None:
            outcome.rejections.append(_unknown_device(reading))
            return None
        decision = decide_time(
            reading.observed_at_ms, received_at_ms, newest_ms=None, windows=self._windows
        )
        refused = reject_time(reading.source, decision)
        if refused is not None or decision.stored_at_ms is None:
            outcome.rejections.extend([refused] if refused else [])
            return None
        assignment = source.find_assignment(decision.stored_at_ms)
        if assignment is None:
            outcome.rejections.append(_not_assigned(reading))
            return None
        outcome.manufacturer_id = assignment.manufacturer_id
        values = _to_metrics(reading, source, assignment.equipment_model, outcome.rejections)
        if not values:
            return None
        off = decision.ahead_ms if decision.standing is Standing.CLOCK_FAULT else None
        return Accepted(assignment, decision.stored_at_ms, values, decision.becomes_latest, off)

    def _quarantine(self, outcomes: Sequence[_Outcome]) -> None:
        refused = [_refused(each) for each in outcomes if each.rejections]
        if not refused:
            return
        with self._database.transaction(Scope.system("ingest")) as session:
            keep(session, refused)
        self.counted.refused_messages += len(refused)

    def _remember(self, outcomes: Sequence[_Outcome]) -> None:
        for outcome in outcomes:
            self.counted.messages += 1
            for each, following in zip_longest(outcome.accepted, outcome.accepted[1:]):
                self.counted.values += len(each.values)
                asset_id = each.assignment.asset_id
                self._latest.note_clock(asset_id, each.clock_off_ms)
                if each.becomes_latest and not _is_replaced(each, following):
                    self._latest.update(asset_id, each.at_ms, each.values)
        self._latest.publish()


def _is_replaced(each: Accepted, following: Accepted | None) -> bool:
    """Whether the next reading of the same message brings a newer value of all that it has."""
    return (
        following is not None
        and following.becomes_latest
        and following.assignment.asset_id == each.assignment.asset_id
        and following.at_ms >= each.at_ms
        and following.values.keys() >= each.values.keys()
    )


def _as_batches(outcomes: Sequence[_Outcome]) -> list[SampleBatch]:
    columns = Columns()
    for outcome in outcomes:
        for each in outcome.accepted:
            model = each.assignment.equipment_model
            columns.add(model, each.assignment.asset_id, each.at_ms, each.values)
    return columns.as_batches()


def _unknown_device(reading: Reading) -> Rejection:
    detail = f"No device {reading.source} is registered."
    return Rejection(reading.source, RejectionCode.UNKNOWN_DEVICE, detail)


def _not_assigned(reading: Reading) -> Rejection:
    detail = f"At that time {reading.source} was assigned to no machine."
    return Rejection(reading.source, RejectionCode.NOT_ASSIGNED, detail)


def _to_metrics(
    reading: Reading, source: KnownSource, model: str, rejections: list[Rejection]
) -> dict[str, float]:
    signals = source.signals[model]
    values: dict[str, float] = {}
    find = signals.get
    for name, value in reading.values.items():
        signal = find(name)
        if signal is None:
            detail = f"The equipment model has no metric for the signal {name}."
            unknown = RejectionCode.UNKNOWN_METRIC
            rejections.append(Rejection(reading.source, unknown, detail, name))
        else:
            values[signal.metric] = value * signal.scale + signal.offset
    kept, outside = check_ranges(reading.source, values, source.ranges[model])
    rejections.extend(outside)
    return kept


def _refused(outcome: _Outcome) -> Refused:
    first, message = outcome.rejections[0], outcome.message
    return Refused(
        source=outcome.source or first.source or "",
        topic=message.topic,
        payload=message.payload,
        received_at=from_ms(message.received_at_ms),
        code=first.code,
        detail=first.detail,
        faults=sum(each.count for each in outcome.rejections),
        organisation_id=outcome.manufacturer_id,
    )


def _answer(outcome: _Outcome) -> Answer | None:
    if outcome.confirmation is None or outcome.source is None:
        return None
    stored = sum(len(each.values) for each in outcome.accepted)
    rejected = sum(each.count for each in outcome.rejections)
    payload = encode_confirmation(outcome.confirmation, stored=stored, rejected=rejected)
    return Answer(confirm_topic(outcome.source), payload)


class IngestLoop:
    """The turns of the ingest thread: takes a batch, stores it, acknowledges it, answers.

    While a database is away the batch is held and tried again; nothing is acknowledged, so the
    broker's window closes and the broker keeps what follows.
    """

    def __init__(self, link: MqttLink, ingest: Ingest) -> None:
        self._link = link
        self._ingest = ingest
        self._held: list[Message] = []

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest message came that is not stored yet; None without any."""
        held = self._held
        return held[0].received_at_ms if held else self._link.oldest_ms

    def step(self) -> int:
        """One turn; returns how many messages it stored.

        Raises:
            Unavailable: when a database is away or the link cannot recover.
        """
        if not self._held:
            self._held = self._link.take(BATCH_MESSAGES, FLUSH_S)
        if not self._held:
            return 0
        answers = self._ingest.take_in(self._held)
        done, self._held = self._held, []
        self._link.acknowledge(done)
        for answer in answers:
            self._link.publish(answer.topic, answer.payload)
        return len(done)
