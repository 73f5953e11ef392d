"""Who may do what on our own broker, and the texts that say so; files are broker_files.py's part.

One table of rights serves both brokers: as lines of mosquitto's access list and as the decisions
of the embedded one. Every user has lines of their own: no pattern could say what a gateway may,
and one would still let a user through who has no line any more.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from devices.security.hashing import hash_password, make_password
from foundation.errors import Invalid

_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(~2)?")


class Part(StrEnum):
    """What an account is for, which decides its rights."""

    PLATFORM = "platform"
    GATEWAY = "gateway"
    DEVICE = "device"
    PROBE = "probe"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the broker; the password never shows in a log."""

    user: str
    password: str = field(repr=False)
    part: Part = Part.DEVICE


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters that may be written and read."""

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


def make_account(user: str, part: Part) -> Account:
    """An account with a new random password.

    Raises:
        Invalid: when the name could stand for more than one level of a topic.
    """
    check_user(user)
    return Account(user, make_password(), part)


def check_user(user: str) -> None:
    """Refuses a name that would change the meaning of a topic or of a line of a file.

    Raises:
        Invalid: when it does.
    """
    if not _USER.fullmatch(user):
        raise Invalid(
            f"{user!r} cannot be a user of the broker: letters, digits, dot, dash and "
            "underscore, at most 64."
        )


def get_rights(part: Part, user: str) -> Rights:
    """What an account of that part may write and read."""
    if part is Part.PLATFORM:
        return Rights(write=("mw/#",), read=("mw/#", "$SYS/#"))
    if part is Part.GATEWAY:
        return Rights(write=("mw/v1/+/telemetry",), read=("mw/v1/+/confirm",))
    if part is Part.DEVICE:
        return rights_of_device([user])
    if part is Part.ANONYMOUS:
        return Rights(write=("mw/v1/+/telemetry",))
    return Rights()


def is_covered(topic: str, allowed: Iterable[str]) -> bool:
    """Whether everything that `topic` (a topic or a filter) means lies within `allowed`."""
    return any(_covers(each.split("/"), topic.split("/")) for each in allowed)


def _covers(allowed: list[str], asked: list[str]) -> bool:
    if allowed[-1] == "#":
        allowed = allowed[:-1]
        asked = asked[: len(allowed)] if len(asked) >= len(allowed) else []
    if len(allowed) != len(asked):
        return False
    return all(_level_covers(*pair) for pair in zip(allowed, asked, strict=True))


def _level_covers(allowed: str, asked: str) -> bool:
    return asked != "#" and allowed in ("+", asked)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A user as the files know them: the hash of the password, and what they may do."""

    user: str
    password_hash: str = field(repr=False)
    rights: Rights


def admit(account: Account) -> Admitted:
    """An account of ours, with its password hashed."""
    check_user(account.user)
    rights = get_rights(account.part, account.user)
    return Admitted(account.user, hash_password(account.password), rights)


def rights_of_device(keys: Iterable[str]) -> Rights:
    """What a device may: publish as itself, and a gateway as each source behind it as well."""
    keys = tuple(keys)
    return Rights(
        write=tuple(f"mw/v1/{key}/telemetry" for key in keys),
        read=tuple(f"mw/v1/{key}/confirm" for key in keys),
    )


def write_passwords(admitted: Iterable[Admitted]) -> str:
    """The password file; no password can be read from it.

    Raises:
        Invalid: when a name cannot stand in it or stands twice.
    """
    lines: dict[str, str] = {}
    for each in admitted:
        check_user(each.user)
        if each.user in lines:
            raise Invalid(f"The broker's user {each.user!r} stands twice.")
        lines[each.user] = f"{each.user}:{each.password_hash}\n"
    return "".join(lines.values())


def read_passwords(text: str) -> dict[str, str]:
    """User → hash of a password file."""
    return dict(line.split(":", 1) for line in text.splitlines() if line)


def write_access_list(admitted: Iterable[Admitted], *, anonymous_devices: bool) -> str:
    """Mosquitto's access list: anonymous lines first, then those of each user."""
    lines = _lines(get_rights(Part.ANONYMOUS, "")) if anonymous_devices else []
    for each in admitted:
        check_user(each.user)
        lines += ["", f"user {each.user}", *_lines(each.rights)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _lines(rights: Rights) -> list[str]:
    written = [f"topic write {topic}" for topic in rights.write]
    return written + [f"topic read {topic}" for topic in rights.read]
