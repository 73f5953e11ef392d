"""Passwords: hashed with a salt, refused when short, and no answer tells whether one exists."""

import pytest

from foundation.errors import Invalid
from foundation.identity.passwords import (
    MIN_LENGTH,
    check_new_password,
    hash_drawn_password,
    hash_password,
    is_password,
)

PASSWORD = "correct horse battery"
HASHED = hash_password(PASSWORD)


def test_a_password_is_known_by_its_hash():
    assert is_password(HASHED, PASSWORD)


@pytest.mark.parametrize("guess", ["", "correct horse", PASSWORD.upper(), PASSWORD + " "])
def test_another_text_is_not_the_password(guess):
    assert not is_password(HASHED, guess)


def test_a_drawn_password_is_known_by_its_hash_alone():
    drawn = hash_drawn_password("7sGx0Q-kfB2a")
    assert is_password(drawn, "7sGx0Q-kfB2a")
    assert not is_password(drawn, "7sGx0Q-kfB2b")
    assert drawn != hash_drawn_password("7sGx0Q-kfB2a")


def test_whoever_stole_the_hash_does_not_get_in_with_it():
    assert not is_password(HASHED, HASHED)


def test_the_hash_holds_a_salt_and_not_the_password():
    assert hash_password(PASSWORD) != HASHED
    assert PASSWORD not in HASHED


@pytest.mark.parametrize("guess", ["", PASSWORD, "nobody has this password"])
def test_whoever_has_no_password_signs_in_with_none(guess):
    assert is_password(None, guess) is False


def test_a_damaged_hash_belongs_to_nobody():
    assert is_password("$argon2id$v=19$m=65536", PASSWORD) is False


@pytest.mark.parametrize("password", ["", "x" * (MIN_LENGTH - 1), "x" * 201])
def test_a_password_of_a_wrong_length_is_refused(password):
    with pytest.raises(Invalid) as refused:
        check_new_password(password)
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "purple otter brass",
        "kzvqpwmxhr",
        "锈轮山雀蓝铜钉灯塔雨",
        "8264017395 8264",
        "Ab1!" + "vq9z" * 49,
    ],
)
def test_no_rule_on_the_kinds_of_characters(password):
    check_new_password(password)


@pytest.mark.parametrize(
    "password",
    ["password123", "1234567890", "qwertyuiop", "Passw0rd2024", "x" * MIN_LENGTH, "abc" * 20],
)
def test_what_is_guessed_first_is_refused(password):
    with pytest.raises(Invalid, match="guessed") as refused:
        check_new_password(password)
    assert refused.value.field == "password"


@pytest.mark.parametrize("password", ["hafenfoods1", "klaus.kunde", "klauskunde26"])
def test_what_everybody_knows_of_a_person_is_no_password(password):
    known = ("klaus.kunde@hafen-foods.example", "Klaus Kunde", "Hafen Foods")
    with pytest.raises(Invalid, match="guessed"):
        check_new_password(password, known=known)
