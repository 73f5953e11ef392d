"""What the portal needs to be handed; it is put together in millwright/wiring.py."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from foundation.clock import Clock
from foundation.database import Database
from telemetry.latest import Latest
from telemetry.quarantine import QuarantinedMessage
from telemetry.store.contract import Store


@dataclass(frozen=True, slots=True)
class WebRuntime:
    """Open parts and settings of one portal process.

    `reprocess` runs a kept message through ingest again. `is_secure` says that browsers reach the
    portal by https only; `trusted_hosts` are the host names it answers to, none meaning any. Live
    streams end when `stop` is set. `base_map` is a GeoJSON file of the operator's own.

    `earlier_keys` still open what they signed and sealed; `private_hosts` may be called although
    they are not public. `proxies` says how many in front are believed.

    `check_parts` says which further parts can do their work, `render_metrics` gives the numbers
    for Prometheus; whoever has `metrics_token` may read them, else only this machine itself.
    """

    database: Database
    store: Store
    latest: Latest
    clock: Clock
    secret_key: str = field(repr=False)
    stream_limit: int
    reprocess: Callable[[QuarantinedMessage], bool]
    trusted_hosts: tuple[str, ...] = ()
    is_secure: bool = False
    base_map: Path | None = None
    check_parts: Callable[[], Mapping[str, bool]] = dict
    render_metrics: Callable[[], bytes] = bytes
    metrics_token: str = field(default="", repr=False)
    proxies: int = 0
    private_hosts: tuple[str, ...] = ()
    earlier_keys: tuple[str, ...] = field(default=(), repr=False)
    stop: threading.Event = field(default_factory=threading.Event)
