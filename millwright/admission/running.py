"""Puts the admission of devices together: for our own broker, or for one that reads our files."""

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from foundation.clock import Clock
from foundation.database import Database
from foundation.settings import Settings
from millwright.admission.broker_files import BrokerFiles
from millwright.admission.denials import DenialWatch, LogReader, LogTail
from millwright.admission.device_access import DeviceAccess
from millwright.broker import RunningBroker
from millwright.broker_access import Account, Admitted, Part

_log = structlog.get_logger(__name__)


def make_admission(
    settings: Settings, database: Database, clock: Clock, broker: RunningBroker
) -> Callable[[], None]:
    """The step that keeps the broker's users in order and notes what it refuses."""
    outside = make_outside_files(settings) if broker.child is None else None
    access = DeviceAccess(database, clock, outside or broker.admit)
    log_path = broker.child.log_path if broker.child else settings.broker_log
    reader = LogReader(access.rights_of)
    watch = DenialWatch(LogTail(log_path), reader, database, clock) if log_path else None

    def step() -> None:
        access.step()
        if watch is not None:
            watch.step()

    return step


def make_outside_files(settings: Settings) -> Callable[[Iterable[Admitted]], bool] | None:
    """Writes the files of the operator's own broker and tells it; None without a folder."""
    if settings.broker_dir is None:
        return None
    files = BrokerFiles(settings.broker_dir, _our_account(settings))

    def admit(devices: Iterable[Admitted]) -> bool:
        is_changed = files.write(devices)
        if is_changed and settings.broker_pid is not None:
            tell_to_reload(settings.broker_pid)
        return is_changed

    return admit


def tell_to_reload(pid_file: Path) -> bool:
    """Sends SIGHUP to the process of a file; False, with a warning, when that cannot be done."""
    try:
        os.kill(int(pid_file.read_text().strip()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        _log.warning("the broker could not be told", file=str(pid_file), why=str(error))
        return False
    return True


def _our_account(settings: Settings) -> list[Account]:
    parts = urlsplit(settings.mqtt_url)
    if not parts.username or parts.password is None:
        return []
    return [Account(unquote(parts.username), unquote(parts.password), Part.PLATFORM)]
