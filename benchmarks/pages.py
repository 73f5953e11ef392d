"""How long a machine's page and its chart data take, on a demo of 60 machines and 90 days.

One request after the other over one kept connection, machines in turn, while the demo's machines
report and are scored beside it.
"""

import re
import time
from collections.abc import Sequence

from benchmarks.demo import running_demo, sign_in
from benchmarks.figures import Figure, Mark
from benchmarks.options import Options
from tests.e2e.portal import Portal

N_REQUESTS = 100
WARM_UP = 10
# What the chart of a page asks for on a desk: a point a pixel.
POINTS = 860


def measure(options: Options) -> list[Figure]:
    """Milliseconds of the page and of its charts."""
    with running_demo(options.demo_data) as served, sign_in(served, "manufacturer") as portal:
        found = re.findall(r'href="(/machines/\d+)"', portal.get("/machines").text)
        machines = sorted(set(found))
        charts = [f"{each}/chart?points={POINTS}&range=" for each in machines]
        return [
            _time_all("asset page", portal, machines, Mark("p95", 300.0)),
            _time_all("chart data of 24 h", portal, _with(charts, "24h"), Mark("p95", 200.0)),
            _time_all("chart data of 7 d", portal, _with(charts, "7d")),
            _time_all("chart data of 90 d", portal, _with(charts, "90d")),
        ]


def _with(addresses: Sequence[str], key: str) -> list[str]:
    return [address + key for address in addresses]


def _time_all(
    name: str, portal: Portal, addresses: Sequence[str], mark: Mark | None = None
) -> Figure:
    for number in range(WARM_UP):
        portal.get(addresses[number % len(addresses)])
    values_ms, sizes = [], []
    for number in range(N_REQUESTS):
        began_s = time.perf_counter()
        answer = portal.get(addresses[number % len(addresses)])
        values_ms.append((time.perf_counter() - began_s) * 1_000)
        assert answer.status == 200, f"{addresses[number % len(addresses)]}: {answer.status}"
        sizes.append(len(answer.text))
    note = f"{len(addresses)} machines in turn, {sum(sizes) // len(sizes) // 1_000} kB each"
    return Figure(name, "ms", values_ms, mark, note)
