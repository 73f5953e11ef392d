"""Thirty simulated days at speed: how long they take, whether they end with consistent books."""

import resource
import time
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.figures import Figure, Mark
from benchmarks.options import Options
from foundation.clock import SystemClock, to_ms
from foundation.database import open_database
from foundation.identity.scope import Scope
from foundation.settings import Settings
from millwright.data_folder import DataFolder
from millwright.demo.books import list_faults_in_books
from millwright.demo.running import MadeHistory, make_history, read_demo_settings
from millwright.demo.state import DemoState
from services.tickets.models import Ticket
from simulators.fleet import DAY_MS
from tests.e2e.served import NotStarted

ASSETS, DAYS, SEED = 60, 30, 2


def measure(options: Options) -> list[Figure]:
    """Seconds and processor seconds for the history, and what is wrong with it afterwards."""
    began_s, began_cpu_s = time.perf_counter(), _cpu_s()
    made, settings = _play(options.work / "soak")
    wall_s, cpu_s = time.perf_counter() - began_s, _cpu_s() - began_cpu_s
    faults, tickets = _look(settings)
    met = [f"{each.person} at {each.address}: {each.text}" for each in made.troubles]
    if faults or met:
        raise NotStarted("\n".join([*faults, *met]))
    return [
        Figure(f"history, {ASSETS} machines, {DAYS} days", "s", [wall_s]),
        Figure("processor time, both processes", "s", [cpu_s]),
        Figure("tickets", "", [tickets]),
        Figure("faults in the books, and pages that failed people", "", [0], Mark("highest", 0)),
    ]


def _play(path: Path) -> tuple[MadeHistory, Settings]:
    folder = DataFolder(path)
    try:
        settings = read_demo_settings(folder, {})
        until_ms = to_ms(SystemClock().now())
        start_ms = until_ms - DAYS * DAY_MS
        state = DemoState(ASSETS, DAYS, SEED, start_ms, start_ms)
        return make_history(folder, settings, state, until_ms=until_ms), settings
    finally:
        folder.release()


def _look(settings: Settings) -> tuple[list[str], int]:
    database = open_database(settings.database_url)
    try:
        with database.session(Scope.system("soak")) as session:
            tickets = session.scalar(select(func.count(Ticket.id))) or 0
            return list_faults_in_books(session), tickets
    finally:
        database.close()


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)
