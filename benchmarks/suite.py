"""How long the whole test suite takes: every test, in two processes, as `make test` runs them."""

import subprocess
import sys
import time

from benchmarks.figures import Figure, Mark
from benchmarks.machine import ROOT
from benchmarks.options import Options
from tests.e2e.served import NotStarted


def measure(options: Options) -> list[Figure]:
    """Seconds of one run, and how it ended: tests may have failed, but none was left out.

    Raises:
        NotStarted: when not every file could be collected.
    """
    del options
    began_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.perf_counter() - began_s
    said = [line for line in done.stdout.splitlines() if line.strip()] or ["nothing was said"]
    if " passed" not in said[-1]:
        raise NotStarted("\n".join(said[-10:]) + done.stderr[-1_000:])
    return [Figure("whole test suite", "s", [took_s], Mark("highest", 480.0), said[-1])]
