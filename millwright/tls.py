"""TLS in front of the portal's server: one event loop decrypts and hands the bytes on.

The server behind it listens on loopback and takes only the connections that come from here; who is
at the other end is known by the port that a connection was handed on from.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from foundation.errors import Invalid

HANDSHAKE_S = 10.0
MAX_CONNECTIONS = 4096
_CHUNK = 65_536
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def load_certificate(certificate: Path, key: Path) -> ssl.SSLContext:
    """What the portal shows to browsers; TLS 1.2 is the oldest that it speaks.

    Raises:
        Invalid: when a file cannot be read, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise Invalid(
            "%(certificate)s and %(key)s cannot be used: %(why)s",
            certificate=certificate,
            key=key,
            why=error,
        ) from error
    return context


class TlsRelay:
    """Decrypts what comes to `listener` and hands it on to the server at `inner`."""

    def __init__(
        self, context: ssl.SSLContext, listener: socket.socket, inner: tuple[str, int]
    ) -> None:
        self._context, self._listener, self._inner = context, listener, inner
        self._peers: dict[str, tuple[str, int]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tls")

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Closes every connection and ends the thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout_s)

    def wrap(self, app: Wsgi) -> Wsgi:
        """The application, told who is really there; what did not come from here is refused."""

        def told(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            peer = self._peers.get(str(environ.get("REMOTE_PORT")))
            if peer is None or environ.get("REMOTE_ADDR") != "127.0.0.1":
                start("403 Forbidden", [("Content-Type", "text/plain")])
                return [b"Use https.\n"]
            environ.update(
                {
                    "REMOTE_ADDR": peer[0],
                    "REMOTE_PORT": str(peer[1]),
                    "wsgi.url_scheme": "https",
                    "HTTPS": "on",
                }
            )
            return app(environ, start)

        return told

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(
                self._take,
                sock=self._listener,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_S,
            )
        )
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        gathered = asyncio.gather(*asyncio.all_tasks(self._loop), return_exceptions=True)
        self._loop.run_until_complete(gathered)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._peers) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        try:
            inner_reader, inner_writer = await asyncio.open_connection(*self._inner)
        except OSError:
            writer.transport.abort()
            return
        port = str(inner_writer.get_extra_info("sockname")[1])
        self._peers[port] = writer.get_extra_info("peername")[:2]
        try:
            # A browser that left wants no answer any more, and the server no further question.
            await _first_done(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            del self._peers[port]
            inner_writer.transport.abort()
            writer.close()


async def _first_done(*works: Any) -> None:
    tasks = [asyncio.ensure_future(each) for each in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
