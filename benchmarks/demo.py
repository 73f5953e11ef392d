"""The demo: its cold and warm start, and its asset page and 24 h chart on 30 days of history."""

import json
import re
import tempfile
import time
from pathlib import Path

from benchmarks.report import Report
from tests.e2e.portal import Portal
from tests.e2e.served import Served, start

REQUESTS = 100
COLD_S, WARM_S = 180.0, 15.0
PAGE_MS, CHART_MS = 300.0, 200.0


def _times(portal: Portal, path: str) -> list[float]:
    times_s = []
    for _ in range(REQUESTS):
        began_s = time.perf_counter()
        answer = portal.get(path)
        times_s.append(time.perf_counter() - began_s)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
    return times_s


def _read_pages(served: Served, report: Report) -> None:
    accounts = json.loads((served.folder / "demo.json").read_text(encoding="utf-8"))["accounts"]
    manager = next(each for each in accounts if each["role"] == "dealer_manager")
    with Portal.of(served.url, manager["email"], manager["password"]) as portal:
        found = re.search(r'href="(/machines/\d+)"', portal.get("/machines").text)
        if found is None:
            raise RuntimeError("the list of machines is empty")
        report.add_times("asset page", _times(portal, found[1]), unit="ms", mark=PAGE_MS)
        chart = f"{found[1]}/chart?range=24h"
        report.add_times("24 h chart", _times(portal, chart), unit="ms", mark=CHART_MS)


def run() -> Report:
    """Measures and returns the figures."""
    report = Report("demo")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "demo"
        cold = start(["demo"], folder, timeout_s=900)
        cold.stop()
        report.add("cold start, installed", cold.ready_s, "s", COLD_S)
        warm = start(["demo"], folder, timeout_s=300)
        report.add("warm start", warm.ready_s, "s", WARM_S)
        try:
            _read_pages(warm, report)
        finally:
            warm.stop()
    return report
