"""The worker's step: triage, due jobs, the search for offers, sweeping up what nobody needs."""

import threading
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from devices import transfers
from devices.security import claims
from devices.sharing import grants
from foundation import audit_seals, changes, jobs
from foundation.clock import Clock
from foundation.database import Database
from foundation.identity import attempts, guessing
from foundation.identity.scope import Scope
from services.notifications import delivery
from services.offers.finding import OfferFinding
from services.offers.making import sweep_offers
from services.triage.triage import is_due, run_triage

SWEEP_EVERY = timedelta(minutes=10)
CHANGES_KEPT = timedelta(days=1)
# The audit's head, for whoever keeps the log elsewhere.
TELL_HEAD_EVERY = timedelta(days=7)
HANDLERS = {**delivery.HANDLERS, **transfers.HANDLERS, **grants.HANDLERS}
"""All that the worker runs, by job kind."""
_log = structlog.get_logger()


class Worker:
    """Decides on alarms and runs jobs; any number may run, each row is taken once.

    Without `finding` it searches no offers: only who owns the readings can.
    """

    def __init__(
        self, database: Database, clock: Clock, finding: OfferFinding | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._finding = finding
        self._swept_at: datetime | None = None
        self._told_at: datetime | None = None

    def step(self) -> int:
        """Does what is due now; returns how many things that were."""
        now = self._clock.now()
        done = self._triage(now) + jobs.run_due(self._database, self._clock, HANDLERS)
        done += self._finding.step() if self._finding is not None else 0
        if self._swept_at is None or now - self._swept_at >= SWEEP_EVERY:
            self._sweep(now)
        return done

    def _triage(self, now: datetime) -> int:
        with self._database.session(Scope.system("triage")) as session:
            if not is_due(session):
                return 0
        with self._database.transaction(Scope.system("triage")) as session:
            return run_triage(session, at=now)

    def _seal(self, now: datetime) -> None:
        sealed, more = 0, True
        while more:
            try:
                with self._database.transaction(Scope.system("audit")) as session:
                    part, head = audit_seals.seal_rows(session)
            except IntegrityError:
                return  # another worker was quicker
            sealed, more = sealed + part, part == audit_seals.AT_ONCE
        if self._told_at is None or now - self._told_at >= TELL_HEAD_EVERY:
            _log.info("audit_sealed", rows=sealed, head=head)
            self._told_at = now

    def _sweep(self, now: datetime) -> None:
        self._seal(now)
        with self._database.transaction(Scope.system("sweep")) as session:
            changes.forget_changes(session, now - CHANGES_KEPT)
            claims.forget_failures(session, now - claims.FAILURE_WINDOW)
            guessing.forget_failures(session, now)
            attempts.forget_attempts(session, now)
            sweep_offers(session, at=now)
        self._swept_at = now


def repeat(worker: Worker, stop: threading.Event, pause_s: float = 0.2) -> None:
    """One turn of the worker's loop: rests when there was nothing to do."""
    if worker.step() == 0:
        stop.wait(pause_s)
