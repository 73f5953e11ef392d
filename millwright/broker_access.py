"""Who may do what on our own broker, and the files that say so; starting it is broker.py's part.

One table of rights serves both brokers: as lines of mosquitto's access list and as the decisions
of the embedded one. Passwords are kept as mosquitto writes them, salted PBKDF2 with SHA-512, so
that one password file serves both as well.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from foundation.errors import Invalid

# The passwords are ours, 192 random bits: there is nothing to guess, so stretching would only
# make the single-threaded broker slow when thousands of devices return at once.
_ITERATIONS = 101
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
    return Account(user, secrets.token_urlsafe(24), part)


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
        return Rights(write=(f"mw/v1/{user}/telemetry",), read=(f"mw/v1/{user}/confirm",))
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


def hash_password(password: str, salt: bytes | None = None) -> str:
    """`$7$iterations$salt$hash`: PBKDF2-HMAC-SHA512, as mosquitto 2 reads it."""
    salt = secrets.token_bytes(12) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${_base64(salt)}${_base64(digest)}"


def is_password(password: str, hashed: str) -> bool:
    """Whether the password made that hash; compared in constant time."""
    _, form, iterations, salt, digest = hashed.split("$")
    if form != "7":
        return False
    made = hashlib.pbkdf2_hmac(
        "sha512", password.encode(), base64.b64decode(salt), int(iterations)
    )
    return hmac.compare_digest(made, base64.b64decode(digest))


def write_passwords(accounts: Iterable[Account]) -> str:
    """The password file; no password can be read from it.

    Raises:
        Invalid: when a name cannot stand in it or stands twice.
    """
    lines: dict[str, str] = {}
    for account in accounts:
        check_user(account.user)
        if account.user in lines:
            raise Invalid(f"The broker's user {account.user!r} stands twice.")
        lines[account.user] = f"{account.user}:{hash_password(account.password)}\n"
    return "".join(lines.values())


def read_passwords(text: str) -> dict[str, str]:
    """User → hash of a password file."""
    return dict(line.split(":", 1) for line in text.splitlines() if line)


def write_access_list(accounts: Iterable[Account], *, anonymous_devices: bool) -> str:
    """Mosquitto's access list: anonymous lines first, then users, then the devices' pattern."""
    lines = _lines(get_rights(Part.ANONYMOUS, "")) if anonymous_devices else []
    for account in accounts:
        if account.part is not Part.DEVICE:
            lines += ["", f"user {account.user}", *_lines(get_rights(account.part, account.user))]
    pattern = get_rights(Part.DEVICE, "%u")
    lines += ["", *(line.replace("topic", "pattern", 1) for line in _lines(pattern))]
    return "\n".join(lines).lstrip("\n") + "\n"


def _lines(rights: Rights) -> list[str]:
    written = [f"topic write {topic}" for topic in rights.write]
    return written + [f"topic read {topic}" for topic in rights.read]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
