"""Child processes that never outlive us: started with a log, stopped within seconds.

What the children do is their own; this module only starts, watches and ends them.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A shell that waits for the end of its input, which the kernel brings about whatever ends us,
# kill -9 included. The parent-death signal is no answer: it fires when the thread that started
# the child ends, and a child that changes its user loses it.
_WATCH = (
    'while read _; do :; done; kill -TERM "$1" 2>/dev/null; '
    'for _ in 1 2 3 4; do sleep 1; kill -0 "$1" 2>/dev/null || exit 0; done; kill -KILL "$1"'
)


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A running child and the watcher that ends it when we are gone."""

    process: subprocess.Popen[bytes]
    watcher: subprocess.Popen[bytes] | None
    log_path: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def reload(self) -> None:
        """Asks the child to read its files again."""
        if self.is_alive:
            self.process.send_signal(signal.SIGHUP)

    def stop(self, timeout_s: float = 4.0) -> None:
        """Asks the child to end; kills it when it has not after `timeout_s`."""
        # The watcher goes first: it must not strike at a process id that was given out anew.
        if self.watcher is not None:
            self.watcher.kill()
            with self.watcher:
                self.watcher.wait()
        if self.is_alive:
            self.process.terminate()
        try:
            self.process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def read_last_line(self) -> str:
        """The last line of the child's log that says something, for an error message."""
        lines = self.log_path.read_text(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else "it said nothing"


def start_child(
    arguments: Sequence[str],
    log_path: Path,
    *,
    first_line: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> ChildProcess:
    """Starts a program in its own session, so that Ctrl-C reaches only us.

    Args:
        arguments: the program and what it is told; visible to every user of the machine.
        log_path: where its output is appended.
        first_line: sent to its standard input, which is then closed: the place for a secret.
        environment: its whole environment; None: ours.

    Raises:
        OSError: when the program cannot be started.
    """
    with log_path.open("ab") as log, _uninterrupted():
        process = subprocess.Popen(  # noqa: S603 - programs named by our own code
            list(arguments),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=None if environment is None else dict(environment),
        )
        watcher = _start_watcher(process.pid)
    _send(process, first_line)
    return ChildProcess(process, watcher, log_path)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Puts signals off, lest one leave a child behind that nobody watches."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    usual = {
        each: signal.signal(each, lambda number, _: came.append(number))
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for each, handler in usual.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
        for number in came:
            signal.raise_signal(number)


def start_python(
    module: str, arguments: Sequence[str], log_path: Path, *, first_line: str | None = None
) -> ChildProcess:
    """`start_child` for one of our own modules, in this interpreter."""
    return start_child([sys.executable, "-m", module, *arguments], log_path, first_line=first_line)


def _send(process: subprocess.Popen[bytes], line: str | None) -> None:
    assert process.stdin is not None
    try:
        if line is not None:
            process.stdin.write(line.encode() + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        # It ended before it read; whoever waits for it finds out and tells its last words.
        return


def _start_watcher(pid: int) -> subprocess.Popen[bytes] | None:
    if os.name != "posix":
        return None
    return subprocess.Popen(  # noqa: S603 - fixed text, our own process id
        ["/bin/sh", "-c", _WATCH, "watch", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
