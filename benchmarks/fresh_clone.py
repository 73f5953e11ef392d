"""How long `make demo` takes in a clone of the last commit: environment, front end and history."""

import os
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.demo import BUILT_S
from benchmarks.figures import Figure, Mark
from benchmarks.machine import ROOT
from benchmarks.options import Options
from tests.e2e.served import ENDS_S, NotStarted


def measure(options: Options) -> list[Figure]:
    """Seconds from the start of `make` until the demo has told its sign-ins."""
    where = options.work / "fresh"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(where / "clone")], check=True)
    folder = where / "data"
    began_s = time.perf_counter()
    with (where / "make.log").open("wb") as log:
        made = subprocess.Popen(
            ["make", "demo", f"DEMO=--data {folder} --port 0"],
            cwd=where / "clone",
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(folder / "demo.json", made, where / "make.log")
        took_s = time.perf_counter() - began_s
    finally:
        os.killpg(made.pid, signal.SIGTERM)
        made.wait(ENDS_S)
    note = "packages come from where pip and npm fetch them here"
    return [Figure("demo, fresh clone", "s", [took_s], Mark("highest", 180.0), note)]


def _await(told: Path, made: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline_s = time.monotonic() + BUILT_S
    while not told.exists():
        if made.poll() is not None or time.monotonic() > deadline_s:
            last = log_path.read_text(encoding="utf-8", errors="replace")[-2_000:]
            raise NotStarted(f"make demo did not become ready:\n{last}")
        time.sleep(0.1)
