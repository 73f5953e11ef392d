"""Durable jobs: retried with delay, known once by their key, stopped by no other job's failure."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from foundation.database import Database
from foundation.errors import Conflict
from foundation.identity.scope import Scope
from foundation.jobs import (
    LEASE,
    MAX_ATTEMPTS,
    Job,
    JobStates,
    count_states,
    count_waiting,
    enqueue,
    release_leases,
    run_due,
)

SYSTEM = Scope.system("test")


class Killed(BaseException):
    """Ends a worker as a signal would: nothing of ours may catch it."""


def kill():
    raise Killed


class AfterLease(Database):
    """The database of a worker to which something happens between its lease and its run."""

    def __init__(self, database, happen):
        super().__init__(database.engine)
        self.happen = happen
        self.transactions = 0

    def transaction(self, scope):
        self.transactions += 1
        if self.transactions == 2:
            self.happen()
        return super().transaction(scope)


@pytest.fixture
def jobs(database, clock):
    return Jobs(database, clock)


class Jobs:
    """Enqueues, runs and reads jobs; what the handlers did is kept in `done`."""

    def __init__(self, database, clock):
        self.database = database
        self.clock = clock
        self.done = []
        self.broken = set()

    def add(self, name, **changed):
        with self.database.transaction(SYSTEM) as session:
            return enqueue(
                session, kind="note", payload={"name": name}, at=self.clock.now(), **changed
            )

    def run(self, **changed):
        return run_due(self.database, self.clock, {"note": self.handle}, **changed)

    def handle(self, _, payload):
        if payload["name"] in self.broken:
            raise RuntimeError(f"{payload['name']} is broken")
        self.done.append(payload["name"])

    def be_killed_before_the_run(self):
        with pytest.raises(Killed):
            run_due(AfterLease(self.database, kill), self.clock, {"note": self.handle})

    def be_killed_in_the_handler(self):
        def die(session, _):
            enqueue(session, kind="other", payload={"name": "half"}, at=self.clock.now())
            kill()

        with pytest.raises(Killed):
            run_due(self.database, self.clock, {"note": die})

    def row(self, name):
        with self.database.session(SYSTEM) as session:
            return next(j for j in session.scalars(select(Job)) if j.payload["name"] == name)

    @property
    def waiting(self):
        with self.database.session(SYSTEM) as session:
            return count_waiting(session)


def test_a_due_job_runs_once(jobs):
    jobs.add("mail")
    assert jobs.run() == 1
    assert jobs.run() == 0
    assert jobs.done == ["mail"]
    assert jobs.row("mail").done_at == jobs.clock.now()


def test_a_job_of_an_undone_act_never_runs(jobs):
    with jobs.database.session(SYSTEM) as session:
        enqueue(session, kind="note", payload={"name": "mail"}, at=jobs.clock.now())
    assert jobs.run() == 0


def test_a_job_waits_for_its_time(jobs):
    jobs.add("reminder", run_at=jobs.clock.now() + timedelta(minutes=10))
    assert jobs.run() == 0
    jobs.clock.advance(600)
    jobs.run()
    assert jobs.done == ["reminder"]


def test_the_oldest_due_job_runs_first(jobs):
    now = jobs.clock.now()
    jobs.add("second", run_at=now - timedelta(minutes=1))
    jobs.add("first", run_at=now - timedelta(minutes=2))
    jobs.add("third", run_at=now)
    jobs.run()
    assert jobs.done == ["first", "second", "third"]


def test_a_run_stops_at_its_limit(jobs):
    for name in ("a", "b", "c"):
        jobs.add(name)
    assert jobs.run(limit=2) == 2
    assert jobs.waiting == 1


def test_kinds_without_a_handler_stay_for_a_worker_that_has_one(jobs):
    jobs.add("mail")
    assert run_due(jobs.database, jobs.clock, {"other": jobs.handle}) == 0
    assert run_due(jobs.database, jobs.clock, {}) == 0
    assert jobs.waiting == 1


def test_a_failing_job_is_retried_with_growing_delay(jobs):
    jobs.add("mail")
    jobs.broken.add("mail")
    delays = []
    for _ in range(3):
        assert jobs.run() == 1
        assert jobs.run() == 0
        delays.append((jobs.row("mail").run_at - jobs.clock.now()).total_seconds())
        jobs.clock.set(jobs.row("mail").run_at)
    assert delays == [5, 20, 80]


def test_a_repaired_job_is_done_at_its_next_try(jobs):
    jobs.add("mail")
    jobs.broken.add("mail")
    jobs.run()
    jobs.broken.clear()
    jobs.clock.advance(5)
    jobs.run()
    assert (jobs.done, jobs.row("mail").attempts) == (["mail"], 2)


def test_one_failing_job_does_not_stop_the_others(jobs):
    for name in ("a", "bad", "c"):
        jobs.add(name)
    jobs.broken.add("bad")
    assert jobs.run() == 3
    assert jobs.done == ["a", "c"]


def test_a_failure_is_kept_to_be_read(jobs):
    jobs.add("mail")
    jobs.broken.add("mail")
    jobs.run()
    assert "RuntimeError: mail is broken" in jobs.row("mail").last_error
    assert jobs.row("mail").failed_at is None


def test_a_job_that_always_fails_is_given_up(jobs):
    jobs.add("mail")
    jobs.broken.add("mail")
    for _ in range(MAX_ATTEMPTS):
        jobs.run()
        jobs.clock.set(jobs.row("mail").run_at)
    assert jobs.run() == 0
    assert jobs.row("mail").failed_at is not None
    assert jobs.waiting == 0


def test_what_a_failing_handler_wrote_is_undone(jobs):
    def half(session, _):
        enqueue(session, kind="other", payload={"name": "half"}, at=jobs.clock.now())
        raise Conflict("too late")

    jobs.add("mail")
    run_due(jobs.database, jobs.clock, {"note": half})
    assert jobs.waiting == 1


def test_a_known_key_is_not_enqueued_again(jobs):
    assert jobs.add("mail", unique_key="ticket:7:opened") is True
    assert jobs.add("again", unique_key="ticket:7:opened") is False
    jobs.run()
    assert jobs.add("later", unique_key="ticket:7:opened") is False
    assert jobs.done == ["mail"]


def test_jobs_without_a_key_are_never_the_same(jobs):
    jobs.add("mail")
    jobs.add("mail")
    jobs.run()
    assert jobs.done == ["mail", "mail"]


def test_of_two_acts_at_once_one_enqueues_the_key(jobs):
    """Neither act may fail: a ticket hangs on the same transaction."""
    outcomes = []

    def act():
        try:
            outcomes.append(jobs.add("b", unique_key="t:7"))
        except SQLAlchemyError as error:
            outcomes.append(error)

    other = threading.Thread(target=act)
    with jobs.database.transaction(SYSTEM) as session:
        first = enqueue(
            session, kind="note", payload={"name": "a"}, at=jobs.clock.now(), unique_key="t:7"
        )
        other.start()
        other.join(0.5)  # it has to wait until the first act is done
    other.join()
    assert (first, outcomes) == (True, [False])
    assert jobs.waiting == 1


def test_two_workers_never_run_one_job_twice(jobs):
    names = [f"job {number}" for number in range(20)]
    for name in names:
        jobs.add(name)
    run_together(jobs.run, jobs.run)
    assert sorted(jobs.done) == sorted(names)


def test_what_waits_and_what_was_given_up_is_counted(jobs, database, clock):
    jobs.add("one")
    clock.advance(90)
    with database.session(SYSTEM) as session:
        assert count_states(session, clock.now()) == JobStates(1, 0, 90.0)
    jobs.run()
    with database.session(SYSTEM) as session:
        assert count_states(session, clock.now()) == JobStates(0, 0, 0.0)


def test_a_leased_job_is_left_to_its_worker(jobs):
    jobs.add("mail")
    jobs.be_killed_before_the_run()
    assert jobs.run() == 0


def test_a_crash_between_lease_and_done_loses_no_job(jobs):
    jobs.add("mail")
    jobs.be_killed_before_the_run()
    jobs.clock.advance(LEASE.total_seconds())
    assert jobs.run() == 1
    assert jobs.done == ["mail"]


def test_the_only_worker_takes_its_jobs_back_when_it_starts(jobs):
    jobs.add("mail")
    jobs.be_killed_before_the_run()
    release_leases(jobs.database)
    jobs.run()
    assert jobs.done == ["mail"]


def test_a_crash_inside_the_handler_leaves_nothing_half_done(jobs):
    jobs.add("mail")
    jobs.be_killed_in_the_handler()
    assert jobs.waiting == 1
    assert jobs.row("mail").done_at is None


def test_a_worker_that_lost_its_lease_does_not_run_the_job_again(jobs):
    """It stood still between lease and run for longer than the lease, and another came."""

    def stand_still():
        jobs.clock.advance(LEASE.total_seconds() + 1)
        jobs.run()

    jobs.add("mail")
    run_due(AfterLease(jobs.database, stand_still), jobs.clock, {"note": jobs.handle})
    assert jobs.done == ["mail"]


def test_a_job_that_kills_every_worker_is_given_up(jobs):
    jobs.add("poison")
    for _ in range(MAX_ATTEMPTS):
        jobs.be_killed_in_the_handler()
        jobs.clock.advance(LEASE.total_seconds())
    jobs.run()
    assert jobs.done == []
    assert jobs.row("poison").failed_at is not None


def run_together(*acts):
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
