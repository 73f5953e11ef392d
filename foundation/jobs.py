"""Durable jobs and outbox: work is a row written with the act that needs it; a crash loses none.

A worker leases a due row, runs its handler in the transaction that marks it done, and gives it
back for another try when the handler fails. Handlers are handed in; this module knows no kinds.
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Index, Select, String, Text, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.clock import Clock
from foundation.database import Base, BigId, Database
from foundation.identity.scope import Scope

MAX_ATTEMPTS = 8
LEASE = timedelta(minutes=5)
_FIRST_RETRY_S = 5.0

Handler = Callable[[Session, dict[str, Any]], None]
_log = structlog.get_logger()


class Job(Base):
    """Something still to be done, or done, or given up after `MAX_ATTEMPTS`."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_due", "done_at", "failed_at", "run_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(60), index=True)
    payload: Mapped[dict[str, Any]]
    unique_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]
    run_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


def enqueue(
    session: Session,
    *,
    kind: str,
    payload: dict[str, Any],
    at: datetime,
    unique_key: str | None = None,
    run_at: datetime | None = None,
) -> bool:
    """Adds a job to the session's transaction; False when its unique key is known already."""
    if unique_key is not None:
        known = session.scalar(select(Job.id).where(Job.unique_key == unique_key))
        if known is not None:
            return False
    job = Job(
        kind=kind, payload=payload, unique_key=unique_key, created_at=at, run_at=run_at or at
    )
    return _add(session, job)


def _add(session: Session, job: Job) -> bool:
    # Another act may add the same key between our look and our flush; ours goes on without it.
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError:
        if job.unique_key is None:
            raise
        return False
    return True


def run_due(
    database: Database, clock: Clock, handlers: Mapping[str, Handler], *, limit: int = 100
) -> int:
    """Runs due jobs, oldest first, and returns how many were tried.

    A failing job is retried with growing delay and stops nothing else.
    """
    kinds = list(handlers)
    tried = 0
    while tried < limit and _is_any_due(database, clock.now(), kinds):
        lease = _lease_next(database, clock.now(), kinds)
        if lease is None:
            break
        tried += 1
        _run(database, clock, handlers, lease)
    return tried


def _due(now: datetime, kinds: list[str]) -> Select[Job]:
    return select(Job).where(
        Job.done_at.is_(None),
        Job.failed_at.is_(None),
        Job.run_at <= now,
        Job.kind.in_(kinds),
        Job.leased_until.is_(None) | (Job.leased_until <= now),
    )


def _is_any_due(database: Database, now: datetime, kinds: list[str]) -> bool:
    # A plain read first: an idle worker takes no write lock.
    with database.session(Scope.system("jobs")) as session:
        return session.scalar(_due(now, kinds).limit(1)) is not None


@dataclass(frozen=True, slots=True)
class _Lease:
    """A job and which attempt at it this is; who finds another number has lost the lease."""

    job_id: int
    attempt: int


def _lease_next(database: Database, now: datetime, kinds: list[str]) -> _Lease | None:
    with database.transaction(Scope.system("jobs")) as session:
        query = _due(now, kinds).order_by(Job.run_at, Job.id).limit(1)
        job = session.scalar(query.with_for_update(skip_locked=True))
        if job is None:
            return None
        job.leased_until = now + LEASE
        job.attempts += 1
        if job.attempts > MAX_ATTEMPTS:
            # Its workers died each time, so none could give it up.
            job.failed_at, job.leased_until = now, None
        return _Lease(job.id, job.attempts)


def _find_held(session: Session, lease: _Lease) -> Job | None:
    """The job, locked, while the lease still holds it."""
    query = select(Job).where(
        Job.id == lease.job_id,
        Job.attempts == lease.attempt,
        Job.leased_until.is_not(None),
        Job.done_at.is_(None),
    )
    return session.scalar(query.with_for_update())


def _run(database: Database, clock: Clock, handlers: Mapping[str, Handler], lease: _Lease) -> None:
    try:
        with database.transaction(Scope.system("jobs")) as session:
            job = _find_held(session, lease)
            if job is None:
                return
            handlers[job.kind](session, dict(job.payload))
            job.done_at = clock.now()
            job.leased_until = None
    except Exception as error:  # noqa: BLE001 - a job run is one of the three places for it
        _log.warning("job_failed", job=lease.job_id, error=str(error))
        _give_back(database, clock.now(), lease, traceback.format_exc(limit=5))


def _give_back(database: Database, now: datetime, lease: _Lease, error: str) -> None:
    with database.transaction(Scope.system("jobs")) as session:
        job = _find_held(session, lease)
        if job is None:
            return
        job.last_error = error[-4000:]
        job.leased_until = None
        if job.attempts >= MAX_ATTEMPTS:
            job.failed_at = now
        job.run_at = now + timedelta(seconds=_FIRST_RETRY_S * 4 ** min(job.attempts - 1, 6))


def release_leases(database: Database) -> None:
    """Gives back what a killed worker held; called when the only worker starts."""
    with database.transaction(Scope.system("jobs")) as session:
        session.execute(update(Job).where(Job.done_at.is_(None)).values(leased_until=None))


@dataclass(frozen=True, slots=True)
class JobStates:
    """How many jobs wait and were given up, and since when the oldest waiting one is due."""

    waiting: int
    given_up: int
    oldest_s: float


def count_states(session: Session, now: datetime) -> JobStates:
    """The state of all work, for those who watch over it."""
    is_waiting = (Job.done_at.is_(None), Job.failed_at.is_(None))
    oldest = session.scalar(select(func.min(Job.run_at)).where(*is_waiting))
    given_up = session.scalar(select(func.count()).where(Job.failed_at.is_not(None))) or 0
    oldest_s = 0.0 if oldest is None else max((now - oldest).total_seconds(), 0.0)
    return JobStates(count_waiting(session), given_up, oldest_s)


def count_waiting(session: Session) -> int:
    """Jobs that are neither done nor given up."""
    query = select(func.count()).where(Job.done_at.is_(None), Job.failed_at.is_(None))
    return session.scalar(query) or 0
