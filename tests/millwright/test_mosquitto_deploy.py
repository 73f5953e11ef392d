import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from paho.mqtt import publish as paho_publish

from foundation.clock import SystemClock
from foundation.settings import read_settings
from millwright.admission.broker_files import BrokerFiles
from millwright.admission.running import make_outside_files
from millwright.broker import BrokerKind, find_mosquitto
from millwright.broker_access import Account, Part, admit, write_access_list
from millwright.children import start_child
from millwright.mosquitto import LIMITS, SAVING
from telemetry.mqtt import MqttLink
from tests.brokers import FILTERS, INGEST, require, take_all, wait_until
from tests.millwright.test_device_access import Connection
from tests.servers import free_port

FOLDER = Path(__file__).parents[2] / "deploy" / "mosquitto"


DEVICE = admit(Account("dev-1", "device", Part.DEVICE))


def _settings(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The shipped files, as installed, with other folders and ports."""
    require(BrokerKind.MOSQUITTO)
    folder = tmp_path_factory.mktemp("shipped")
    _make_certificate(folder)
    BrokerFiles(folder, [Account(INGEST, "ingest", Part.PLATFORM)]).write([DEVICE])
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
    (folder / "mosquitto.pid").write_text(str(child.pid))
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
    made = write_access_list([admit(account)], anonymous_devices=False)
    assert _settings((FOLDER / "access").read_text()) == _settings(made)


def test_the_shipped_configuration_lets_nobody_in_unknown_or_in_clear():
    shipped = _settings((FOLDER / "mosquitto.conf").read_text())
    assert "allow_anonymous false" in shipped
    assert shipped.count("use_username_as_clientid true") == 2
    listeners = [line for line in shipped if line.startswith("listener")]
    assert listeners == ["listener 1883 127.0.0.1", "listener 8883"]
    public = shipped[shipped.index("listener 8883") :]
    assert any(line.startswith("certfile") for line in public)


def test_the_shipped_limits_leave_no_queue_without_a_bound_and_close_sys_to_devices():
    shipped = _settings((FOLDER / "mosquitto.conf").read_text())
    limits = {line.split()[0]: line.split()[1] for line in shipped}
    for name in ("max_queued_messages", "max_queued_bytes", "memory_limit"):
        assert int(limits[name]) > 0
    assert not any("$SYS" in topic for topic in (*DEVICE.rights.read, *DEVICE.rights.write))
    assert "pattern" not in (FOLDER / "access").read_text()


def _shake_hands(folder, port, **changed):
    """The version of TLS that a client and the public listener agree on."""
    context = ssl.create_default_context(cafile=changed.pop("cafile", folder / "server.crt"))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    for name, value in changed.items():
        setattr(context, name, value)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as safe,
    ):
        return safe.version()


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_and_a_foreign_authority_are_refused(shipped, tmp_path):
    """D3: TLS 1.1, and a server that another authority vouches for."""
    folder, ports = shipped
    port = int(ports["8883"])
    wait_until(lambda: _shake_hands(folder, port) in ("TLSv1.2", "TLSv1.3"))
    old = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _shake_hands(folder, port, minimum_version=old, maximum_version=old)
    _make_certificate(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(folder, port, cafile=tmp_path / "server.crt")


@pytest.mark.broker
def test_a_broker_of_the_operators_is_told_who_may_come_in(shipped):
    """Files written and SIGHUP sent: a revoked device is ended, ingest stays."""
    folder, ports = shipped
    url = f"mqtt://{INGEST}:ingest@127.0.0.1:{ports['1883']}"
    given = {"secret_key": "s" * 40, "mqtt_url": url, "broker_dir": folder}
    tell = make_outside_files(read_settings({**given, "broker_pid": folder / "mosquitto.pid"}, {}))
    device_url = f"mqtt://127.0.0.1:{ports['1883']}"
    tell([DEVICE])
    links = [Connection(device_url, *who) for who in ((INGEST, "ingest", INGEST), _DEV)]
    assert [each.answer for each in links] == [True, True]
    assert tell([])
    wait_until(lambda: not links[1].is_up)
    assert not Connection(device_url, *_DEV).answer
    assert links[0].is_up
    assert tell([DEVICE])
    assert not tell([DEVICE])
    for each in links:
        each.close()


_DEV = ("dev-1", "device", "dev-1")
