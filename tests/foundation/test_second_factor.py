"""Codes from the phone: each counts once, recovery codes stand in, secrets are sealed."""

import pyotp
import pytest
from sqlalchemy import select

from foundation.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from foundation.identity import second_factor
from foundation.identity.models import Person
from foundation.identity.second_factor import MAX_WRONG_CODES, RecoveryCode, SecondFactor
from foundation.identity.sessions import (
    CODE_LIFE,
    find_awaiting,
    find_login,
    open_login,
)
from foundation.identity.vault import Vault

VAULT = Vault("a secret key of the tests, quite long")


@pytest.fixture
def phone(network):
    """The technician's code maker, set up; its recovery codes as `codes`."""
    person_id = network.people["technician"]
    with network.transaction("technician") as session:
        address = second_factor.begin(
            session, person_id=person_id, vault=VAULT, at=network.clock.now()
        )
        maker = pyotp.parse_uri(address)
        maker.codes = second_factor.confirm(
            session,
            person_id=person_id,
            code=maker.at(network.clock.now()),
            vault=VAULT,
            at=network.clock.now(),
        )
    network.clock.advance(60)
    return maker


def check(network, code):
    with network.transaction() as session:
        return second_factor.check_code(
            session,
            person_id=network.people["technician"],
            code=code,
            vault=VAULT,
            at=network.clock.now(),
        )


def test_the_present_code_counts_once(network, phone):
    code = phone.at(network.clock.now())
    assert check(network, f" {code[:3]} {code[3:]} ")
    assert not check(network, code)


def test_after_a_code_no_earlier_one_counts(network, phone):
    earlier = phone.at(network.clock.now(), counter_offset=-1)
    assert check(network, phone.at(network.clock.now()))
    assert not check(network, earlier)


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(network, phone, steps, counts):
    assert check(network, phone.at(network.clock.now(), counter_offset=steps)) == counts


@pytest.mark.parametrize("code", ["", "000000x", "１２３４５６", "'; --"])
def test_what_is_no_code_is_refused(network, phone, code):
    assert not check(network, code)


def test_each_recovery_code_counts_once(network, phone):
    assert len(set(phone.codes)) == 10
    assert check(network, phone.codes[0].upper().replace("-", " "))
    assert not check(network, phone.codes[0])
    assert check(network, phone.codes[1])


def test_new_recovery_codes_replace_the_old_ones(network, phone):
    with network.transaction("technician") as session:
        new = second_factor.renew_recovery_codes(
            session, person_id=network.people["technician"], at=network.clock.now()
        )
    assert not check(network, phone.codes[0])
    assert check(network, new[0])


def test_neither_secret_nor_codes_stand_in_the_tables(network, phone):
    with network.transaction() as session:
        sealed = session.scalar(select(SecondFactor.sealed_secret))
        hashes = set(session.scalars(select(RecoveryCode.code_hash)))
    assert phone.secret not in sealed
    assert not hashes & set(phone.codes)


def test_a_code_maker_counts_only_after_its_first_code(network):
    person_id = network.people["technician"]
    with network.transaction("technician") as session:
        second_factor.begin(session, person_id=person_id, vault=VAULT, at=network.clock.now())
        assert not second_factor.needs_code(session, person_id)
        with pytest.raises(Invalid):
            second_factor.confirm(
                session, person_id=person_id, code="1", vault=VAULT, at=network.clock.now()
            )


def test_there_is_one_code_maker_and_it_can_be_removed(network, phone):
    fields = {"person_id": network.people["technician"], "at": network.clock.now()}
    with network.transaction("technician") as session:
        with pytest.raises(Conflict):
            second_factor.begin(session, vault=VAULT, **fields)
        second_factor.remove(session, **fields)
        assert not second_factor.needs_code(session, fields["person_id"])
        with pytest.raises(NotFound):
            second_factor.remove(session, **fields)


def test_nobody_else_sees_it(network, phone):
    with network.transaction("manager") as session:
        assert not second_factor.needs_code(session, network.people["technician"])
        assert second_factor.count_recovery_codes(session, network.people["technician"]) == 0


def open_awaiting(network):
    with network.transaction() as session:
        person = session.get_one(Person, network.people["technician"])
        return open_login(session, person=person, at=network.clock.now(), awaits_code=True)


def test_a_session_that_awaits_its_code_lets_nobody_in_and_is_soon_over(network, phone):
    token = open_awaiting(network)
    with network.transaction() as session:
        assert find_login(session, token, network.clock.now()) is None
        assert find_awaiting(session, token, network.clock.now())
        assert find_awaiting(session, token, network.clock.now() + CODE_LIFE) is None


def test_guessing_codes_stops(network, phone):
    fields = {"vault": VAULT, "at": network.clock.now(), "address": "192.0.2.1"}
    fields["person_id"] = network.people["technician"]
    with network.transaction() as session:
        for _ in range(MAX_WRONG_CODES):
            assert not second_factor.try_code(session, code="000000x", **fields)
        with pytest.raises(Forbidden):
            second_factor.try_code(session, code=phone.at(network.clock.now()), **fields)


def test_an_earlier_key_still_opens_and_a_foreign_one_does_not():
    sealed = VAULT.seal("secret")
    assert Vault("new", ["a secret key of the tests, quite long"]).open(sealed) == "secret"
    with pytest.raises(Unavailable, match="FALLBACKS"):
        Vault("new").open(sealed)
