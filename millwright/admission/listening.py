"""Where we may listen: beyond this machine only with TLS, unless somebody says otherwise in words.

Whoever says so is told what it means at every start.
"""

import ipaddress

import structlog

from foundation.errors import Invalid
from foundation.settings import Settings

_log = structlog.get_logger(__name__)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        # A name may mean any address, tomorrow another one than today.
        return False


def check_portal(host: str, *, is_insecure: bool, has_tls: bool = False) -> None:
    """Refuses a portal that others reach without TLS.

    Raises:
        Invalid: naming the ways out.
    """
    if has_tls or is_loopback(host):
        return
    if not is_insecure:
        raise Invalid(
            f"The portal would listen on {host} without TLS: passwords could be read on the way. "
            "Let it listen on 127.0.0.1 behind a proxy with TLS. If everybody on that network may "
            "read along, say so with --insecure-listen."
        )
    _log.warning("anybody on the way can read what people type, passwords too", host=host)


def check_broker(settings: Settings, *, is_insecure: bool, anonymous_devices: bool) -> None:
    """Refuses a broker that others reach without TLS or without a password.

    Raises:
        Invalid: naming the ways out.
    """
    host = settings.mqtt_host
    if bool(settings.mqtt_cert) != bool(settings.mqtt_key):
        raise Invalid("MILLWRIGHT_MQTT_CERT and MILLWRIGHT_MQTT_KEY belong together; give both.")
    if not host or is_loopback(host):
        return
    faults = ["without TLS (set MILLWRIGHT_MQTT_CERT and _KEY)"] if not settings.mqtt_cert else []
    faults += ["for devices without a password"] if anonymous_devices else []
    if faults and not is_insecure:
        raise Invalid(
            f"The broker would listen on {host} {' and '.join(faults)}. If everybody on that "
            "network may read and write what machines say, say so with --insecure-listen."
        )
    for fault in faults:
        _log.warning("anybody on the way can act as a device", host=host, why=fault)
