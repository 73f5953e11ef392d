"""Runs a platform: broker as a child, ingest, scoring and worker as threads, the portal over HTTP.

Everything is checked before anything is started, and ended in order within seconds.
"""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import click
import structlog
import waitress
from waitress.server import TcpWSGIServer

from foundation.clock import SystemClock, stopwatch_s
from foundation.errors import Conflict, Unavailable
from foundation.log import set_up_logs
from foundation.settings import Settings, list_secrets
from millwright.admission.device_access import read_admitted
from millwright.admission.listening import check_broker, check_portal
from millwright.admission.running import make_admission
from millwright.broker import BrokerAccess, BrokerKind, RunningBroker, start_broker
from millwright.broker_access import Account, Part, make_account
from millwright.data_folder import DataFolder
from millwright.loops import Loop
from millwright.memory import settle_collector
from millwright.mosquitto import PublicListener
from millwright.operation.backup import write_backup
from millwright.operation.erasure import erase
from millwright.operation.monitor import DROPPED_TOPIC, Monitor
from millwright.operation.portable import Tell
from millwright.operation.requests import Requests
from millwright.tls import TlsRelay, load_certificate
from millwright.wiring import Platform, open_platform
from millwright.worker import repeat
from telemetry.ingest import IngestLoop
from telemetry.mqtt import MqttLink
from web.app import create_app
from web.portal.live import get_feed
from web.runtime import WebRuntime

_log = structlog.get_logger(__name__)

# Threads beside those that hold live streams open.
_PAGE_THREADS = 32
_STOP_S = 1.5
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "[::1]")


@dataclass(slots=True)
class Service:
    """A running platform; `stop` asks for the end, `failed` tells of an end nobody asked for."""

    platform: Platform
    broker: RunningBroker
    url: str
    stop: threading.Event
    failed: threading.Event
    link: MqttLink

    def wait(self) -> int:
        """Waits for the end; the exit code is 1 when a part failed."""
        while not self.stop.wait(0.2):
            if self.failed.is_set() or not self.broker.is_alive or not self.link.is_alive:
                _log.error("a part ended, stopping")
                return 1
        return 0

    def device_account(self) -> Account | None:
        """The account that the pretend machines use; None with a broker that is not ours."""
        gateways = [each for each in self.broker.accounts if each.part is Part.GATEWAY]
        return gateways[0] if gateways else None


def reserve_port(host: str, port: int) -> socket.socket:
    """The listening socket of the portal, so that nothing is started when its port is taken.

    Raises:
        Conflict: when it is.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Bound alone is not taken: with REUSEADDR another process could bind it as well.
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise Conflict(
            f"Port {port} on {host} cannot be used: {error.strerror}. Choose another with --port."
        ) from error
    return listener


def choose_broker(wanted: str | None, settings: Settings) -> tuple[BrokerKind | None, str | None]:
    """Which broker to start, or the URL of one to use, from an option or the settings."""
    given = wanted or settings.mqtt_url or None
    if given in (BrokerKind.MOSQUITTO, BrokerKind.AMQTT):
        return BrokerKind(given), None
    return None, given


@contextmanager
def running(
    platform: Platform,
    folder: DataFolder,
    listener: socket.socket,
    *,
    broker: str | None = None,
    host_name: str = "localhost",
    anonymous_devices: bool = False,
) -> Iterator[Service]:
    """Starts everything on the platform and ends it in the other order.

    With `anonymous_devices` every process that reaches our own broker may publish telemetry.
    """
    settings = platform.settings
    with ExitStack() as stack:
        stop, failed = threading.Event(), threading.Event()
        started = _start_broker(platform, broker, anonymous=anonymous_devices)
        stack.callback(started.stop)
        link = MqttLink(
            started.url_for(settings.ingest_id),
            settings.ingest_id,
            platform.ingest.topic_filters,
            platform.clock,
            watch=[DROPPED_TOPIC],
        )
        link.start()
        stack.callback(link.stop)
        monitor = _make_monitor(platform, link, started, stop, failed)
        for loop in monitor.loops.values():
            stack.callback(loop.end, _STOP_S)
            loop.start()
        server = PortalServer(platform, listener, stop, monitor)
        portal = Loop("portal", server.run, stop, failed)
        stack.callback(portal.end, _STOP_S)
        stack.callback(server.end)
        portal.start()
        # First of all to happen at the end: every thread and every open stream sees it.
        stack.callback(stop.set)
        if not link.wait_ready(15.0):
            raise Unavailable(f"The broker at {started.url} does not let us in.")
        scheme = "https" if settings.tls_cert else "http"
        url = f"{scheme}://{host_name}:{listener.getsockname()[1]}"
        folder.tell_address({"url": url, "mqtt_url": started.url})
        yield Service(platform, started, url, stop, failed, link)


def _start_broker(platform: Platform, wanted: str | None, *, anonymous: bool) -> RunningBroker:
    settings = platform.settings
    prefer, external = choose_broker(wanted, settings)
    accounts = (
        make_account(settings.ingest_id, Part.PLATFORM),
        make_account("millwright-machines", Part.GATEWAY),
    )
    access = BrokerAccess(
        accounts,
        anonymous_devices=anonymous,
        devices=read_admitted(platform.database, platform.clock),
        public=_describe_public(settings),
    )
    return start_broker(
        settings.data_dir / "broker",
        access,
        port=settings.mqtt_port,
        prefer=prefer,
        external_url=external,
    )


def make_requests(platform: Platform) -> Requests:
    """What other commands may ask the owner of the data folder for."""

    def back_up(payload: dict[str, Any], tell: Tell) -> None:
        to = Path(str(payload["to"]))
        write_backup(platform.database, platform.store, platform.clock, to, tell)

    def remove(payload: dict[str, Any], tell: Tell) -> None:
        del tell
        found = erase(platform.database, platform.store, platform.clock, str(payload["name"]))
        platform.latest.forget(found.assets)

    works = {"backup": back_up, "erase": remove}
    return Requests(platform.database, platform.clock, platform.settings.data_dir, works)


def _describe_public(settings: Settings) -> PublicListener | None:
    if not settings.mqtt_host:
        return None
    return PublicListener(
        settings.mqtt_host, settings.mqtt_tls_port, settings.mqtt_cert, settings.mqtt_key
    )


def _make_monitor(
    platform: Platform,
    link: MqttLink,
    broker: RunningBroker,
    stop: threading.Event,
    failed: threading.Event,
) -> Monitor:
    ingest = IngestLoop(link, platform.ingest)
    admission = make_admission(platform.settings, platform.database, platform.clock, broker)

    def score() -> None:
        platform.scoring.wait_and_step(timeout_s=0.25)

    def work() -> None:
        repeat(platform.worker, stop)

    def admit() -> None:
        admission()
        stop.wait(0.5)

    requests = make_requests(platform)
    requests.give_up_old_ones()
    steps = {
        "ingest": ingest.step,
        "scoring": score,
        "worker": work,
        "admission": admit,
        "requests": lambda: requests.wait_and_step(stop),
    }
    loops = {name: Loop(name, step, stop, failed) for name, step in steps.items()}
    return Monitor(platform, link, ingest, loops)


class PortalServer:
    """The portal behind its socket; `end` closes every connection and ends every thread."""

    def __init__(
        self,
        platform: Platform,
        listener: socket.socket,
        stop: threading.Event,
        monitor: Monitor | None = None,
    ) -> None:
        self._connections: dict[int, object] = {}
        app = create_app(_make_runtime(platform, stop, monitor))
        if monitor is not None:
            monitor.count_streams = lambda: get_feed(app).open_streams
        self._relay, inner = _make_relay(platform.settings, listener)
        self._server: TcpWSGIServer = waitress.create_server(
            self._relay.wrap(app) if self._relay else app,
            map=self._connections,
            sockets=[inner],
            threads=platform.settings.stream_limit + _PAGE_THREADS,
            connection_limit=4096,
            asyncore_use_poll=True,
            # What they say is believed by the portal alone, where it is told to; here it tells at
            # least that somebody else stands behind this machine's own address.
            clear_untrusted_proxy_headers=False,
            ident=None,
        )

    def run(self) -> None:
        if self._relay is not None:
            self._relay.start()
        self._server.run()

    def end(self) -> None:
        if self._relay is not None:
            self._relay.stop(_STOP_S)
        # First the threads that answer: one that outlived the server would write to a file number
        # that is given out anew, and keep its last request in hand, of which the store's library
        # complains at the interpreter's end.
        self._server.task_dispatcher.shutdown(timeout=_STOP_S)
        # In the server's own thread, which ends once there is no connection, kept-alive or not.
        close_all = self._server.asyncore.close_all
        self._server.trigger.pull_trigger(lambda: close_all(self._connections))


def _make_relay(
    settings: Settings, listener: socket.socket
) -> tuple[TlsRelay | None, socket.socket]:
    """What speaks TLS, where a certificate is given, and the socket that the server listens on."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None, listener
    context = load_certificate(settings.tls_cert, settings.tls_key)
    inner = reserve_port("127.0.0.1", 0)
    return TlsRelay(context, listener, inner.getsockname()[:2]), inner


def _list_hosts(settings: Settings) -> tuple[str, ...]:
    """The names that the portal answers to; on this machine alone no other can be meant."""
    is_here = settings.host in _THIS_MACHINE
    return settings.trusted_hosts or (_THIS_MACHINE if is_here else ())


def _make_runtime(
    platform: Platform, stop: threading.Event, monitor: Monitor | None
) -> WebRuntime:
    plain = WebRuntime(
        database=platform.database,
        store=platform.store,
        latest=platform.latest,
        clock=platform.clock,
        secret_key=platform.settings.secret_key,
        stream_limit=platform.settings.stream_limit,
        reprocess=platform.ingest.reprocess,
        stop=stop,
        base_map=platform.settings.base_map,
        metrics_token=platform.settings.metrics_token,
        earlier_keys=platform.settings.secret_key_fallbacks,
        trusted_hosts=_list_hosts(platform.settings),
        is_secure=platform.settings.is_https or platform.settings.tls_cert is not None,
        proxies=platform.settings.proxies,
        private_hosts=platform.settings.private_hosts,
    )
    if monitor is None:
        return plain
    return replace(plain, check_parts=monitor.check_parts, render_metrics=monitor.render)


def interrupt_on_signals() -> None:
    """Until the service runs, Ctrl-C and SIGTERM take back what was begun."""
    # Said of both: who is started in the background is born deaf to the first.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def stop_on_signals(stop: threading.Event) -> None:
    """Lets Ctrl-C and SIGTERM end the service in good order."""

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)


@dataclass(frozen=True, slots=True)
class ServePlan:
    """What was asked for beside the settings."""

    broker: str | None = None
    anonymous_devices: bool = False
    is_insecure: bool = False


def run_service(settings: Settings, plan: ServePlan) -> int:
    """`millwright serve`: the whole platform until it is told to stop; returns the exit code."""
    interrupt_on_signals()
    settle_collector()
    set_up_logs(settings.log_format, secrets=list_secrets(settings))
    has_tls = settings.tls_cert is not None
    check_portal(settings.host, is_insecure=plan.is_insecure, has_tls=has_tls)
    check_broker(settings, is_insecure=plan.is_insecure, anonymous_devices=plan.anonymous_devices)
    begun_s = stopwatch_s()
    with ExitStack() as stack:
        folder = DataFolder(settings.data_dir)
        stack.callback(folder.release)
        listener = reserve_port(settings.host, settings.port)
        stack.callback(listener.close)
        platform = stack.enter_context(open_platform(settings, SystemClock()))
        service = stack.enter_context(
            running(
                platform,
                folder,
                listener,
                broker=plan.broker,
                anonymous_devices=plan.anonymous_devices,
            )
        )
        stop_on_signals(service.stop)
        click.echo(f"Portal: {service.url}   MQTT: {service.broker.url}   ({service.broker.kind})")
        _log.info("started", seconds=round(stopwatch_s() - begun_s, 1))
        return service.wait()
