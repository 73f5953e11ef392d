"""Work that only the owner of the data folder can do, asked for by other commands.

A request is a row of the job table. The owner takes it outside of any transaction, for it may last
long and must hold up no writer; how far it is stands in a file that the asking command reads.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import MillwrightError, NotFound
from foundation.identity.scope import Scope
from foundation.jobs import Job
from millwright.operation.portable import Tell

PAUSE_S = 0.5
SYSTEM = Scope.system("requests")
_log = structlog.get_logger(__name__)

Work = Callable[[dict[str, Any], Tell], None]


class Requests:
    """The owner's side: takes requests one after the other, in a thread of its own."""

    def __init__(
        self, database: Database, clock: Clock, folder: Path, works: Mapping[str, Work]
    ) -> None:
        self._database, self._clock = database, clock
        self._folder, self._works = folder, works

    def give_up_old_ones(self) -> None:
        """Ends what an owner before us was asked for; nobody waits for it any more."""
        pending = (Job.kind.in_(self._works), Job.done_at.is_(None), Job.failed_at.is_(None))
        ended = {
            "failed_at": self._clock.now(),
            "last_error": "The owner ended before it was done.",
        }
        with self._database.transaction(SYSTEM) as session:
            session.execute(update(Job).where(*pending).values(ended))
        for path in self._folder.glob("request-*"):
            path.unlink()

    def step(self) -> bool:
        """Takes one request; False when there is none."""
        taken = self._take()
        if taken is None:
            return False
        number, kind, payload = taken
        path = progress_path(self._folder, number)
        try:
            self._works[kind](payload, lambda *told: _write_progress(path, told))
        except (MillwrightError, OSError, SQLAlchemyError) as error:
            _log.warning("request_failed", kind=kind, why=str(error))
            self._end(number, str(error))
        else:
            self._end(number, None)
        finally:
            path.unlink(missing_ok=True)
        return True

    def wait_and_step(self, stop: threading.Event) -> None:
        """One turn of a loop: rests when nothing was asked for."""
        if not self.step():
            stop.wait(PAUSE_S)

    def _take(self) -> tuple[int, str, dict[str, Any]] | None:
        query = (
            select(Job)
            .where(Job.kind.in_(self._works), Job.done_at.is_(None), Job.failed_at.is_(None))
            .order_by(Job.id)
        )
        with self._database.session(SYSTEM) as session:
            job = session.scalars(query.limit(1)).first()
            return None if job is None else (job.id, job.kind, dict(job.payload))

    def _end(self, number: int, fault: str | None) -> None:
        now = self._clock.now()
        with self._database.transaction(SYSTEM) as session:
            job = session.get(Job, number)
            if job is None:
                return
            job.attempts += 1
            job.last_error = fault
            job.done_at, job.failed_at = (now, None) if fault is None else (None, now)


def ask(database: Database, clock: Clock, kind: str, payload: dict[str, Any]) -> int:
    """Asks the owner for something; returns the number of the request."""
    now = clock.now()
    with database.transaction(SYSTEM) as session:
        job = Job(kind=kind, payload=payload, created_at=now, run_at=now)
        session.add(job)
        session.flush()
        return job.id


def follow(
    database: Database, folder: Path, number: int, is_owned: Callable[[], bool]
) -> Iterator[tuple[str, int, int]]:
    """How far a request is, again and again until it is done.

    Raises:
        NotFound: when the owner is gone.
        MillwrightError: what the owner said when it could not be done.
    """
    pause = threading.Event()
    while not _is_done(database, number):
        if not is_owned():
            raise NotFound("The owner of the data folder ended before it was done.")
        told = _read_progress(progress_path(folder, number))
        if told is not None:
            yield told
        pause.wait(PAUSE_S)


def _is_done(database: Database, number: int) -> bool:
    with database.session(SYSTEM) as session:
        job = session.get(Job, number)
        if job is None or job.failed_at is not None:
            raise MillwrightError(
                "%(why)s", why=(job.last_error if job else None) or "It was not done."
            )
        return job.done_at is not None


def progress_path(folder: Path, number: int) -> Path:
    """Where the owner writes how far it is."""
    return folder / f"request-{number}.json"


def _write_progress(path: Path, told: tuple[str, int, int]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(told))
    partial.replace(path)


def _read_progress(path: Path) -> tuple[str, int, int] | None:
    try:
        what, done, total = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return what, done, total
