"""The data folder: one owner at a time, files of ours in it, and secrets that only we read."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from foundation.errors import Conflict, Unavailable


class DataFolder:
    """A folder that one running Millwright owns; `release` gives it free.

    Raises:
        Unavailable: when it cannot be made or written.
        Conflict: when another process owns it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _check_writable(path)
        self._lock = FileLock(path / "owner.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise Conflict(_owner_message(path)) from error
        self.write_private("owner.json", json.dumps({"pid": os.getpid()}))

    def write_private(self, name: str, text: str) -> Path:
        """Writes a file that only its owner can read."""
        path = self.path / name
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def tell_address(self, facts: Mapping[str, object]) -> None:
        """Leaves the running portal's addresses for other commands on this machine."""
        self.write_private("owner.json", json.dumps({"pid": os.getpid()} | dict(facts)))

    def get_secret(self, name: str) -> str:
        """A random secret made at the first call and kept in the folder."""
        path = self.path / name
        if not path.exists():
            self.write_private(name, secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8").strip()

    def release(self) -> None:
        """Lets another process own the folder."""
        (self.path / "owner.json").unlink(missing_ok=True)
        self._lock.release()


def read_owner(path: Path) -> dict[str, object] | None:
    """What the running owner left about itself; None when nobody owns the folder."""
    probe = FileLock(path / "owner.lock")
    if not (path / "owner.lock").exists():
        return None
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return _read_facts(path)
    except OSError:
        return None
    probe.release()
    return None


def _read_facts(path: Path) -> dict[str, object]:
    try:
        facts = json.loads((path / "owner.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _owner_message(path: Path) -> str:
    facts = _read_facts(path)
    where = f" at {facts['url']}" if "url" in facts else ""
    return (
        f"The data folder {path} is in use by process {facts.get('pid', 'unknown')}{where}. "
        "Stop that one, or choose another folder with --data."
    )


def _check_writable(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = path / ".write-test"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise Unavailable(
            f"The data folder {path} cannot be written: {error.strerror}. "
            "Choose another one with --data."
        ) from error
