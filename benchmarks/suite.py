"""How long the whole test suite takes: every test, in two processes."""

import subprocess
import sys
import time

from benchmarks.figures import Figure, Mark
from benchmarks.machine import ROOT
from benchmarks.options import Options


def measure(options: Options) -> list[Figure]:
    """Seconds of `pytest -n 2`, once, and how it ended."""
    del options
    began_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.perf_counter() - began_s
    said = [line for line in done.stdout.splitlines() if line.strip()]
    note = said[-1] if said else f"ended with {done.returncode} and said nothing"
    return [Figure("whole test suite", "s", [took_s], Mark("highest", 480.0), note)]
