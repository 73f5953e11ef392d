"""Hashing and checking of passwords, and the rule for a new one."""

import argon2

from foundation.errors import Invalid

_HASHER = argon2.PasswordHasher()
# Checked when the person does not exist, so that the answer takes equally long.
_NOBODY = _HASHER.hash("nobody has this password")

MIN_LENGTH = 10


def check_new_password(password: str) -> None:
    """Refuses what is too short to resist guessing.

    Raises:
        Invalid: naming the rule.
    """
    if not MIN_LENGTH <= len(password) <= 200:
        raise Invalid(f"A password has {MIN_LENGTH} to 200 characters.", field="password")


def hash_password(password: str) -> str:
    """Argon2id with the library's present defaults."""
    return _HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether `password` belongs to the stored hash; takes equally long when there is none."""
    try:
        _HASHER.verify(stored or _NOBODY, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return stored is not None
