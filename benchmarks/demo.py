"""The demo as the benchmarks use it: its data folder built once, its sign-ins read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.portal import Portal
from tests.e2e.served import Served, start

BUILT_S = 900.0


def start_demo(folder: Path) -> Served:
    """`millwright demo` with its defaults: 60 machines, 90 days; makes what is missing."""
    return start(["demo"], folder, timeout_s=BUILT_S)


@contextmanager
def running_demo(folder: Path) -> Iterator[Served]:
    """A running demo, ended afterwards."""
    served = start_demo(folder)
    try:
        yield served
    finally:
        served.stop()


def sign_in(served: Served, role: str) -> Portal:
    """The demo's account of a role."""
    facts = json.loads((served.folder / "demo.json").read_text(encoding="utf-8"))
    account = next(each for each in facts["accounts"] if each["role"] == role)
    return Portal.of(served.url, account["email"], account["password"])
