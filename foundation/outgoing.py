"""Calls to addresses that users name: only to public ones, checked on the connection itself.

A name that resolves to a public address now and to a private one later finds no way in, nor does
a redirect: none is followed. Hosts that the operator names are excepted.
"""

import ipaddress
import json
from collections.abc import Collection
from socket import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from foundation.errors import Invalid, Unavailable

TIMEOUT_S = 10.0
MAX_BYTES = 1_000_000


class NotPublic(OSError):
    """The other end is no public address."""


def check_address(url: str, private_hosts: Collection[str]) -> str:
    """The address when it may be called: https, or a host that the operator excepts.

    Raises:
        Invalid: otherwise.
    """
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("https", "http") and parts.hostname and not parts.username
        is_excepted = parts.hostname in private_hosts
    except ValueError:
        is_sound = is_excepted = False
    if not is_sound or (parts.scheme == "http" and not is_excepted):
        raise Invalid("This is no address that begins with https://.")
    return url


def guard(session: requests.Session, private_hosts: Collection[str]) -> requests.Session:
    """Lets a session of the library call public addresses and the excepted hosts only."""
    session.trust_env = False
    session.max_redirects = 0
    session.mount("https://", _PublicAdapter())
    for host in private_hosts:
        for scheme in ("http", "https"):
            session.mount(f"{scheme}://{host}", HTTPAdapter())
    return session


def fetch_json(url: str, private_hosts: Collection[str]) -> dict[str, Any]:
    """The object that an address answers with.

    Raises:
        Invalid: when the address may not be called.
        Unavailable: when it does not answer, or not with an object.
    """
    check_address(url, private_hosts)
    with guard(requests.Session(), private_hosts) as session:
        try:
            found = _read_json(session, url)
        except (requests.RequestException, OSError, ValueError, RecursionError) as error:
            raise Unavailable("%(url)s does not answer as it should.", url=url) from error
    if not isinstance(found, dict):
        raise Unavailable("%(url)s does not answer as it should.", url=url)
    return found


def _read_json(session: requests.Session, url: str) -> object:
    answer = session.get(url, timeout=TIMEOUT_S, allow_redirects=False, stream=True)
    with answer:
        body = answer.raw.read(MAX_BYTES, decode_content=True)
        return json.loads(body) if answer.ok else None


def _check_peer(connected: socket) -> socket:
    peer = ipaddress.ip_address(connected.getpeername()[0].split("%")[0])
    mapped = getattr(peer, "ipv4_mapped", None)
    if not (mapped or peer).is_global or peer.is_multicast:
        connected.close()
        raise NotPublic("The address is not a public one.")
    return connected


class _PublicConnection(HTTPConnection):
    def _new_conn(self) -> socket:
        return _check_peer(super()._new_conn())


class _PublicTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket:
        return _check_peer(super()._new_conn())


class _PublicPool(HTTPConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTlsConnection


class _PublicAdapter(HTTPAdapter):
    """Checks the other end of each connection before anything is said."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PublicPool, "https": _PublicTlsPool}
