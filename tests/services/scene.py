"""Acts on a small network as its people and machines perform them, each in its own transaction."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from devices.assets import Asset, get_asset
from devices.ownership import AssetParty, PartyKind, set_party
from foundation.identity.models import Organisation
from foundation.jobs import run_due
from services.notifications.delivery import HANDLERS
from services.tickets.close_out import close_out
from services.tickets.detail import get_ticket_detail
from services.tickets.models import Ticket
from services.tickets.moves import assign_ticket, comment, move_ticket
from services.tickets.opening import report_problem
from services.tickets.rules import Move, Visit
from services.tickets.visits import plan_visit
from services.triage.triage import run_triage
from telemetry.alarms.lifecycle import clear_alarm, raise_alarm
from telemetry.alarms.models import Alarm, Severity
from tests.network import Network

HOT = "limit:temperature:high:serious"


def evidence(metric: str = "temperature", **changed: object) -> dict[str, object]:
    return {
        "detector": "limit",
        "top_metric": metric,
        "metrics": [{"metric": metric, "share": 1.0}],
        "value": 91.5,
        "threshold": 80.0,
        "unit": "Cel",
        "direction": "high",
        "score": None,
        "from_ms": 1_700_000_000_000,
        "to_ms": 1_700_000_600_000,
    } | changed


@dataclass
class Scene:
    """A network in which things happen."""

    network: Network

    @property
    def now(self):
        return self.network.clock.now()

    def alarm(self, condition=HOT, severity=Severity.SERIOUS, asset_id=None, **changed) -> int:
        with self.network.transaction() as session:
            alarm = raise_alarm(
                session,
                asset_id=asset_id or self.network.asset,
                condition=condition,
                detector="limit",
                severity=severity,
                started_at=self.now,
                raised_at=self.now,
                evidence=evidence(**changed),
            )
            return alarm.id

    def clear(self, condition=HOT) -> None:
        with self.network.transaction() as session:
            clear_alarm(session, asset_id=self.network.asset, condition=condition, at=self.now)

    def triage(self, limit=200) -> int:
        with self.network.transaction() as session:
            return run_triage(session, at=self.now, limit=limit)

    def ticket_from_alarm(self, **said) -> int:
        self.alarm(**said)
        self.triage()
        return self.tickets()[-1].id

    def report(self, person="customer", text="It hums.", asset_id=None, *, is_stopped=False):
        with self.network.transaction(person) as session:
            return report_problem(
                session,
                asset_id=asset_id or self.network.asset,
                text=text,
                is_stopped=is_stopped,
                at=self.now,
            )

    def move(self, ticket_id, move, person="technician", note="") -> None:
        with self.network.transaction(person) as session:
            move_ticket(session, ticket_id=ticket_id, move=move, note=note, at=self.now)

    def start(self, ticket_id) -> None:
        self.move(ticket_id, Move.ACKNOWLEDGE)
        self.move(ticket_id, Move.START)

    def assign(self, ticket_id, assignee, person="manager") -> None:
        person_id = self.network.people[assignee] if assignee else None
        with self.network.transaction(person) as session:
            assign_ticket(session, ticket_id=ticket_id, person_id=person_id, at=self.now)

    def plan(self, ticket_id, hours, length=2, person="manager") -> None:
        """A visit that begins so many hours from now; without hours it is taken back."""
        begins = None if hours is None else self.now + timedelta(hours=hours)
        visit = begins and Visit(begins, begins + timedelta(hours=length))
        with self.network.transaction(person) as session:
            plan_visit(session, ticket_id=ticket_id, visit=visit, at=self.now)

    def comment(self, ticket_id, text, person="technician", **said) -> None:
        with self.network.transaction(person) as session:
            comment(session, ticket_id=ticket_id, text=text, at=self.now, **said)

    def close(self, ticket_id, verdict="right", person="technician", **said) -> None:
        said = {"failure_mode": "OHE", "failure_cause": "operation_maintenance"} | said
        with self.network.transaction(person) as session:
            alarms = [alarm.id for alarm in self._detail(session, ticket_id).alarms]
            said.setdefault("verdicts", dict.fromkeys(alarms, verdict))
            close_out(session, ticket_id=ticket_id, at=self.now, **said)

    def _detail(self, session, ticket_id):
        return get_ticket_detail(session, ticket_id, at=self.now)

    def detail(self, ticket_id, person="manager"):
        with self.network.database.session(self.network.scope(person)) as session:
            return self._detail(session, ticket_id)

    def tickets(self) -> list[Ticket]:
        with self.session() as session:
            return list(session.scalars(select(Ticket).order_by(Ticket.id)))

    def alarms(self) -> list[Alarm]:
        with self.session() as session:
            return list(session.scalars(select(Alarm).order_by(Alarm.id)))

    def session(self, person=None):
        return self.network.database.session(self.network.scope(person))

    def deliver(self) -> int:
        return run_due(self.network.database, self.network.clock, HANDLERS, limit=1000)

    def set_party(self, kind, organisation) -> None:
        with self.network.transaction() as session:
            set_party(
                session,
                asset=get_asset(session, self.network.asset),
                kind=kind,
                organisation=session.get_one(
                    Organisation, self.network.organisations[organisation]
                ),
                at=self.now,
            )

    def dismiss_dealer(self) -> None:
        """The asset's servicing dealer gives it up and nobody follows."""
        with self.network.transaction() as session:
            query = select(AssetParty).where(
                AssetParty.asset_id == self.network.asset, AssetParty.kind == PartyKind.SERVICING
            )
            session.delete(session.scalars(query).one())

    def make_critical(self) -> None:
        with self.network.transaction() as session:
            session.get_one(Asset, self.network.asset).is_critical = True
