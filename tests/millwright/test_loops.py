"""A loop repeats its step, waits for a part that is away, and ends aloud at any other fault."""

import threading
import time

import pytest
import structlog

from foundation.errors import Unavailable
from millwright import loops
from millwright.loops import Loop
from tests.brokers import wait_until


@pytest.fixture(autouse=True)
def _promptly(monkeypatch):
    monkeypatch.setattr(loops, "_RETRY_S", 0.01)


class Part:
    """Counts its turns; fails as it is told."""

    def __init__(self):
        self.turns = 0
        self.failure = None
        self.has_failed = threading.Event()

    def step(self):
        self.turns += 1
        time.sleep(0.001)
        if self.failure is not None:
            self.has_failed.set()
            raise self.failure


@pytest.fixture
def part():
    return Part()


@pytest.fixture
def loop(part):
    loop = Loop("ingest", part.step, threading.Event(), threading.Event())
    loop.start()
    yield loop
    loop.stop.set()
    loop.join(5)
    assert not loop.thread.is_alive()


def test_it_repeats_its_step_until_it_is_told_to_stop(loop, part):
    wait_until(lambda: part.turns > 10)
    loop.stop.set()
    loop.join(5)
    turns = part.turns
    time.sleep(0.02)
    assert part.turns == turns
    assert not loop.failed.is_set()


def test_its_thread_bears_its_name_and_holds_no_process_up(loop):
    assert (loop.thread.name, loop.thread.daemon) == ("ingest", True)


def test_a_part_that_is_away_is_waited_for_and_told_of_once(loop, part):
    with structlog.testing.capture_logs() as told:
        part.failure = Unavailable("The store is away.")
        before = part.turns
        wait_until(lambda: part.turns > before + 5)
        part.failure = None
        before = part.turns
        wait_until(lambda: part.turns > before + 5)
    assert [(each["log_level"], each["loop"]) for each in told] == [
        ("warning", "ingest"),
        ("info", "ingest"),
    ]
    assert told[0]["why"] == "The store is away."
    assert not loop.failed.is_set()


def test_waiting_for_a_part_does_not_hold_the_end_up(loop, part, monkeypatch):
    monkeypatch.setattr(loops, "_RETRY_S", 60)
    part.failure = Unavailable("The store is away.")
    assert part.has_failed.wait(5)
    began = time.monotonic()
    loop.stop.set()
    loop.join(5)
    assert time.monotonic() - began < 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_any_other_fault_ends_it_and_says_so(loop, part):
    part.failure = ValueError("nobody expected this")
    assert loop.failed.wait(5)
    loop.join(5)
    assert not loop.thread.is_alive()
    assert not loop.stop.is_set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_while_stopping_is_no_failure(loop, part):
    wait_until(lambda: part.turns > 1)
    loop.stop.set()
    part.failure = ValueError("the store was closed under it")
    loop.join(5)
    assert not loop.failed.is_set()


def test_ending_one_ends_all_that_share_its_stop(loop, part):
    wait_until(lambda: part.turns > 1)
    another = Loop("worker", part.step, loop.stop, loop.failed)
    another.end(5)
    loop.join(5)
    assert not loop.thread.is_alive()
