"""A built wheel runs the demo by itself, with no Node on PATH and no checkout beside it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(300)]
ACCOUNTS = {"manufacturer", "dealer_manager", "technician", "customer"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The wheel unpacked into a folder of its own, which Python looks into first."""
    place = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--wheel-dir", str(place), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=240)
    (wheel,) = place.glob("millwright-*.whl")
    unpack = [*pip, "install", "--no-deps", "--target", str(place / "site"), str(wheel)]
    subprocess.run(unpack, check=True, capture_output=True, timeout=120)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")}
    # Here mosquitto lies on Debian, and no Node.
    return kept | {"PYTHONPATH": str(place / "site"), "PATH": "/usr/sbin"}


@pytest.fixture
def demo(environment, tmp_path):
    """A running demo of the wheel and its data folder."""
    folder, log = tmp_path / "demo", (tmp_path / "log").open("wb")
    options = ["--assets", "2", "--days", "1", "--data", str(folder), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "millwright", "demo", *options],
        cwd=tmp_path,
        env=environment,
        stdout=log,
        stderr=log,
    )
    deadline = time.monotonic() + 120
    while not (folder / "demo.json").exists() and time.monotonic() < deadline:
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.1)
    yield process, folder
    process.kill()
    process.wait()
    log.close()


def test_the_wheel_runs_the_demo_and_stops_when_told(demo):
    process, folder = demo
    facts = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    assert {each["role"] for each in facts["accounts"]} == ACCOUNTS
    assert facts["mqtt_url"].startswith("mqtt://127.0.0.1:")
    with urllib.request.urlopen(f"{facts['url']}/sign-in", timeout=10) as answer:
        page = answer.read().decode()
    assert "/static/dist/site" in page or "/static/dist/app" in page
    began = time.monotonic()
    process.terminate()
    assert process.wait(10) == 0
    assert time.monotonic() - began < 5


def test_the_wheel_is_what_runs(environment, tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", "import millwright; print(millwright.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(ROOT) not in said.stdout
