"""Random sequences of acts of machines, dealers and customers keep what must always hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from foundation.clock import from_ms, to_ms
from foundation.errors import MillwrightError
from foundation.jobs import Job
from services.tickets.close_out import close_out
from services.tickets.loading import list_alarms
from services.tickets.models import Ticket, TicketAlarm, TicketEntry
from services.tickets.moves import assign_ticket, comment, move_ticket
from services.tickets.opening import report_problem
from services.tickets.rules import FINAL_STATES, Move, TicketState
from services.triage.triage import run_triage
from telemetry.alarms.lifecycle import clear_alarm, raise_alarm
from telemetry.alarms.models import Alarm, Occurrence, Severity
from tests.network import Network
from tests.services.scene import evidence

PEOPLE = ["manager", "technician", "customer", "maker", "other_manager"]
CONDITIONS = ["limit:temperature:high:serious", "normal_period"]
ACTS = st.one_of(
    st.tuples(st.just("raise"), st.sampled_from(CONDITIONS)),
    st.tuples(st.just("clear"), st.sampled_from(CONDITIONS)),
    st.tuples(st.just("triage"), st.none()),
    st.tuples(st.just("report"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("move"), st.tuples(st.sampled_from(PEOPLE), st.sampled_from(Move))),
    st.tuples(st.just("go on"), st.none()),
    st.tuples(st.just("assign"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("comment"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("close"), st.tuples(st.sampled_from(PEOPLE), st.booleans())),
)
NEXT = {
    TicketState.NEW: Move.ACKNOWLEDGE,
    TicketState.ACKNOWLEDGED: Move.START,
    TicketState.IN_PROGRESS: Move.SOLVE,
}


class Player:
    """Performs acts in one session, as whoever performs them; what is refused is undone."""

    def __init__(self, network: Network, session) -> None:
        self.network, self.session = network, session
        self.at = network.clock.now()

    def play(self, name, said) -> None:
        self.at = from_ms(to_ms(self.at) + 60_000)
        self.session.info["scope"] = self.network.scope(None)
        try:
            with self.session.begin_nested():
                getattr(self, f"do_{name.replace(' ', '_')}")(said)
        except MillwrightError:
            pass
        finally:
            self.session.info["scope"] = self.network.scope(None)

    def latest(self) -> Ticket | None:
        return self.session.scalars(select(Ticket).order_by(Ticket.id.desc())).first()

    def become(self, person) -> int:
        ticket = self.latest()
        self.session.info["scope"] = self.network.scope(person)
        return ticket.id if ticket else 0

    def do_raise(self, condition) -> None:
        raise_alarm(
            self.session,
            asset_id=self.network.asset,
            condition=condition,
            detector="limit",
            severity=Severity.SERIOUS,
            started_at=self.at,
            raised_at=self.at,
            evidence=evidence(),
        )

    def do_clear(self, condition) -> None:
        clear_alarm(self.session, asset_id=self.network.asset, condition=condition, at=self.at)

    def do_triage(self, _) -> None:
        run_triage(self.session, at=self.at)

    def do_report(self, person) -> None:
        self.become(person)
        report_problem(self.session, asset_id=self.network.asset, at=self.at)

    def do_move(self, said) -> None:
        person, move = said
        ticket_id = self.become(person)
        move_ticket(self.session, ticket_id=ticket_id, move=move, note="Because.", at=self.at)

    def do_go_on(self, _) -> None:
        # Random moves alone seldom come far; this one takes the next step.
        ticket = self.latest()
        if ticket is not None and ticket.state in NEXT:
            self.do_move(("technician", NEXT[ticket.state]))

    def do_assign(self, person) -> None:
        ticket_id = self.become(person)
        person_id = self.network.people["technician"]
        assign_ticket(self.session, ticket_id=ticket_id, person_id=person_id, at=self.at)

    def do_comment(self, person) -> None:
        comment(self.session, ticket_id=self.become(person), text="Hello", at=self.at)

    def do_close(self, said) -> None:
        person, is_whole = said
        ticket = self.latest()
        alarms = list_alarms(self.session, ticket) if ticket and is_whole else []
        close_out(
            self.session,
            ticket_id=self.become(person),
            failure_mode="OHE",
            failure_cause="design",
            verdicts={alarm.id: "right" for alarm in alarms},
            at=self.at,
        )


def check(session) -> None:
    """What holds after every act."""
    tickets = session.scalars(select(Ticket)).all()
    assert sum(ticket.closed_at is None for ticket in tickets) <= 1
    for ticket in tickets:
        is_final = ticket.state in FINAL_STATES
        is_closed = ticket.state == TicketState.CLOSED
        assert (ticket.closed_at is not None) == is_final
        assert (ticket.failure_mode is not None) == is_closed
        assert (ticket.failure_cause is not None) == is_closed
        alarms = list_alarms(session, ticket)
        assert not is_final or all(alarm.closed_at is not None for alarm in alarms)
    of_ticket = set(session.scalars(select(TicketAlarm.alarm_id)))
    for alarm in session.scalars(select(Alarm)):
        assert (alarm.handled_at is not None) == (alarm.id in of_ticket)


def check_story(session) -> None:
    """The story tells the state, never skips a step, and each line has its outbox row."""
    for ticket in session.scalars(select(Ticket)):
        query = select(TicketEntry).where(TicketEntry.ticket_id == ticket.id)
        story = session.scalars(query.order_by(TicketEntry.id)).all()
        moves = [entry for entry in story if entry.move]
        states = [TicketState.NEW, *(entry.to_state for entry in moves)]
        assert [entry.from_state for entry in moves] == states[:-1]
        assert states[-1] == ticket.state
        if TicketState.CLOSED in states:
            assert states[1:3] == [TicketState.ACKNOWLEDGED, TicketState.IN_PROGRESS]
    entries = session.scalar(select(func.count(TicketEntry.id)))
    assert entries == session.scalar(select(func.count(Job.id)))


@pytest.fixture
def database(sqlite_database):
    return sqlite_database


@settings(max_examples=60)
@given(st.lists(ACTS, max_size=25))
def test_whatever_happens_the_tickets_stay_sound(network, acts):
    with network.database.session(network.scope(None)) as session:
        player = Player(network, session)
        for name, said in acts:
            player.play(name, said)
            check(session)
        check_story(session)
        player.play("triage", None)
        check(session)
        waiting = select(func.count(Alarm.id)).where(Alarm.handled_at.is_(None))
        assert session.scalar(waiting) == 0
        assert (session.scalar(select(func.count(Ticket.id))) or 0) <= (
            session.scalar(select(func.count(Occurrence.id))) + len(acts)
        )
        session.rollback()
