"""The people of the demo's history: they take up tickets, go there, and say what they found.

They act through the functions that the portal's buttons call, in their own scope. What they find
at a machine is what is wrong with it; the platform learns it only from their close-out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from devices.assets import Asset
from foundation.clock import to_ms
from foundation.database import Database
from foundation.identity.models import Membership, Organisation
from foundation.identity.scope import OrganisationKind, Role, Scope
from services.tickets.close_out import close_out
from services.tickets.codes import FailureCause, FailureMode
from services.tickets.models import Ticket, TicketAlarm
from services.tickets.moves import assign_ticket, move_ticket
from services.tickets.rules import Move, TicketState
from simulators.faults import Fault, FaultKind
from simulators.fleet import Fleet
from simulators.ledger import Act, Row, gather_faults
from telemetry.alarms.models import Alarm

OPENS, ENDS = 8, 17
READS_AFTER = timedelta(minutes=45)
GOES_AFTER = timedelta(hours=5)
WORKS_FOR = timedelta(hours=2)
ASKS_EVERY = timedelta(hours=1)
PARTS_TAKE = timedelta(days=1)

_FOUND = {
    FaultKind.OIL_COOLER_CLOGGING: (FailureMode.OHE, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.SEPARATOR_CLOGGING: (FailureMode.PLU, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.INLET_FILTER_CLOGGING: (FailureMode.PLU, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.BEARING_WEAR: (FailureMode.VIB, FailureCause.MISCELLANEOUS),
    FaultKind.AIR_LEAK: (FailureMode.PDE, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.UNLOADER_VALVE_FAILURE: (FailureMode.FTF, FailureCause.MISCELLANEOUS),
    FaultKind.SEAL_LEAK: (FailureMode.ELP, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.CAVITATION: (FailureMode.PLU, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.IMBALANCE: (FailureMode.VIB, FailureCause.MISCELLANEOUS),
    FaultKind.PUMP_BEARING_WEAR: (FailureMode.VIB, FailureCause.MISCELLANEOUS),
    FaultKind.IMPELLER_WEAR: (FailureMode.LOO, FailureCause.MISCELLANEOUS),
    FaultKind.SPINDLE_BEARING_WEAR: (FailureMode.VIB, FailureCause.MISCELLANEOUS),
    FaultKind.COOLANT_FILTER_CLOGGING: (FailureMode.PLU, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.HYDRAULIC_LEAK: (FailureMode.ELU, FailureCause.MISCELLANEOUS),
    FaultKind.AXIS_FRICTION: (FailureMode.PDE, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.CELL_AGEING: (FailureMode.LOO, FailureCause.MISCELLANEOUS),
    FaultKind.CELL_SHORT: (FailureMode.BRD, FailureCause.FABRICATION_INSTALLATION),
    FaultKind.BRAKE_DRAG: (FailureMode.OHE, FailureCause.OPERATION_MAINTENANCE),
    FaultKind.HYDRAULIC_PUMP_WEAR: (FailureMode.LOO, FailureCause.MISCELLANEOUS),
}


@dataclass(frozen=True, slots=True)
class _Dealer:
    organisation_id: int
    zone: ZoneInfo
    manager: Scope
    technician: Scope


class DemoPeople:
    """A manager and a technician at each dealer, with office hours and their delays."""

    def __init__(self, database: Database, fleet: Fleet) -> None:
        self._database = database
        self._next_at: datetime | None = None
        self._ledger = fleet.ledger
        machines = {asset.serial: asset for asset in fleet.assets}
        with database.session(Scope.system("demo")) as session:
            self._dealers = _list_dealers(session)
            self._machines = {
                asset_id: machines[serial]
                for asset_id, serial in session.execute(select(Asset.id, Asset.serial))
                if serial in machines
            }
        self._faults = {machine.device: machine.faults for machine in machines.values()}

    def step(self, now: datetime) -> None:
        """Does what is due by now, once an hour."""
        if self._next_at is not None and now < self._next_at:
            return
        self._next_at = now + ASKS_EVERY
        if self._ledger is not None:
            self._faults = dict(gather_faults(self._ledger.read()))
        for dealer in self._dealers:
            local = now.astimezone(dealer.zone)
            if local.weekday() < 5 and OPENS <= local.hour < ENDS:
                self._work(dealer, now)

    def _work(self, dealer: _Dealer, now: datetime) -> None:
        with self._database.session(dealer.manager) as session:
            query = select(Ticket.id, Ticket.state, Ticket.opened_at, Ticket.asset_id)
            rows = session.execute(query.where(Ticket.closed_at.is_(None))).all()
        for ticket_id, state, opened_at, asset_id in rows:
            age = now - opened_at
            if state == TicketState.NEW and age >= READS_AFTER:
                self._assign(dealer, ticket_id, now)
            elif state == TicketState.ACKNOWLEDGED and age >= GOES_AFTER:
                self._move(dealer, ticket_id, Move.START, now)
            elif state == TicketState.IN_PROGRESS and age >= GOES_AFTER + WORKS_FOR:
                self._finish(dealer, ticket_id, asset_id, now)
            elif state == TicketState.WAITING:
                self._go_again(dealer, ticket_id, asset_id, now, age)

    def _assign(self, dealer: _Dealer, ticket_id: int, now: datetime) -> None:
        with self._database.transaction(dealer.manager) as session:
            person_id = dealer.technician.person_id
            assign_ticket(session, ticket_id=ticket_id, person_id=person_id, at=now)

    def _move(self, dealer: _Dealer, ticket_id: int, move: Move, now: datetime) -> None:
        with self._database.transaction(dealer.technician) as session:
            move_ticket(session, ticket_id=ticket_id, move=move, at=now)

    def _go_again(
        self, dealer: _Dealer, ticket_id: int, asset_id: int, now: datetime, age: timedelta
    ) -> None:
        """Starts work anew once somebody has mended it, or the parts are there to do so."""
        are_parts_there = age >= GOES_AFTER + WORKS_FOR + PARTS_TAKE
        if self._is_mended(asset_id, now):
            self._move(dealer, ticket_id, Move.START, now)
        elif are_parts_there and self._ledger is not None:
            device = self._machines[asset_id].device
            self._ledger.append(Row(act=Act.REPAIR, device=device, at_ms=to_ms(now)))

    def _faults_of(self, asset_id: int) -> tuple[Fault, ...]:
        machine = self._machines.get(asset_id)
        return () if machine is None else self._faults.get(machine.device, ())

    def _is_mended(self, asset_id: int, now: datetime) -> bool:
        return not any(_is_present(fault, now) for fault in self._faults_of(asset_id))

    def _finish(self, dealer: _Dealer, ticket_id: int, asset_id: int, now: datetime) -> None:
        """Closes once the fault is mended, or when there is none; waits for parts until then."""
        with self._database.transaction(dealer.technician) as session:
            faults = self._faults_of(asset_id)
            if not self._is_mended(asset_id, now):
                note = "Seen on site. Parts are ordered."
                move_ticket(session, ticket_id=ticket_id, move=Move.WAIT, at=now, note=note)
                return
            alarms = _list_alarms(session, ticket_id)
            found = _find_mended(faults, alarms)
            mode, cause = (
                _FOUND[found.kind] if found else (FailureMode.NFF, FailureCause.NO_FAULT_FOUND)
            )
            close_out(
                session,
                ticket_id=ticket_id,
                failure_mode=mode.value,
                failure_cause=cause.value,
                verdicts={alarm.id: "right" if found else "false" for alarm in alarms},
                at=now,
                note=_NOTES[found.kind] if found else "Checked on site; nothing was wrong.",
            )


_NOTES = {
    FaultKind.OIL_COOLER_CLOGGING: "Blew out the oil cooler; temperature back to normal.",
    FaultKind.SEPARATOR_CLOGGING: "Changed separator element and oil filter.",
    FaultKind.INLET_FILTER_CLOGGING: "Changed the inlet filter; told the operator about the dust.",
    FaultKind.BEARING_WEAR: "Changed the air-end bearings.",
    FaultKind.AIR_LEAK: "Sealed the leaks in the network.",
    FaultKind.UNLOADER_VALVE_FAILURE: "Changed the unloader valve.",
    FaultKind.SEAL_LEAK: "Changed the mechanical seal.",
    FaultKind.CAVITATION: "Cleaned the suction strainer.",
    FaultKind.IMBALANCE: "Balanced the impeller.",
    FaultKind.PUMP_BEARING_WEAR: "Changed the pump's bearings.",
    FaultKind.IMPELLER_WEAR: "Changed impeller and wearing rings.",
    FaultKind.SPINDLE_BEARING_WEAR: "Changed the spindle's bearings.",
    FaultKind.COOLANT_FILTER_CLOGGING: "Changed the coolant filter.",
    FaultKind.HYDRAULIC_LEAK: "Changed a hydraulic hose.",
    FaultKind.AXIS_FRICTION: "Cleaned and lubricated the axis.",
    FaultKind.CELL_AGEING: "Changed the battery.",
    FaultKind.CELL_SHORT: "Changed the spoilt cell.",
    FaultKind.BRAKE_DRAG: "Freed the brake.",
    FaultKind.HYDRAULIC_PUMP_WEAR: "Changed the hydraulic pump.",
}


def _list_dealers(session: Session) -> list[_Dealer]:
    query = select(Organisation).where(Organisation.kind == OrganisationKind.DEALER)
    found = []
    for dealer in session.scalars(query):
        scopes = {
            role: Scope.of_person(person_id, dealer.id, role)
            for person_id, role in session.execute(
                select(Membership.person_id, Membership.role).where(
                    Membership.organisation_id == dealer.id
                )
            )
        }
        if {Role.DEALER_MANAGER, Role.TECHNICIAN} <= scopes.keys():
            zone = ZoneInfo(dealer.time_zone)
            manager, technician = scopes[Role.DEALER_MANAGER], scopes[Role.TECHNICIAN]
            found.append(_Dealer(dealer.id, zone, manager, technician))
    return found


def _list_alarms(session: Session, ticket_id: int) -> list[Alarm]:
    query = select(Alarm).join(TicketAlarm).where(TicketAlarm.ticket_id == ticket_id)
    return list(session.scalars(query))


def _is_present(fault: Fault, now: datetime) -> bool:
    now_ms = to_ms(now)
    return fault.onset_ms <= now_ms and (fault.cleared_ms is None or now_ms < fault.cleared_ms)


def _find_mended(faults: tuple[Fault, ...], alarms: list[Alarm]) -> Fault | None:
    """The fault that was there when the first alarm was raised."""
    if not alarms:
        return None
    raised_ms = min(to_ms(alarm.raised_at) for alarm in alarms)
    for fault in faults:
        if fault.onset_ms <= raised_ms and (fault.cleared_ms or raised_ms + 1) > raised_ms:
            return fault
    return None
