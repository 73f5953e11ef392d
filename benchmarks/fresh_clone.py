"""`make demo` from a fresh clone: environment, installation, front end and history together."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.report import Report

ROOT = Path(__file__).parent.parent
MARK_S = 180.0


def run() -> Report:
    """Measures and returns the figures."""
    report = Report("fresh_clone")
    with tempfile.TemporaryDirectory() as place:
        clone, folder = Path(place) / "clone", Path(place) / "demo"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began_s = time.perf_counter()
        options = f"DEMO=--data {folder} --port 0"
        with (Path(place) / "log").open("wb") as log:
            process = subprocess.Popen(
                ["make", "demo", options],
                cwd=clone,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            while not (folder / "demo.json").exists():
                if process.poll() is not None:
                    raise RuntimeError((Path(place) / "log").read_text(errors="replace")[-2000:])
                time.sleep(0.2)
            report.add("make demo, cold", time.perf_counter() - began_s, "s", MARK_S)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)
    return report
