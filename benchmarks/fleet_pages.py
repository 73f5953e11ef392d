"""How long the fleet list, the map and the home pages take with 10,000 machines, over HTTP.

The portal alone on waitress and a database of its own; one request after the other over one kept
connection. Ordering, counting and states are what is measured, so nothing reports beside it.
"""

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import waitress

from benchmarks.big_fleet import PASSWORD, PEOPLE, database_of, fill
from benchmarks.figures import Figure, Mark
from benchmarks.options import Options
from foundation.clock import SystemClock
from foundation.database import open_database
from foundation.identity.scope import Role
from millwright.schema import migrate
from telemetry.latest import Latest
from telemetry.store.duckdb_store import DuckDBStore
from tests.e2e.portal import Portal
from web.app import create_app
from web.runtime import WebRuntime

MACHINES = 10_000
N_REQUESTS = 40
WARM_UP = 3
LISTS = {
    "fleet by name": ("/machines",),
    "fleet by state": ("/machines?sort=state", "/machines?sort=-state"),
    "fleet by last heard": ("/machines?sort=heard",),
    "fleet by open ticket": ("/machines?sort=ticket",),
    "fleet, searched": ("/machines?q=plant+01", "/machines?q=pump", "/machines?q=customer+1"),
    "fleet, filtered": (
        "/machines?state=well&model=model_2&country=DE",
        "/machines?state=no_data&sort=heard",
        "/machines?customer=30&sort=state",
    ),
    "map": ("/machines/map",),
    "sites of the map": ("/machines/map/sites",),
}


def measure(options: Options) -> list[Figure]:
    """Milliseconds of each kind of page."""
    with serving_fleet(options.work, MACHINES) as url:
        with _sign_in(url, Role.MANUFACTURER) as portal:
            found = [
                _time_all(f"{name}, {MACHINES:,} machines", portal, pages, Mark("p95", 300.0))
                for name, pages in LISTS.items()
            ]
            found.append(_deep("fleet by state, 20th page", portal))
        homes = {Role.MANUFACTURER: MACHINES, Role.DEALER_MANAGER: MACHINES // 20}
        for role, count in homes.items():
            with _sign_in(url, role) as portal:
                name = f"home of {role.replace('_', ' ')}, {count:,} machines"
                found.append(_time_all(name, portal, ["/"], Mark("p95", 300.0)))
    return found


@contextmanager
def serving_fleet(work: Path, machines: int, port: int = 0) -> Iterator[str]:
    """A portal of a filled network; its address."""
    folder = Path(tempfile.mkdtemp(dir=work))
    database, clock, latest = open_database(database_of(folder)), SystemClock(), Latest()
    migrate(database)
    fill(database, latest, machines=machines, at=clock.now())
    store, stop = DuckDBStore(folder / "telemetry.duckdb"), threading.Event()
    runtime = WebRuntime(
        database=database,
        store=store,
        latest=latest,
        clock=clock,
        secret_key="of a benchmark that nobody else reaches",
        stream_limit=16,
        reprocess=lambda _message: False,
        stop=stop,
    )
    server = waitress.create_server(create_app(runtime), host="127.0.0.1", port=port, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        stop.set()
        server.close()
        thread.join(5)
        store.close()
        database.close()


def _sign_in(url: str, role: Role) -> Portal:
    return Portal.of(url, PEOPLE[role][0], PASSWORD)


def _time(portal: Portal, address: str) -> tuple[float, str]:
    began_s = time.perf_counter()
    answer = portal.get(address)
    assert answer.status == 200, f"{address}: {answer.status}"
    return (time.perf_counter() - began_s) * 1_000, answer.text


def _time_all(name: str, portal: Portal, addresses: Sequence[str], mark: Mark) -> Figure:
    for number in range(WARM_UP):
        _time(portal, addresses[number % len(addresses)])
    timed = [_time(portal, addresses[n % len(addresses)]) for n in range(N_REQUESTS)]
    size = sum(len(text) for _, text in timed) // len(timed) // 1_000
    return Figure(name, "ms", [each for each, _ in timed], mark, f"{size} kB each")


def _deep(name: str, portal: Portal) -> Figure:
    """A page far from the first, reached as a reader reaches it."""
    address = "/machines?sort=state"
    for _ in range(19):
        text = _time(portal, address)[1]
        address = text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    return _time_all(f"{name}, {MACHINES:,} machines", portal, [address], Mark("p95", 300.0))
