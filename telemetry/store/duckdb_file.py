"""The DuckDB file: opened by one owner, shared by threads, opened anew when DuckDB gave it up."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from foundation.errors import Conflict, Unavailable

# What the machine did to us: full disk, no memory, lost file. Damage comes as a plain `Error`.
# Anything else is our own mistake and passes through.
_FAILURES = (duckdb.OperationalError, duckdb.FatalException, duckdb.InternalException)
_ENDINGS = (duckdb.FatalException, duckdb.InternalException)

_WAY_BACK = "A damaged file is replaced from a backup, together with its .wal file."

_PATIENCE_S = 10.0

_owned_paths: set[Path] = set()
_owned_lock = threading.Lock()


class DuckDBFile:
    """Hands out cursors, one for each use, and knows when the last one is back.

    Args:
        path: the database file; made when missing.
        memory_limit: as DuckDB writes it, such as "1GB".
        threads: for one query.

    Raises:
        Conflict: when another store, in this process or another, has the file open.
        Unavailable: when the file cannot be opened.
    """

    def __init__(self, path: Path, *, memory_limit: str, threads: int) -> None:
        self.path = path.resolve()
        self.n_openings = 0  # rises when the file was opened anew: what was remembered is stale
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "threads": threads,
            # Nothing is fetched, read or run besides this file.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_access": False,
        }
        self._state = threading.Condition()
        self._n_cursors = 0
        self._is_broken = False
        self._is_closed = False
        self._connection: Any = None
        _own(self.path)
        try:
            self._open()
        except BaseException:
            _disown(self.path)
            raise

    def _open(self) -> None:
        try:
            self._connection = duckdb.connect(str(self.path), config=self._settings)
        except duckdb.Error as error:
            raise _refusal_to_open(self.path, error) from error
        self._is_broken = False
        self.n_openings += 1

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """A cursor of its own for one thread and one use.

        Raises:
            Unavailable: when the store is closed or the machine fails during the use.
        """
        cursor = self._lend()
        try:
            yield cursor
        except duckdb.Error as error:
            if not (isinstance(error, _FAILURES) or type(error) is duckdb.Error):
                raise
            # After an ending (such as no room for a checkpoint) DuckDB refuses everything until
            # the file is opened anew; what was committed is safe.
            if isinstance(error, _ENDINGS):
                self._is_broken = True
            raise Unavailable(f"The store {self.path.name} failed: {_describe(error)}") from error
        finally:
            self._take_back(cursor)

    def _lend(self) -> Any:
        with self._state:
            if self._is_broken:
                self._reopen()
            if self._is_closed:
                raise Unavailable(f"The store {self.path.name} is closed.")
            self._n_cursors += 1
            return self._connection.cursor()

    def _take_back(self, cursor: Any) -> None:
        cursor.close()
        with self._state:
            self._n_cursors -= 1
            self._state.notify_all()

    def _reopen(self) -> None:
        # While one cursor lives, DuckDB hands out the same broken database again.
        if not self._state.wait_for(self._has_no_cursors, timeout=_PATIENCE_S):
            raise Unavailable(f"The store {self.path.name} is being opened anew.")
        if self._is_broken and not self._is_closed:
            self._connection.close()
            self._open()

    def _has_no_cursors(self) -> bool:
        return self._n_cursors == 0

    def close(self) -> None:
        """Waits for the cursors in use, then lets go of the file."""
        with self._state:
            if self._is_closed:
                return
            self._is_closed = True
            self._state.wait_for(self._has_no_cursors, timeout=_PATIENCE_S)
            self._connection.close()
        _disown(self.path)


def _own(path: Path) -> None:
    # Within one process DuckDB would share the database, and two writers would double rows.
    with _owned_lock:
        if path in _owned_paths:
            raise Conflict(f"The store {path.name} is open in this process already: share it.")
        _owned_paths.add(path)


def _disown(path: Path) -> None:
    with _owned_lock:
        _owned_paths.discard(path)


def _refusal_to_open(path: Path, error: duckdb.Error) -> Conflict | Unavailable:
    line = _describe(error)
    if "Could not set lock" in line or "being used by another process" in line:
        return Conflict(
            "The store %(path)s belongs to another running process (%(line)s). "
            "One process owns it: ask that one, or stop it first.",
            path=path,
            line=line,
        )
    return Unavailable(f"The store {path} cannot be opened: {line}")


def _describe(error: Exception) -> str:
    line = str(error).strip().split("\n")[0][:300]
    is_damage = "orrupt" in line or "not a valid DuckDB database" in line
    return f"{line} {_WAY_BACK}" if is_damage else line
