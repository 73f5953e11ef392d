"""A Millwright as its operator runs it: a real process, a data folder, readings by mosquitto_pub.

Tests and benchmarks share it. What a browser or a script does with its pages is elsewhere.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

READY_S = 60.0
ENDS_S = 10.0


class NotStarted(Exception):
    """The process ended, or did not answer in time; the message holds its last words."""


@dataclass
class Served:
    """A running Millwright; `ready_s` is how long it took from its start to being ready."""

    process: subprocess.Popen[bytes]
    folder: Path
    log_path: Path
    url: str
    mqtt_url: str
    ready_s: float

    def count_streams(self) -> int:
        """How many live pages the portal serves now."""
        with urllib.request.urlopen(f"{self.url}/healthz/ready", timeout=5) as answer:
            return int(json.load(answer)["streams"])

    def stop(self) -> int:
        """Ends it by SIGTERM, as an operator would; returns its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def list_faults(self) -> list[str]:
        """Lines of its log that tell of an error, or that are no event: a traceback."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if _is_fault(line)]


def _is_fault(line: str) -> bool:
    try:
        event = json.loads(line)
    except ValueError:
        # What the command prints for its user, such as the portal's address, is no event either.
        return line.startswith(("Traceback", "ERROR:", "CRITICAL:"))
    return event.get("level") in ("error", "critical") or "exception" in event


def run_command(folder: Path, *arguments: str) -> str:
    """Runs one `millwright` command on a data folder and returns what it printed.

    Raises:
        NotStarted: when it was refused.
    """
    done = subprocess.run(
        [_program(), *arguments, "--data", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=_environment({}),
    )
    if done.returncode != 0:
        raise NotStarted(done.stdout + done.stderr)
    return done.stdout


def start(
    command: Sequence[str],
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    timeout_s: float = READY_S,
) -> Served:
    """Starts a serving command (`serve`, `demo`) on free ports and waits until it is ready.

    Raises:
        NotStarted: when it does not become so.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    log_path = folder.parent / f"{folder.name}.log"
    began_s = time.perf_counter()
    ports = ["--port", "0", "--mqtt-port", "0"]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [_program(), *command, "--data", str(folder), *ports],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(settings or {}),
        )
    try:
        facts = _wait_ready(process, folder, log_path, time.monotonic() + timeout_s)
    except BaseException:
        process.kill()
        process.wait()
        raise
    ready_s = time.perf_counter() - began_s
    return Served(process, folder, log_path, facts["url"], facts["mqtt_url"], ready_s)


@contextmanager
def serving(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """`millwright serve` on mosquitto; at its end it must stop well, with no fault in its log."""
    command = ["serve", "--broker", "mosquitto", "--anonymous-devices"]
    running = start(command, folder, settings=settings)
    try:
        yield running
    finally:
        code = running.stop()
    assert (code, running.list_faults()) == (0, [])


def _wait_ready(
    process: subprocess.Popen[bytes], folder: Path, log_path: Path, deadline_s: float
) -> dict[str, Any]:
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            break
        facts = _read_owner(folder)
        if facts.get("pid") == process.pid and "url" in facts and _is_ready(facts["url"]):
            return facts
        time.sleep(0.05)
    last = log_path.read_text(encoding="utf-8", errors="replace")[-2_000:]
    raise NotStarted(f"Millwright did not become ready:\n{last}")


def _read_owner(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "owner.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _program() -> str:
    beside = Path(sys.executable).with_name("millwright")
    return str(beside) if beside.exists() else "millwright"


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours without what somebody set for a Millwright of theirs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")}
    secret = {"MILLWRIGHT_SECRET_KEY": secrets.token_urlsafe(48)}
    return kept | secret | {"MILLWRIGHT_LOG_FORMAT": "json"} | dict(settings)


def find_publisher() -> str | None:
    """The path of mosquitto_pub, the program that devices are tried out with."""
    return shutil.which("mosquitto_pub")


def publish(mqtt_url: str, device: str, readings: object) -> None:
    """Sends one message of a device with mosquitto_pub, at QoS 1, without an account."""
    broker = urlsplit(mqtt_url)
    program = find_publisher()
    assert program is not None
    address = ["-h", str(broker.hostname), "-p", str(broker.port), "-q", "1"]
    topic = f"mw/v1/{device}/telemetry"
    subprocess.run(
        [program, *address, "-t", topic, "-m", json.dumps(readings)],
        check=True,
        capture_output=True,
        timeout=20,
    )


def now_ms() -> int:
    """The time of the readings that are sent now, as a device with a right clock has it."""
    return time.time_ns() // 1_000_000
