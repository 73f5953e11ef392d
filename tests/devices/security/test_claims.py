"""Claim codes: long enough, good once, over in time, guesses counted and told (D4)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from devices.provisioning import Device, list_devices_of, register_device
from devices.security import claims
from devices.security.claims import (
    ClaimFailure,
    Purpose,
    check_guessing,
    clean_code,
    count_failure,
    forget_failures,
    make_code,
    print_code,
    redeem_for_credential,
    redeem_for_machine,
)
from foundation.audit import AuditRow
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind, Role, Scope
from tests.conftest import START

DAY = timedelta(days=1)


@pytest.fixture
def box(session):
    """A unit fresh from the works, on no machine yet."""
    return register_device(session, key="box-1", at=START)


def printed(session, device, purpose=Purpose.MACHINE, life=DAY):
    return print_code(session, device=device, purpose=purpose, life=life, at=START).code


def act_as(session, scope):
    session.flush()
    session.expire_all()
    session.info.clear()
    session.info["scope"] = scope


def test_a_code_has_a_hundred_bits_in_letters_that_are_not_misread():
    codes = {make_code() for _ in range(2000)}
    assert len(codes) == 2000
    used = set("".join(codes)) - {"-"}
    assert len(used) == 32
    assert not used & set("ILOU")
    assert {len(clean_code(code)) for code in codes} == {20}


@given(st.lists(st.sampled_from(" -"), max_size=5), st.booleans(), st.randoms())
def test_gaps_case_and_what_is_misread_do_not_matter(gaps, is_lower, random):
    code = make_code()
    typed = list(code.lower() if is_lower else code)
    typed = ["o" if each == "0" else "l" if each == "1" else each for each in typed]
    for gap in gaps:
        typed.insert(random.randrange(len(typed) + 1), gap)
    assert clean_code("".join(typed)) == code.replace("-", "")


def test_only_its_digest_is_kept(session, box):
    code = printed(session, box)
    (kept,) = session.scalars(select(claims.ClaimCode)).all()
    assert clean_code(code) not in str(vars(kept))
    assert len(kept.code_hash) == 64


@pytest.mark.parametrize("person", ["customer", "technician", "manager"])
def test_whoever_has_the_code_binds_the_device_to_a_machine_they_see(filled, session, box, person):
    code = printed(session, box)
    act_as(session, filled.scope(person))
    claimed = redeem_for_machine(session, code=code.lower(), asset_id=filled.asset, at=START)
    assert claimed.device_key == "box-1"
    assert list_devices_of(session, filled.asset) == ["box-1", "pump-1"]
    assert session.info["scope"] == filled.scope(person)


def test_a_code_is_good_once(filled, session, box):
    code = printed(session, box)
    act_as(session, filled.scope("customer"))
    assert redeem_for_machine(session, code=code, asset_id=filled.asset, at=START)
    assert redeem_for_machine(session, code=code, asset_id=filled.asset, at=START) is None


def test_a_code_is_over_after_its_time(filled, session, box):
    code = printed(session, box)
    act_as(session, filled.scope("customer"))
    assert redeem_for_machine(session, code=code, asset_id=filled.asset, at=START + DAY) is None


def test_a_new_code_ends_the_one_before(session, box):
    first, second = (printed(session, box, Purpose.CREDENTIAL) for _ in range(2))
    act_as(session, Scope.system("claim"))
    assert redeem_for_credential(session, code=first, caller="10.0.0.1", at=START) is None
    claimed = redeem_for_credential(session, code=second, caller="10.0.0.1", at=START)
    assert (claimed.device_key, claimed.credential.user) == ("box-1", "box-1")


def test_a_code_of_one_purpose_is_none_of_the_other(filled, session, box):
    code = printed(session, box, Purpose.CREDENTIAL)
    act_as(session, filled.scope("customer"))
    assert redeem_for_machine(session, code=code, asset_id=filled.asset, at=START) is None


def test_nobody_binds_to_a_machine_they_do_not_see(filled, session, box):
    code = printed(session, box)
    act_as(session, filled.scope("other_customer"))
    with pytest.raises(NotFound):
        redeem_for_machine(session, code=code, asset_id=filled.asset, at=START)


def test_a_device_of_another_make_is_refused(filled, session):
    act_as(session, Scope.system("test"))
    rival = create_organisation(
        session, kind=OrganisationKind.MANUFACTURER, name="Rival", at=START
    )
    act_as(session, Scope.of_person(filled.people["maker"], rival.id, Role.MANUFACTURER))
    code = printed(session, register_device(session, key="rival-1", at=START))
    act_as(session, filled.scope("customer"))
    with pytest.raises(Conflict, match="another manufacturer"):
        redeem_for_machine(session, code=code, asset_id=filled.asset, at=START)


@pytest.mark.parametrize("person", ["manager", "customer"])
def test_only_the_manufacturer_prints_codes(filled, person):
    with filled.database.session(filled.scope(person)) as session:
        pump = session.scalar(select(Device).where(Device.key == "pump-1"))
        with pytest.raises(Forbidden):
            printed(session, pump)


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=401)])
def test_a_life_that_makes_no_sense_is_refused(session, box, life):
    with pytest.raises(Invalid):
        printed(session, box, life=life)


def test_ten_thousand_guesses_are_stopped_at_ten_and_told_once(filled, session, box):
    printed(session, box, Purpose.CREDENTIAL)
    act_as(session, Scope.system("claim"))
    tried = 0
    # Each guess asks the database; once through all of them is enough.
    for _ in range(10_000 if filled.database.dialect == "sqlite" else 200):
        try:
            check_guessing(session, guesser="10.0.0.9", at=START)
        except Forbidden:
            continue
        tried += 1
        assert (
            redeem_for_credential(session, code=make_code(), caller="10.0.0.9", at=START) is None
        )
        count_failure(session, guesser="10.0.0.9", at=START)
    assert tried == 10
    told = session.scalars(select(AuditRow).where(AuditRow.action == "claim:code:guess")).all()
    assert [row.subject_id for row in told] == ["10.0.0.9"]


def test_many_guessers_together_are_told_but_nobody_else_is_kept_out(session):
    act_as(session, Scope.system("claim"))
    for number in range(100):
        count_failure(session, guesser=f"10.0.{number}.1", at=START)
    told = session.scalars(select(AuditRow).where(AuditRow.action == "claim:code:guess")).all()
    assert [row.details["of_all"] for row in told] == [100]
    check_guessing(session, guesser="10.9.9.9", at=START)


def test_failures_are_forgotten(session):
    act_as(session, Scope.system("claim"))
    count_failure(session, guesser="10.0.0.1", at=START)
    forget_failures(session, START + timedelta(seconds=1))
    assert session.scalar(select(func.count()).select_from(ClaimFailure)) == 0
