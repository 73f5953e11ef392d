"""The files that say who may come to the broker, written whole or not at all.

A reader sees the old file or the new one, never half of one. When a user loses a right it goes
from the passwords first: between the two files nobody has more than before.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from millwright.broker_access import (
    Account,
    Admitted,
    Part,
    admit,
    get_rights,
    write_access_list,
    write_passwords,
)


class BrokerFiles:
    """Passwords and rights in a folder, for our own accounts and the devices of the moment."""

    def __init__(
        self, folder: Path, accounts: Iterable[Account], *, anonymous_devices: bool = False
    ) -> None:
        self.folder = folder
        self._anonymous = anonymous_devices
        # Hashed once: a new salt at each writing would make every file a changed one.
        self._own = [admit(each) for each in accounts]

    def write(self, devices: Iterable[Admitted] = ()) -> bool:
        """Writes what differs from what stands there; whether anything did."""
        own = {each.user for each in self._own}
        admitted = [*self._own, *(each for each in devices if each.user not in own)]
        access = write_access_list(admitted, anonymous_devices=self._anonymous)
        texts = {
            "passwords": write_passwords(admitted),
            "access": access,
            "rights.json": self._describe_rights(admitted),
        }
        changed = [name for name, text in texts.items() if self._differs(name, text)]
        for name in changed:
            write_private(self.folder / name, texts[name])
        return bool(changed)

    def write_embedded_settings(self, bind: str) -> Path:
        """The settings of the embedded broker's process; returns their path."""
        settings = {
            "bind": bind,
            "passwords": str(self.folder / "passwords"),
            "rights": str(self.folder / "rights.json"),
            "anonymous_devices": self._anonymous,
        }
        path = self.folder / "amqtt.json"
        write_private(path, json.dumps(settings, indent=2))
        return path

    def _describe_rights(self, admitted: Iterable[Admitted]) -> str:
        described = {each.user: asdict(each.rights) for each in admitted}
        if self._anonymous:
            described[""] = asdict(get_rights(Part.ANONYMOUS, ""))
        return json.dumps(described)

    def _differs(self, name: str, text: str) -> bool:
        try:
            return (self.folder / name).read_text() != text
        except FileNotFoundError:
            return True


def write_private(path: Path, text: str) -> None:
    """Puts a file in place whole, readable by its owner alone or as the one before it was."""
    try:
        before = path.stat()
    except FileNotFoundError:
        before = None
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if before is not None:
        _take_after(draft, before)
    draft.replace(path)


def _take_after(draft: Path, before: os.stat_result) -> None:
    """Mode and group of the file that is replaced: a broker of another user reads it by group."""
    draft.chmod(before.st_mode & 0o640)
    mine = draft.stat()
    if (before.st_uid, before.st_gid) != (mine.st_uid, mine.st_gid):
        try:
            os.chown(draft, before.st_uid if os.geteuid() == 0 else -1, before.st_gid)
        except PermissionError:
            draft.chmod(before.st_mode & 0o600)
