"""How well the platform finds what is wrong: every fault of every kind of machine, three times.

A fleet of its own goes through 80 days by the real ingest, detectors, alarm rules and triage under
a clock that is moved on. Each machine falls ill once or never. A technician goes to every ticket a
day after it was opened, mends what is wrong and closes three days later, or at once where nothing
is. What was found is held against what was done by the rule of `simulators/truth.py`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.figures import Figure
from benchmarks.options import Options
from benchmarks.trial_fleet import DAYS, START_MS, install_trial_fleet, make_trial_fleet
from devices.provisioning import Device, SourceAssignment
from devices.wire.native import encode_telemetry, telemetry_topic
from foundation.clock import ManualClock, from_ms, to_ms
from foundation.identity.scope import Scope
from foundation.settings import read_settings
from millwright.simulation.scoring import (
    FAULT_COLUMNS,
    MACHINE_COLUMNS,
    list_detections,
    list_done,
    tell,
)
from millwright.wiring import Platform, open_platform
from services.tickets.close_out import close_out
from services.tickets.models import Ticket, TicketAlarm
from services.tickets.moves import move_ticket
from services.tickets.rules import Move, TicketState
from simulators.fleet import DAY_MS, Chunk, Fleet
from simulators.ledger import Act, Ledger, Row, gather_faults
from simulators.messages import list_messages
from simulators.truth import (
    MONTH_MS,
    TOTAL,
    Detection,
    Done,
    FaultFigures,
    Judged,
    is_right,
    judge,
    score,
)
from telemetry.mqtt import Message

GOES_AFTER = timedelta(days=1)
# A day until the repair shows, and the longest window to fill with sound readings.
CLOSES_AFTER = timedelta(days=3)
_STEP_MS = 2 * 3_600_000
# Readings wait up to a step for their turn, which must not make them late.
_SPEED = 2 * _STEP_MS / 60_000


def measure(options: Options) -> list[Figure]:
    """Prints the table; the figures hold each fault, ticket and machine of it."""
    data = options.work / "ground_truth"
    settings = read_settings({"data_dir": data, "secret_key": "0" * 48}, {})
    ledger = Ledger.of_folder(data)
    fleet = make_trial_fleet(ledger)
    clock = ManualClock(from_ms(START_MS))
    with open_platform(settings, clock, speed=_SPEED) as platform:
        with platform.database.transaction(Scope.system("benchmark")) as session:
            scope = install_trial_fleet(session, fleet, at=clock.now())
        _play(platform, clock, fleet, scope)
        with platform.database.session(Scope.system("benchmark")) as session:
            kinds = {asset.device: asset.kind for asset in fleet.assets}
            detections = list_detections(session, kinds)
    return _report(fleet, list_done(ledger), detections)


def _play(platform: Platform, clock: ManualClock, fleet: Fleet, scope: Scope) -> None:
    technician = _Technician(platform, fleet, scope)
    end_ms = START_MS + DAYS * DAY_MS
    for day, chunks in enumerate(fleet.simulate_stretches(START_MS, end_ms)):
        messages = _write(fleet, chunks)
        begin_ms = START_MS + day * DAY_MS
        for step_end_ms in range(begin_ms + _STEP_MS, begin_ms + DAY_MS + 1, _STEP_MS):
            clock.set(from_ms(step_end_ms))
            count = bisect_left(messages, step_end_ms, key=lambda each: each.received_at_ms)
            platform.ingest.take_in(messages[:count])
            messages = messages[count:]
            platform.scoring.step()
            platform.worker.step()
            technician.step()


def _write(fleet: Fleet, chunks: list[Chunk]) -> list[Message]:
    packed = list_messages(fleet, chunks, readings_per_message=1)
    return [
        Message(0, 0, telemetry_topic(each.device), encode_telemetry(each.readings), each.due_ms)
        for each in packed
    ]


class _Technician:
    """Knows at the machine whether something is wrong, mends it, and closes when it stays well."""

    def __init__(self, platform: Platform, fleet: Fleet, scope: Scope) -> None:
        assert fleet.ledger is not None
        self._database, self._clock = platform.database, platform.clock
        self._ledger, self._scope = fleet.ledger, scope

    def step(self) -> None:
        """Goes to every ticket that has waited long enough, and closes what was mended."""
        now = self._clock.now()
        with self._database.transaction(self._scope) as session:
            query = select(Ticket.id, Ticket.asset_id, Ticket.state, Ticket.changed_at)
            rows = session.execute(query.where(Ticket.closed_at.is_(None))).all()
            for ticket_id, asset_id, state, changed_at in rows:
                if state == TicketState.NEW and changed_at <= now - GOES_AFTER:
                    self._visit(session, ticket_id, asset_id)
                elif state == TicketState.IN_PROGRESS and changed_at <= now - CLOSES_AFTER:
                    self._close(session, ticket_id, is_right=True)

    def _visit(self, session: Session, ticket_id: int, asset_id: int) -> None:
        now = self._clock.now()
        for move in (Move.ACKNOWLEDGE, Move.START):
            move_ticket(session, ticket_id=ticket_id, move=move, at=now)
        device = _find_device(session, asset_id)
        if self._is_ill(device):
            # The fleet takes it up with the next day, so that is when it is mended.
            day_ms = -(-to_ms(now) // DAY_MS) * DAY_MS
            self._ledger.append(Row(act=Act.REPAIR, device=device, at_ms=day_ms))
        else:
            self._close(session, ticket_id, is_right=False)

    def _close(self, session: Session, ticket_id: int, *, is_right: bool) -> None:
        alarms = select(TicketAlarm.alarm_id).where(TicketAlarm.ticket_id == ticket_id)
        close_out(
            session,
            ticket_id=ticket_id,
            failure_mode="OTH" if is_right else "NFF",
            failure_cause="miscellaneous" if is_right else "no_fault_found",
            verdicts=dict.fromkeys(session.scalars(alarms), "right" if is_right else "false"),
            at=self._clock.now(),
            note="Seen and mended." if is_right else "Nothing was wrong.",
        )

    def _is_ill(self, device: str) -> bool:
        now_ms = to_ms(self._clock.now())
        return any(
            fault.onset_ms <= now_ms and fault.cleared_ms is None
            for fault in gather_faults(self._ledger.read()).get(device, ())
        )


def _find_device(session: Session, asset_id: int) -> str:
    query = select(Device.key).join(SourceAssignment, SourceAssignment.device_id == Device.id)
    return session.scalars(query.where(SourceAssignment.asset_id == asset_id)).one()


def _report(fleet: Fleet, done: list[Done], detections: list[Detection]) -> list[Figure]:
    months = DAYS * DAY_MS / MONTH_MS
    asset_months = {
        kind: months * sum(asset.kind == kind for asset in fleet.assets) for kind in fleet.kinds
    }
    until_ms = START_MS + DAYS * DAY_MS
    found = score(done, detections, asset_months=asset_months, until_ms=until_ms)
    _print(FAULT_COLUMNS, tell(found)[0])
    _print(MACHINE_COLUMNS, tell(found)[1])
    judged = judge(done, detections, until_ms=until_ms)
    right = [is_right(each, done) for each in detections]
    false_alarms = {asset.device: 0.0 for asset in fleet.assets}
    for each, is_true in zip(detections, right, strict=True):
        false_alarms[each.device] += (1.0 - is_true) / months
    return [
        *(figure for each in found.by_fault for figure in _figure_fault(each, judged)),
        *_figure("lead of what was found", "h", found.by_fault[-1].leads_h),
        *_figure("tickets that were right (1) or not (0)", "", list(map(float, right))),
        *_figure("false alarms per month, each machine", "", list(false_alarms.values())),
    ]


def _figure_fault(figures: FaultFigures, judged: list[Judged]) -> Iterator[Figure]:
    meant = [
        float(each.found_ms is not None)
        for each in judged
        if figures.name in {TOTAL, each.done.fault.kind.value}
    ]
    leads = ", ".join(f"{lead:.0f}" for lead in figures.leads_h)
    note = f"{figures.recall.count} of {figures.recall.of}" + (
        f"; lead, h: {leads}" if leads else ""
    )
    return _figure(f"{figures.name}, found (1) or not (0)", "", meant, note)


def _figure(name: str, unit: str, values: Sequence[float], note: str = "") -> Iterator[Figure]:
    """None where nothing was counted."""
    if values:
        yield Figure(name, unit, values, note=note)


def _print(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print()
    for row in (columns, *rows):
        print("  " + row[0].ljust(26) + "".join(f"{cell:>16}" for cell in row[1:]))
