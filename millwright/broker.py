"""Starts the MQTT broker: mosquitto if it is found, else the embedded amqtt, else one by its URL.

Clients and what they send are not here. What each kind promises, given that ingest acknowledges
after its commit and comes back under the same user:

- **mosquitto** with our configuration: nothing is lost while ingest is away or killed, up to a
  million messages or 512 MiB for each client; beyond that it drops the newest silently. A broker
  that is ended by SIGTERM loses nothing. One that is killed loses what came after its last save,
  at most five seconds, although it had acknowledged that to the devices.
- **amqtt**: nothing is lost while ingest is away or killed. Everything is kept in memory without
  a bound, so any end of the broker loses what waited. No MQTT 5, no shared subscriptions, no
  `$SYS` counters. Whoever can reach the port and knows a client id can end that client's session
  without a password: for loopback and trusted networks only.
- **external**: whatever its owner configured; see the shipped example configuration.
"""

import errno
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import structlog

from foundation.errors import Conflict, Invalid, Unavailable
from millwright.admission.broker_files import BrokerFiles, write_private
from millwright.broker_access import Account, Admitted, Part, make_account
from millwright.children import ChildProcess, start_child, start_python
from millwright.mosquitto import Listener, PublicListener, write_configuration

_log = structlog.get_logger(__name__)

_START_TIMEOUT_S = 15.0
_ATTEMPTS = 3
_OLDEST_MOSQUITTO = (2, 0, 0)
# Debian keeps it where an ordinary user's PATH does not look.
_SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class BrokerKind(StrEnum):
    """Which broker it is; the module's docstring says what each promises."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class RunningBroker:
    """A broker that accepts connections; `url` holds no secret, `url_for` does."""

    kind: BrokerKind
    url: str
    accounts: tuple[Account, ...] = ()
    child: ChildProcess | None = None
    secret_url: str | None = None
    files: BrokerFiles | None = None

    def url_for(self, user: str) -> str:
        """The URL with that user's name and password, for a client; never log it.

        Raises:
            Invalid: when the broker was started without that account.
        """
        if self.secret_url is not None:
            return self.secret_url
        for account in self.accounts:
            if account.user == user:
                parts = urlsplit(self.url)
                netloc = f"{account.user}:{account.password}@{parts.netloc}"
                return urlunsplit(parts._replace(netloc=netloc))
        raise Invalid(f"The broker has no user {user!r}.")

    @property
    def pid(self) -> int | None:
        """Process id of our own broker."""
        return None if self.child is None else self.child.pid

    @property
    def is_alive(self) -> bool:
        """Whether our own broker still runs; an external one counts as running."""
        return self.child is None or self.child.is_alive

    def admit(self, devices: Iterable[Admitted]) -> bool:
        """Lets exactly these devices in beside our own accounts; whether that changed anything.

        Connections of those who may not any more are ended, others stay.
        """
        if self.files is None or not self.files.write(devices):
            return False
        if self.child is not None:
            self.child.reload()
        return True

    def stop(self) -> None:
        """Ends our own broker within 5 s; leaves an external one alone."""
        if self.child is not None:
            self.child.stop()


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """The accounts of a broker and whether devices may publish without one.

    `anonymous_devices` lets anybody publish telemetry of any device: for the demo on loopback,
    for tests and for trying things with mosquitto_pub. It also switches off the rule that a
    client's id is its user name, which knows no anonymous clients. `devices` are those that may
    come in from the first moment on; `RunningBroker.admit` changes them.
    """

    accounts: tuple[Account, ...] = ()
    anonymous_devices: bool = False
    devices: tuple[Admitted, ...] = ()
    public: PublicListener | None = None


def start_broker(
    directory: Path,
    access: BrokerAccess,
    *,
    port: int | None = None,
    host: str = "127.0.0.1",
    prefer: BrokerKind | None = None,
    external_url: str | None = None,
) -> RunningBroker:
    """Starts a broker, or takes the external one, and waits until it accepts connections.

    Args:
        directory: for its configuration, its log and what it saves; made when missing.
        access: who may connect.
        port: None or 0: any free one.
        host: address to listen on.
        prefer: MOSQUITTO or AMQTT, and no other; None: mosquitto if it is found.
        external_url: mqtt:// or mqtts:// URL of a broker that somebody else runs.

    Raises:
        Conflict: when the port is taken; nothing was started then.
        Unavailable: when no broker can be started or reached.
        Invalid: when the URL or an account's name makes no sense.
    """
    if external_url:
        return _reach(external_url)
    kind, binary = _choose(BrokerKind.MOSQUITTO if access.public and not prefer else prefer)
    if access.public is not None:
        _check_public(kind, access.public)
    probe = make_account("millwright-probe", Part.PROBE)
    access = replace(access, accounts=(*access.accounts, probe))
    attempts = 1 if port else _ATTEMPTS
    for attempt in range(1, attempts + 1):
        place = Listener(directory.resolve(), host, _find_port(host, port or 0))
        directory.mkdir(parents=True, exist_ok=True)
        child, files = _start_kind(kind, binary, place, access)
        if _is_ready_or_ended(child, place, probe):
            break
        # Somebody took the free port between our finding it and the broker's binding it.
        child.stop()
        if attempt == attempts:
            raise Unavailable(
                f"The broker {kind} did not start: {child.read_last_line()} "
                f"(log: {child.log_path})."
            )
    _log.info("broker started", kind=kind.value, url=place.url, pid=child.pid)
    return RunningBroker(kind, place.url, access.accounts, child, files=files)


def _check_public(kind: BrokerKind, public: PublicListener) -> None:
    if kind is not BrokerKind.MOSQUITTO:
        raise Unavailable(
            "The embedded broker is for this machine alone; devices outside need mosquitto."
        )
    for path in (public.certificate, public.key):
        if path is not None and not os.access(path, os.R_OK):
            raise Unavailable(f"{path} cannot be read; the broker needs it for TLS.")
    _find_port(public.host, public.port)


def check_place(
    *, port: int | None, host: str = "127.0.0.1", external_url: str | None = None
) -> None:
    """Refuses at once what `start_broker` would refuse after long work before it.

    Raises:
        Conflict, Unavailable, Invalid: as `start_broker` does.
    """
    if external_url:
        _reach(external_url)
    elif port:
        _find_port(host, port)


def find_mosquitto() -> str | None:
    """The path of a mosquitto that reads our configuration, else None."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_FOLDERS)
    if binary is None:
        return None
    # It answers -h with its version and exit code 3.
    said = subprocess.run([binary, "-h"], capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - found on PATH
    version = re.search(r"version (\d+)\.(\d+)\.(\d+)", said.stdout)
    if version is None or tuple(int(part) for part in version.groups()) < _OLDEST_MOSQUITTO:
        _log.warning("mosquitto is too old, it is not used", path=binary)
        return None
    return binary


def _choose(prefer: BrokerKind | None) -> tuple[BrokerKind, str | None]:
    if prefer is BrokerKind.AMQTT:
        return BrokerKind.AMQTT, None
    binary = find_mosquitto()
    if binary is not None:
        return BrokerKind.MOSQUITTO, binary
    if prefer is BrokerKind.MOSQUITTO:
        raise Unavailable("mosquitto 2 was not found; install it (Debian: apt install mosquitto).")
    return BrokerKind.AMQTT, None


def _start_kind(
    kind: BrokerKind, binary: str | None, place: Listener, access: BrokerAccess
) -> tuple[ChildProcess, BrokerFiles]:
    files = BrokerFiles(
        place.directory, access.accounts, anonymous_devices=access.anonymous_devices
    )
    files.write(access.devices)
    log_path = place.directory / "broker.log"
    if kind is BrokerKind.AMQTT:
        settings = files.write_embedded_settings(f"{place.host}:{place.port}")
        return start_python("millwright.amqtt_broker", [str(settings)], log_path), files
    assert binary is not None
    text = write_configuration(
        place, anonymous_devices=access.anonymous_devices, public=access.public
    )
    path = place.directory / "mosquitto.conf"
    write_private(path, text)
    return start_child([binary, "-c", str(path)], log_path), files


def _find_port(host: str, wanted: int) -> int:
    """The wanted port, or any free one for 0.

    Raises:
        Conflict: when somebody listens there already.
        Unavailable: when the address or the port is not ours to use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            # As the brokers do it: waiting ends of old connections are no reason to refuse.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, wanted))
            return int(listener.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"Port {wanted} on {host} is taken; choose another MQTT port."
            ) from error
        raise Unavailable(f"Port {wanted} on {host} cannot be used: {error.strerror}.") from error


def _is_ready_or_ended(child: ChildProcess, place: Listener, probe: Account) -> bool:
    try:
        return _wait_until_ready(child, place, probe)
    except BaseException:
        # Told to stop while we waited: nobody else knows of it yet.
        child.stop()
        raise


def _wait_until_ready(child: ChildProcess, place: Listener, probe: Account) -> bool:
    """Whether it accepted a CONNECT before it ended or the time was over."""
    return _wait_for(lambda: _accepts(place.host, place.port, probe), lambda: child.is_alive)


def _wait_for(is_ready: Callable[[], bool], may_hope: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and may_hope():
        if is_ready():
            return may_hope()
        time.sleep(0.05)
    return False


def _accepts(host: str, port: int, probe: Account) -> bool:
    """Whether a CONNECT as the probe is answered by a CONNACK that says yes."""
    texts = [probe.user, probe.user, probe.password]
    payload = b"".join(len(text).to_bytes(2, "big") + text.encode() for text in texts)
    # Protocol name and level 4, user name, password and clean session, keep-alive of 10 s.
    body = b"\x00\x04MQTT\x04\xc2\x00\x0a" + payload
    try:
        with socket.create_connection((host, port), timeout=2) as link:
            link.sendall(bytes([0x10, len(body)]) + body)
            answer = link.recv(4)
            link.sendall(b"\xe0\x00")
    except OSError:
        return False
    return answer == b"\x20\x02\x00\x00"


def _reach(url: str) -> RunningBroker:
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise Invalid("The broker's URL must look like mqtt://host:1883 or mqtts://host:8883.")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        socket.create_connection((parts.hostname, port), timeout=5).close()
    except OSError as error:
        raise Unavailable(f"No broker answers at {parts.hostname}:{port}: {error}.") from error
    netloc = parts.netloc.rpartition("@")[2]
    plain = urlunsplit(parts._replace(netloc=netloc))
    return RunningBroker(BrokerKind.EXTERNAL, plain, secret_url=url)
