import ssl
import subprocess
from pathlib import Path

import pytest
from paho.mqtt import publish as paho_publish

from foundation.clock import SystemClock
from millwright.broker import BrokerKind, find_mosquitto
from millwright.broker_access import Account, Part, write_access_list, write_passwords
from millwright.children import start_child
from millwright.mosquitto import LIMITS, SAVING
from telemetry.mqtt import MqttLink
from tests.brokers import FILTERS, INGEST, require, take_all
from tests.servers import free_port

FOLDER = Path(__file__).parents[2] / "deploy" / "mosquitto"


def _settings(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The shipped files, as installed, with other folders and ports."""
    require(BrokerKind.MOSQUITTO)
    folder = tmp_path_factory.mktemp("shipped")
    _make_certificate(folder)
    accounts = [Account(INGEST, "ingest", Part.PLATFORM), Account("dev-1", "device", Part.DEVICE)]
    (folder / "passwords").write_text(write_passwords(accounts))
    (folder / "access").write_text((FOLDER / "access").read_text())
    ports = {"1883": free_port(), "8883": free_port()}
    text = (FOLDER / "mosquitto.conf").read_text()
    for place in ("/etc/mosquitto/millwright", "/var/lib/mosquitto", "/var/log/mosquitto"):
        text = text.replace(place, str(folder))
    for port, free in ports.items():
        text = text.replace(f"listener {port}", f"listener {free}")
    (folder / "mosquitto.conf").write_text(f"user root\n{text}")
    child = start_child(
        [find_mosquitto(), "-c", str(folder / "mosquitto.conf")], folder / "output.log"
    )
    yield folder, ports
    child.stop()


def _make_certificate(folder):
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", folder / "server.key", "-out", folder / "server.crt"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.broker
def test_the_shipped_files_serve_a_device_over_tls(shipped):
    folder, ports = shipped
    url = f"mqtt://{INGEST}:ingest@127.0.0.1:{ports['1883']}"
    link = MqttLink(url, INGEST, FILTERS, SystemClock())
    link.start()
    assert link.wait_ready(20)
    trusted = ssl.create_default_context(cafile=folder / "server.crt")
    for topic in ("mw/v1/dev-2/telemetry", "mw/v1/dev-1/telemetry"):
        paho_publish.single(
            topic,
            topic,
            qos=1,
            hostname="127.0.0.1",
            port=ports["8883"],
            client_id="dev-1",
            auth={"username": "dev-1", "password": "device"},
            tls=trusted,
        )
    assert [each.payload for each in take_all(link, 1)] == [b"mw/v1/dev-1/telemetry"]
    link.stop()


def test_the_shipped_limits_are_the_launchers():
    shipped = _settings((FOLDER / "mosquitto.conf").read_text())
    for line in _settings(LIMITS + SAVING):
        assert line in shipped


def test_the_shipped_access_list_is_the_launchers():
    account = Account(INGEST, "", Part.PLATFORM)
    made = write_access_list([account], anonymous_devices=False)
    assert _settings((FOLDER / "access").read_text()) == _settings(made)


def test_the_shipped_configuration_lets_nobody_in_unknown_or_in_clear():
    shipped = _settings((FOLDER / "mosquitto.conf").read_text())
    assert "allow_anonymous false" in shipped
    assert shipped.count("use_username_as_clientid true") == 2
    listeners = [line for line in shipped if line.startswith("listener")]
    assert listeners == ["listener 1883 127.0.0.1", "listener 8883"]
    public = shipped[shipped.index("listener 8883") :]
    assert any(line.startswith("certfile") for line in public)
