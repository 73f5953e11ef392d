"""`millwright serve` and `demo` as processes: what they refuse, and that they leave nobody."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from millwright.broker import BrokerKind
from tests.brokers import require, wait_until
from tests.e2e import served
from tests.e2e.served import Served
from tests.millwright.test_cli import call, refusal, refuse, run

pytestmark = pytest.mark.broker
ENDS_S = 5.0
SECRET = secrets.token_urlsafe(48)


def list_children(pid):
    """Process ids of those that a process started and that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(entry.parent.name))
    return found


def find_broker(pids):
    """The one of them that is mosquitto."""
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0] for pid in pids}
    return next(pid for pid, name in names.items() if name.endswith("mosquitto"))


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def all_gone(pids):
    return all(is_gone(pid) for pid in pids)


@contextmanager
def running(folder, *options, kind=BrokerKind.MOSQUITTO):
    """A service with its children's process ids; nothing of it is left afterwards."""
    require(kind)
    service = served.start(["serve", "--broker", kind.value, *options], folder)
    children = list_children(service.process.pid)
    assert len(children) == 2, "a broker and its watcher"
    try:
        yield service, children
    finally:
        if service.process.poll() is None:
            service.stop()
        wait_until(lambda: all_gone(children))


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Served:
    """One that runs, for those that shall be refused beside it."""
    with running(tmp_path_factory.mktemp("service") / "data") as (service, _):
        yield service


def attempt(*options):
    """A `serve` that is refused before it has started anything: its one line."""
    return refuse("serve", *options, MILLWRIGHT_SECRET_KEY=SECRET)


# what is refused, before anything is started


def test_without_a_secret_it_names_the_variable(tmp_path):
    done = call("serve", "--data", tmp_path / "data")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "MILLWRIGHT_SECRET_KEY is missing." in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_in_use_names_its_owner_and_the_way_out(service):
    done = run("serve", "--data", service.folder, MILLWRIGHT_SECRET_KEY=SECRET)
    line = refusal(done.returncode, done.stdout, done.stderr)
    assert f"in use by process {service.process.pid} at {service.url}." in line
    assert "--data" in line


def test_a_taken_port_is_named_and_nothing_is_started(service, tmp_path):
    port = urlsplit(service.url).port
    line = attempt("--data", tmp_path / "data", "--port", port)
    assert f"Port {port} on 127.0.0.1 cannot be used" in line
    assert "--port" in line
    assert not (tmp_path / "data" / "broker").exists()
    assert not (tmp_path / "data" / "owner.json").exists()


def test_a_taken_port_of_the_broker_is_named_and_nothing_is_left(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = attempt("--data", tmp_path / "data", "--port", 0, "--mqtt-port", port)
    assert f"Port {port} on 127.0.0.1 is taken" in line
    assert not (tmp_path / "data" / "owner.json").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    line = attempt("--data", tmp_path / "file" / "data", "--port", 0)
    assert f"{tmp_path / 'file' / 'data'} cannot be written" in line


# what runs, and how it ends


@contextmanager
def kept_open(service):
    """A browser that was answered and keeps its connection."""
    address = urlsplit(service.url)
    browser = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    browser.request("GET", "/healthz/live")
    answer = browser.getresponse()
    assert (answer.status, json.load(answer)) == (200, {"status": "live"})
    yield
    browser.close()


def end(service, number):
    """Sends a signal; exit code and seconds until the process was gone."""
    began = time.monotonic()
    service.process.send_signal(number)
    code = service.process.wait(30)
    return code, time.monotonic() - began


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGTERM, BrokerKind.AMQTT), (signal.SIGINT, BrokerKind.MOSQUITTO)],
    ids=["SIGTERM-amqtt", "SIGINT-mosquitto"],
)
def test_a_signal_ends_it_with_every_child_within_five_seconds(tmp_path, number, kind):
    with running(tmp_path / "data", kind=kind) as (service, children):
        with kept_open(service):
            assert end(service, number) == (0, pytest.approx(0, abs=ENDS_S))
        assert all_gone(children)
    assert service.list_faults() == []
    assert "leaked" not in service.log_path.read_text()
    assert not (tmp_path / "data" / "owner.json").exists()


def test_its_children_do_not_outlive_a_kill(tmp_path):
    with running(tmp_path / "data") as (service, children):
        broker = find_broker(children)
        assert end(service, signal.SIGKILL)[0] == -signal.SIGKILL
        wait_until(lambda: is_gone(broker), timeout_s=ENDS_S)


def test_when_its_broker_dies_it_ends_and_says_so(tmp_path):
    with running(tmp_path / "data") as (service, children):
        os.kill(find_broker(children), signal.SIGKILL)
        assert service.process.wait(20) == 1
    assert "a part ended" in service.log_path.read_text()


def test_a_signal_while_it_starts_leaves_nobody_behind(tmp_path):
    """As soon as there is a broker; the rest is then being started."""
    require(BrokerKind.MOSQUITTO)
    folder = tmp_path / "data"
    program = Path(sys.executable).with_name("millwright")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", "--data", folder, "--port", "0"],
            stdout=log,
            stderr=log,
            env=served._environment({}),
        )
    wait_until(lambda: list_children(process.pid), timeout_s=60)
    began, children = time.monotonic(), list_children(process.pid)
    process.terminate()
    assert process.wait(30) in (0, 1)
    wait_until(lambda: all_gone(children))
    assert time.monotonic() - began < ENDS_S
    assert not (folder / "owner.json").exists()
    said = (tmp_path / "log").read_text()
    assert ("Traceback" in said, "leaked" in said) == (False, False)


# the demo


def demo(folder, *options):
    require(BrokerKind.MOSQUITTO)
    plan = ["--assets", "2", "--days", "1", "--broker", "mosquitto"]
    return served.start(["demo", *plan, *options], folder)


def read_facts(folder):
    return json.loads((folder / "demo.json").read_text())


def test_the_demo_starts_is_interrupted_starts_again_and_keeps_what_it_has(tmp_path):
    folder = tmp_path / "demo"
    program = Path(sys.executable).with_name("millwright")
    interrupted = subprocess.Popen(
        [program, "demo", "--assets", "2", "--days", "1", "--data", folder, "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=served._environment({}),
    )
    wait_until((folder / "accounts.json").exists, timeout_s=60)
    interrupted.kill()
    interrupted.wait()
    started = json.loads((folder / "demo-state.json").read_text())["start_ms"]

    cold = demo(folder)
    facts = read_facts(folder)
    assert set(facts) == {"url", "mqtt_url", "accounts"}
    assert (facts["url"], facts["mqtt_url"]) == (cold.url, cold.mqtt_url)
    roles = ["manufacturer", "dealer_manager", "technician", "customer"]
    assert [account["role"] for account in facts["accounts"]] == roles
    assert set(facts["accounts"][0]) == {"role", "email", "password", "organisation"}
    with kept_open(cold):
        pass
    children = list_children(cold.process.pid)
    assert len(children) == 7, "broker, fleet, people, each with its watcher; Python's own tracker"
    assert end(cold, signal.SIGTERM) == (0, pytest.approx(0, abs=ENDS_S))
    # The last is Python's tracker, which ends by the end of our pipe to it, just after us.
    wait_until(lambda: all_gone(children), timeout_s=2)

    warm = demo(folder)
    assert read_facts(folder)["accounts"] == facts["accounts"]
    assert json.loads((folder / "demo-state.json").read_text())["start_ms"] == started
    assert end(warm, signal.SIGTERM)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_while_history_is_made_ends_the_demo_with_every_child(tmp_path, number):
    plan = ["--assets", "6", "--days", "60", "--data", tmp_path / "demo", "--port", "0"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("millwright"), "demo", *plan],
            stdout=log,
            stderr=log,
            env=served._environment({}),
        )
    try:
        wait_until((tmp_path / "demo" / "accounts.json").exists, timeout_s=60)
        wait_until(lambda: list_children(process.pid), timeout_s=60)
        began, children = time.monotonic(), list_children(process.pid)
        process.send_signal(number)
        assert process.wait(30) != 0
        assert time.monotonic() - began < ENDS_S
        wait_until(lambda: all_gone(children), timeout_s=2)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert not (tmp_path / "demo" / "owner.json").exists()


def test_a_demo_whose_broker_cannot_be_is_refused_before_its_history(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refuse("demo", "--data", tmp_path / "a", "--port", "0", "--mqtt-port", port)
    assert f"Port {port} on 127.0.0.1 is taken" in line
    away = f"mqtt://127.0.0.1:{port}"
    line = refuse("demo", "--data", tmp_path / "b", "--port", "0", "--broker", away)
    assert f"No broker answers at 127.0.0.1:{port}" in line
    assert not (tmp_path / "a" / "millwright.db").exists()


def test_a_folder_with_another_demo_is_left_as_it_is(tmp_path):
    state = {"assets": 2, "days": 1, "seed": 7, "start_ms": 0, "reached_ms": 0}
    (tmp_path / "demo-state.json").write_text(json.dumps(state))
    line = refuse("demo", "--assets", "3", "--data", tmp_path, "--port", "0")
    assert "holds a demo with --assets 2 --days 1 --seed 7." in line
    assert json.loads((tmp_path / "demo-state.json").read_text()) == state
