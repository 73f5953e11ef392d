"""Real servers for tests: a PostgreSQL cluster of its own, started on loopback, stopped by pid."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_PLACES = tuple(f"/usr/lib/postgresql/{version}/bin" for version in (18, 17, 16, 15))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def find_postgresql() -> Path | None:
    """The folder of initdb and postgres, which Debian keeps off the PATH."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += [Path(place) for place in _PLACES]
    return next((place for place in places if (place / "initdb").exists()), None)


class PostgresServer:
    """A throw-away cluster; PostgreSQL refuses root, so root hands it to the user postgres."""

    def __init__(self, programs: Path) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="millwright-pg-"))
        self._user = {"user": "postgres"} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(self._folder, "postgres")
        cluster = self._folder / "cluster"
        self._run(programs / "initdb", "-D", cluster, "-A", "trust", "-U", "millwright", "-N")
        options = ["-D", cluster, "-p", self.port, "-h", "127.0.0.1", "-k", self._folder]
        for setting in ("fsync=off", "synchronous_commit=off", "full_page_writes=off"):
            options += ["-c", setting]
        self._log = (self._folder.parent / f"{self._folder.name}.log").open("wb")
        self._process = subprocess.Popen(
            [str(each) for each in (programs / "postgres", *options)],
            stdout=self._log,
            stderr=self._log,
            cwd="/",
            **self._user,
        )
        self._wait()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://millwright@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        self._log.close()
        Path(self._log.name).unlink()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *command: object) -> None:
        subprocess.run(
            [str(each) for each in command],
            check=True,
            capture_output=True,
            cwd="/",
            **self._user,
        )

    def _wait(self) -> None:
        # The port opens before the server lets anybody in.
        deadline = time.monotonic() + 60
        address = self.url("postgres").replace("+psycopg", "")
        while True:
            try:
                psycopg.connect(address, connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.05)
            else:
                return
