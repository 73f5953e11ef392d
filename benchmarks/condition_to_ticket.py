"""How long it takes from a reading that fulfils a condition to the ticket in the dealer's queue.

A real `millwright serve`, readings by mosquitto_pub, the queue read over HTTP like a browser does.
"""

import tempfile
import time
from pathlib import Path

from benchmarks.report import Report
from tests.e2e import installed_base
from tests.e2e.portal import Portal
from tests.e2e.served import now_ms, publish, run_command, serving

ASSETS = 40
MARK_S = 5.0
LONGEST_S = 30.0


def _install(folder: Path, files: Path) -> None:
    model = installed_base.MODEL.replace(
        f"on_delay_s = {installed_base.ON_DELAY_S}", "on_delay_s = 0"
    )
    rows = ["equipment_model,serial,name,customer,dealer,site,device,commissioned_on"]
    rows += [
        f"tank_pump,B-{n:03},Bench {n:03},Harbour Foods,Service North,Quay,bench-{n:03},2026-01-01"
        for n in range(ASSETS)
    ]
    texts = {"people.csv": installed_base.PEOPLE, "model.toml": model, "a.csv": "\n".join(rows)}
    for name, text in texts.items():
        (files / name).write_text(text, encoding="utf-8")
    run_command(folder, "import", "people", str(files / "people.csv"))
    run_command(folder, "import", "model", str(files / "model.toml"), "--manufacturer", "Nordwerk")
    run_command(folder, "import", "assets", str(files / "a.csv"))


def _measure(portal: Portal, mqtt_url: str, number: int) -> float:
    hot = {"ts": now_ms(), "values": {"bearing_temperature": installed_base.HOT_C}}
    began_s = time.perf_counter()
    publish(mqtt_url, f"bench-{number:03}", hot)
    while f"Bench {number:03}" not in portal.get("/tickets").text:
        if time.perf_counter() - began_s > LONGEST_S:
            raise TimeoutError(f"no ticket for machine {number} in {LONGEST_S:g} s")
        time.sleep(0.02)
    return time.perf_counter() - began_s


def run() -> Report:
    """Measures and returns the figures."""
    report = Report("condition_to_ticket")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        _install(folder, Path(place))
        with (
            serving(folder) as served,
            Portal.of(served.url, installed_base.MANAGER, installed_base.PASSWORD) as portal,
        ):
            times_s = [_measure(portal, served.mqtt_url, n) for n in range(ASSETS)]
    report.add_times("condition fulfilled → ticket visible", times_s, unit="s", mark=MARK_S)
    return report
