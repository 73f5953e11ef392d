"""The demo's ninety days at speed: how long they take, and whether their books are consistent."""

import resource
import time
from collections import Counter
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select

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
from services.offers.models import Offer
from services.offers.rules import OfferState
from services.tickets.models import Ticket
from services.tickets.rules import TicketState
from simulators.fleet import DAY_MS
from tests.e2e.served import NotStarted

ASSETS, DAYS, SEED = 60, 90, 2


def measure(options: Options) -> list[Figure]:
    """Seconds and processor seconds for the history, and what is wrong with it afterwards."""
    began_s, began_cpu_s = time.perf_counter(), _cpu_s()
    made, settings = _play(options.work / "soak")
    wall_s, cpu_s = time.perf_counter() - began_s, _cpu_s() - began_cpu_s
    faults, tickets, offers = _look(settings)
    met = [f"{each.person} at {each.address}: {each.text}" for each in made.troubles]
    if faults or met:
        raise NotStarted("\n".join([*faults, *met]))
    return [
        Figure(f"history, {ASSETS} machines, {DAYS} days", "s", [wall_s]),
        Figure("processor time, both processes", "s", [cpu_s]),
        Figure("tickets", "", [tickets.total()], note=_describe(tickets, TicketState)),
        Figure("offers", "", [offers.total()], note=_describe(offers, OfferState)),
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


def _look(settings: Settings) -> tuple[list[str], Counter[str], Counter[str]]:
    """What is wrong in the books, and the states of all tickets and of all offers."""
    database = open_database(settings.database_url)
    try:
        with database.session(Scope.system("soak")) as session:
            tickets = Counter[str](session.scalars(select(Ticket.state)))
            offers = Counter[str](session.scalars(select(Offer.state)))
            return list_faults_in_books(session), tickets, offers
    finally:
        database.close()


def _describe(found: Counter[str], states: type[StrEnum]) -> str:
    return ", ".join(f"{found[each]} {each}" for each in states)


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)
