"""Hashing and checking of passwords, and the rule for a new one."""

import re
from collections.abc import Iterable

import argon2
from zxcvbn import zxcvbn

from foundation.errors import Invalid

_HASHER = argon2.PasswordHasher()
# The least that the algorithm takes: what was drawn cannot be guessed, whatever a guess costs.
_DRAWN_HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
# Checked when the person does not exist, so that the answer takes equally long.
_NOBODY = _HASHER.hash("nobody has this password")

MIN_LENGTH = 10
# Far above what the limit on guessing lets anybody try.
LEAST_GUESSES = 10**8
# The estimate takes long for long texts, which are no easier to guess for what comes after.
_LOOKED_AT = 72


def check_new_password(password: str, *, known: Iterable[str] = ()) -> None:
    """Refuses what is too short, or among the first that are guessed.

    `known` is what everybody knows of the person, such as name and address. How many guesses it
    takes is estimated from lists of common passwords and words (Wheeler: zxcvbn, USENIX 2016).

    Raises:
        Invalid: naming the rule.
    """
    if not MIN_LENGTH <= len(password) <= 200:
        raise Invalid(
            "A password has %(least)s to 200 characters.", field="password", least=MIN_LENGTH
        )
    seen = [part for text in known for part in _list_parts(text)]
    if zxcvbn(password[:_LOOKED_AT], user_inputs=seen)["guesses"] < LEAST_GUESSES:
        raise Invalid(
            "This password is among the first that are guessed. Take a few unrelated words.",
            field="password",
        )


def _list_parts(text: str) -> list[str]:
    """The words of a name or address, alone and run together; before the @ also as they stand."""
    before = text.split("@", maxsplit=1)[0]
    words = [part for part in re.split(r"[\s@.,-]+", text) if part]
    return [*words, before, re.sub(r"[\s.,-]+", "", before)]


def hash_password(password: str) -> str:
    """Argon2id with the library's present defaults."""
    return _HASHER.hash(password)


def hash_drawn_password(password: str) -> str:
    """Of a password that was drawn at random, 64 bits or more; never of one that people chose."""
    return _DRAWN_HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether `password` belongs to the stored hash; takes equally long when there is none."""
    try:
        _HASHER.verify(stored or _NOBODY, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return stored is not None
