"""How long from a reading that fulfils a condition until the dealer's queue shows its ticket.

The service runs as an operator runs it. Each of 40 machines crosses a limit without delay with its
first reading, one after the other; the queue is fetched whenever the live stream says that
something changed, as an open page does it. A browser's own drawing comes on top.
"""

import html
import json
import queue
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.figures import Figure, Mark
from benchmarks.options import Options
from tests.e2e.installed_base import (
    MANAGER,
    MODEL,
    NORTH,
    ON_DELAY_S,
    PASSWORD,
    device_of,
    install,
    list_machines,
    reading,
)
from tests.e2e.portal import Portal
from tests.e2e.served import NotStarted, serving

N_TICKETS = 40
HOT_C = 99.0
PATIENCE_S = 60.0
PUMPS = [f"Number{number:02}" for number in range(1, N_TICKETS + 1)]


def measure(options: Options) -> list[Figure]:
    """Seconds from publishing to the row in the queue, and to the event that tells of it."""
    folder = options.work / "tickets" / "data"
    folder.parent.mkdir()
    model = MODEL.replace(f"on_delay_s = {ON_DELAY_S}", "on_delay_s = 0")
    machines = list_machines((pump, NORTH) for pump in PUMPS)
    install(folder, folder.parent / "files", model=model, machines=machines)
    with ExitStack() as stack:
        served = stack.enter_context(serving(folder))
        manager = stack.enter_context(Portal.of(served.url, MANAGER, PASSWORD))
        client = stack.enter_context(_connected(served.mqtt_url))
        told = _follow(manager)
        pairs = [_measure_one(manager, client, told, pump) for pump in PUMPS]
    shown_s, told_s = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [
        Figure("condition to ticket in the queue", "s", shown_s, Mark("p95", 5.0)),
        Figure("condition to event of the live stream", "s", told_s),
    ]


@contextmanager
def _connected(url: str) -> Iterator[Client]:
    broker = urlsplit(url)
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect(str(broker.hostname), broker.port or 1883)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def _follow(manager: Portal) -> "queue.SimpleQueue[float]":
    """The times at which the open queue's stream tells of a change."""
    found = re.search(r'data-live="([^"]+)"', manager.get("/tickets").text)
    assert found is not None
    told: queue.SimpleQueue[float] = queue.SimpleQueue()
    lines = manager.follow(html.unescape(found[1]))
    # The stream answers with its first line at once: from then on nothing is missed.
    next(lines)

    def listen() -> None:
        for line in lines:
            if line == "event: changed":
                told.put(time.perf_counter())

    threading.Thread(target=listen, daemon=True).start()
    return told


def _measure_one(
    manager: Portal, client: Client, told: "queue.SimpleQueue[float]", pump: str
) -> tuple[float, float]:
    # So that no sample falls into step with anything that looks at fixed times.
    time.sleep(random.Random(pump).uniform(0.3, 1.3))
    while not told.empty():
        told.get()
    began_s = time.perf_counter()
    topic = f"mw/v1/{device_of(pump)}/telemetry"
    client.publish(topic, json.dumps(reading(0, HOT_C)), qos=1)
    while True:
        try:
            told_s = told.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise NotStarted(f"No ticket of {pump} pump came.") from None
        if f"{pump} pump" in manager.get("/tickets").text:
            return time.perf_counter() - began_s, told_s - began_s
