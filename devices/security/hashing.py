"""How a device's password is kept: salted PBKDF2 with SHA-512, as mosquitto 2 writes and reads it.

The same text serves the database, mosquitto's password file and the embedded broker.
"""

import base64
import hashlib
import hmac
import secrets

# The passwords are ours, 192 random bits: there is nothing to guess, so stretching would only
# make the single-threaded broker slow when thousands of devices return at once.
_ITERATIONS = 101
_PASSWORD_BYTES = 24


def make_password() -> str:
    """A new random password."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


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


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
