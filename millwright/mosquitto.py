"""Mosquitto's configuration as our launcher writes it; the process itself is in broker.py."""

import os
from dataclasses import dataclass
from pathlib import Path

LIMITS = """\
# The stock limit of 1000 lost 7 messages of 8 while the subscriber was away, silently.
max_queued_messages 1000000
max_queued_bytes 536870912
memory_limit 1073741824
# Twice ingest's batch, so that the window never stalls it.
max_inflight_messages 4000
# Above what ingest reads of one message: too much must arrive to be put into quarantine.
message_size_limit 1048576
persistent_client_expiration 30d
"""
SAVING = """\
persistence true
persistence_file mosquitto.db
# Seconds; each save writes all that waits. A killed broker loses at most what came since.
autosave_interval 5
autosave_on_changes false
"""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a broker keeps its files and listens."""

    directory: Path
    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PublicListener:
    """Where devices connect from outside; without a certificate they do so in clear."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


def write_configuration(
    place: Listener, *, anonymous_devices: bool, public: PublicListener | None = None
) -> str:
    """The text of mosquitto.conf: a plain listener for ourselves, and one for devices outside."""
    lines = [
        "# Written at every start.",
        # Set to true it breaks persistent sessions in several versions.
        "per_listener_settings false",
        f"listener {place.port} {place.host}",
        "set_tcp_nodelay true",
        f"use_username_as_clientid {_word(not anonymous_devices)}",
        *(_describe(public, anonymous_devices=anonymous_devices) if public else ()),
        f"allow_anonymous {_word(anonymous_devices)}",
        f"password_file {place.directory / 'passwords'}",
        f"acl_file {place.directory / 'access'}",
        f"persistence_location {place.directory}/",
        "log_dest stderr",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        "log_type error",
        "log_type warning",
        "log_type notice",
        # Only there does it say what it refused; denials.py keeps the file small.
        "log_type debug",
        "connection_messages true",
        "sys_interval 10",
    ]
    if _is_root():
        # Started as root it would drop to its own user and then not be able to read our files.
        lines.insert(1, "user root")
    return "\n".join(lines) + "\n" + LIMITS + SAVING


def _describe(public: PublicListener, *, anonymous_devices: bool) -> list[str]:
    lines = [
        f"listener {public.port} {public.host}",
        "set_tcp_nodelay true",
        f"use_username_as_clientid {_word(not anonymous_devices)}",
    ]
    if public.certificate is not None:
        lines += [
            f"certfile {public.certificate}",
            f"keyfile {public.key}",
            "tls_version tlsv1.2",
        ]
    return lines


def _word(is_on: bool) -> str:  # noqa: FBT001 - turns a truth into a word
    return "true" if is_on else "false"


def _is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0
