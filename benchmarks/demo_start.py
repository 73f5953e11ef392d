"""How long the installed demo takes until it is ready: with nothing there, and again."""

import shutil
import time

from benchmarks.demo import start_demo
from benchmarks.figures import Figure, Mark
from benchmarks.options import Options
from tests.e2e.served import Served

N_WARM = 3


def measure(options: Options) -> list[Figure]:
    """Seconds from the start of the command until the portal says that it is ready."""
    folder = options.work / "demo" / "data"
    cold = start_demo(folder)
    stops_s, warm_s = [_stop(cold)], []
    for _ in range(N_WARM):
        warm = start_demo(folder)
        warm_s.append(warm.ready_s)
        stops_s.append(_stop(warm))
    if not options.demo_data.exists():
        # The pages are measured on it, so that it need not be built twice.
        shutil.copytree(folder, options.demo_data)
    return [
        Figure("demo, cold start", "s", [cold.ready_s], Mark("highest", 180.0)),
        Figure("demo, warm start", "s", warm_s, Mark("highest", 15.0)),
        Figure("demo, stop", "s", stops_s, Mark("highest", 5.0)),
    ]


def _stop(served: Served) -> float:
    began_s = time.perf_counter()
    served.stop()
    return time.perf_counter() - began_s
