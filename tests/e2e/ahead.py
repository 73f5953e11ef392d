"""A demo of two machines whose clock is ahead of the world's: the same story on any day.

Its past is played to a Tuesday morning, so that work goes on at the sites when it is served.
"""

import json
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

import argon2
import pytest

from foundation.clock import to_ms
from foundation.identity import passwords
from millwright.data_folder import DataFolder
from millwright.demo.running import make_history, read_demo_settings
from millwright.demo.state import DemoState, write_state
from simulators.fleet import DAY_MS
from tests.e2e.served import start

# With this seed nothing befalls the first machine, which the presented dealer serves.
ASSETS, DAYS, SEED = 2, 21, 18
SPEED = 600
BEGINS = datetime(2040, 3, 6, 9, tzinfo=ZoneInfo("Europe/Berlin"))
READY_S = 150.0


def make_past(path):
    """Plays what happened before, with Argon2 at its least cost: nobody guesses these."""
    until_ms = to_ms(BEGINS)
    start_ms = until_ms - DAYS * DAY_MS
    state = DemoState(ASSETS, DAYS, SEED, start_ms, start_ms)
    folder = DataFolder(path)
    try:
        with pytest.MonkeyPatch.context() as patch:
            cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
            patch.setattr(passwords, "_HASHER", cheap)
            write_state(folder, state)
            made = make_history(folder, read_demo_settings(folder, {}), state, until_ms=until_ms)
    finally:
        folder.release()
    assert made.troubles == ()


@contextmanager
def demo_ahead(path):
    """`millwright demo` on that past, and the passwords of its printed sign-ins by e-mail.

    From now on nobody acts but the browser: a colleague's report would be another story.
    """
    make_past(path)
    options = {"assets": ASSETS, "days": DAYS, "seed": SEED, "speed": SPEED}
    given = [f"--{name}={value}" for name, value in options.items()]
    served = start(["demo", *given, "--broker=mosquitto", "--no-people"], path, timeout_s=READY_S)
    try:
        facts = json.loads((path / "demo.json").read_text(encoding="utf-8"))
        yield served, {each["email"]: each["password"] for each in facts["accounts"]}
    finally:
        code = served.stop()
    assert (code, served.list_faults()) == (0, [])
