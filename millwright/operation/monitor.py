"""What a running platform tells those who watch over it: which parts are ready, and its numbers.

Every number is read when it is asked for; nothing is counted twice. The names are documented in
docs/operations.md.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from foundation import jobs
from foundation.clock import to_ms
from foundation.errors import Unavailable
from foundation.identity.scope import Scope
from millwright.loops import Loop
from millwright.schema import is_current
from millwright.wiring import Platform
from telemetry import quarantine
from telemetry.ingest import IngestLoop
from telemetry.mqtt import MqttLink

# Longer than any turn of a healthy loop takes; a search through many offers is the longest.
LONGEST_TURN_S = 120.0
# A backup may take an hour, and nothing else waits for it.
_LASTS_LONG = frozenset({"requests"})
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"


@dataclass
class Monitor:
    """Watches one platform; `count_streams` is told by the portal once it is made."""

    platform: Platform
    link: MqttLink
    ingest: IngestLoop
    loops: Mapping[str, Loop]
    count_streams: Callable[[], int] = field(default=lambda: 0)

    def __post_init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Numbers(self))
        ProcessCollector(registry=self._registry)

    def check_parts(self) -> dict[str, bool]:
        """Whether each part can do its work now."""
        return {
            "schema": _works(lambda: is_current(self.platform.database)),
            "store": _works(self._ask_store),
            "broker": self.link.is_connected,
            **{
                name: loop.silence_s() < LONGEST_TURN_S
                for name, loop in self.loops.items()
                if name not in _LASTS_LONG
            },
        }

    def _ask_store(self) -> bool:
        self.platform.store.check()
        return True

    def render(self) -> bytes:
        """All numbers in Prometheus' text form."""
        return generate_latest(self._registry)


def _works(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Unavailable:
        return False


class _Numbers(Collector):
    """The metrics of one platform, read at each scrape."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def describe(self) -> list[Metric]:
        return []  # else registering would already read everything

    def collect(self) -> Iterator[Metric]:
        yield from _of_ingest(self._monitor)
        yield from _of_loops(self._monitor)
        yield from _of_portal(self._monitor)
        yield from _of_database(self._monitor)
        yield from _of_folder(self._monitor)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"millwright_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"millwright_{name}", text, value=value)


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"millwright_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _of_ingest(monitor: Monitor) -> Iterator[Metric]:
    counted, link = monitor.platform.ingest.counted, monitor.link
    oldest_ms = monitor.ingest.oldest_ms
    now_ms = to_ms(monitor.platform.clock.now())
    lag_s = 0.0 if oldest_ms is None else max(now_ms - oldest_ms, 0) / 1000
    yield _counter("ingest_messages", "Messages stored or put into quarantine.", counted.messages)
    yield _counter("ingest_values", "Values stored.", counted.values)
    yield _counter(
        "ingest_refused_messages",
        "Messages of which a part was refused.",
        counted.refused_messages,
    )
    yield _gauge("ingest_queue_messages", "Messages received and not stored yet.", link.backlog)
    yield _gauge("ingest_lag_seconds", "Age of the oldest of these, 0 without any.", lag_s)
    yield _gauge("broker_connected", "1 while the broker lets us read.", link.is_connected)
    dropped = link.watched(DROPPED_TOPIC)
    if dropped is not None:
        text = "Messages that the broker dropped, by its own count."
        yield _counter("broker_dropped_messages", text, float(dropped))


def _of_loops(monitor: Monitor) -> Iterator[Metric]:
    silences = {name: loop.silence_s() for name, loop in monitor.loops.items()}
    yield _labelled("loop_silence_seconds", "Since a loop's last turn ended.", "loop", silences)
    turn_s = monitor.platform.scoring.turn_s
    yield _gauge("scoring_turn_seconds", "How long the last turn of scoring took.", turn_s)


def _of_portal(monitor: Monitor) -> Iterator[Metric]:
    limit = monitor.platform.settings.stream_limit
    yield _gauge("streams_open", "Live pages that are open.", monitor.count_streams())
    yield _gauge("streams_limit", "Live pages served at once.", limit)
    parts = {name: float(is_well) for name, is_well in monitor.check_parts().items()}
    yield _labelled("ready", "1 while a part can do its work.", "part", parts)


def _of_database(monitor: Monitor) -> Iterator[Metric]:
    """Nothing while the database is away, which `ready` and the loops' silence then tell."""
    now = monitor.platform.clock.now()
    try:
        with monitor.platform.database.session(Scope.system("metrics")) as session:
            kept = quarantine.count_open(session)
            known = jobs.count_states(session, now)
    except Unavailable:
        return
    yield _gauge("quarantine_messages", "Messages that wait in quarantine for a fix.", kept)
    yield _gauge("jobs_waiting", "Jobs neither done nor given up.", known.waiting)
    yield _gauge("jobs_given_up", "Jobs given up after their last attempt.", known.given_up)
    yield _gauge("jobs_oldest_seconds", "Since the oldest waiting job was due.", known.oldest_s)


def _of_folder(monitor: Monitor) -> Iterator[Metric]:
    folder = monitor.platform.settings.data_dir
    sizes = {
        each.name: float(each.stat().st_size)
        for each in (folder / "millwright.db", folder / "telemetry.duckdb")
        if each.exists()
    }
    yield _labelled("file_bytes", "Size of a database's file.", "file", sizes)
    yield _gauge(
        "disk_free_bytes", "Left on the data folder's disk.", shutil.disk_usage(folder).free
    )
