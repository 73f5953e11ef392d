"""Signing in: guessing is slowed, no stranger locks the owner out, sessions end when they must."""

import contextlib
from datetime import timedelta

import argon2
import pytest
from sqlalchemy import delete, func, select

from foundation.errors import Forbidden, Invalid
from foundation.identity import passwords
from foundation.identity.guessing import (
    FAILURE_WINDOW,
    MAX_ADDRESSES_PER_EMAIL,
    MAX_FAILURES_PER_ADDRESS,
    MAX_FAILURES_PER_EMAIL_AND_ADDRESS,
    forget_failures,
    know_device,
)
from foundation.identity.models import LoginFailure, LoginSession, Membership, Person
from foundation.identity.passwords import hash_password
from foundation.identity.people import create_organisation, create_person
from foundation.identity.scope import OrganisationKind, Role, Scope
from foundation.identity.sessions import (
    ABSOLUTE_LIFE,
    IDLE_LIFE,
    TOUCH_EVERY,
    check_credentials,
    end_login,
    find_login,
    is_touch_due,
    open_login,
    scope_of,
    touch_login,
)
from tests.conftest import START

PASSWORD = "correct horse battery"
HASHED = hash_password(PASSWORD)
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def session(database):
    with database.session(Scope.system("test")) as session:
        yield session


@pytest.fixture
def ann(session):
    dealer = create_organisation(
        session, kind=OrganisationKind.DEALER, name="North Service", at=START
    )
    person = create_person(
        session,
        email="ann@example.com",
        name="Ann",
        organisation=dealer,
        role=Role.TECHNICIAN,
        at=START,
    )
    person.password_hash = HASHED
    session.flush()
    return person


def try_in(
    session, password=PASSWORD, *, email="ann@example.com", address=HOME, at=START, device=""
):
    return check_credentials(
        session, email=email, password=password, address=address, at=at, device=device
    )


def count_failures(session):
    return session.scalar(select(func.count()).select_from(LoginFailure))


def fail(session, times, **changed):
    """Failures as `check_credentials` writes them, without the price of the hash."""
    fields = {"email": "ann@example.com", "address": ELSEWHERE, "at": START} | changed
    session.add_all([LoginFailure(**fields) for _ in range(times)])
    session.flush()


@pytest.mark.parametrize("email", ["ann@example.com", "  Ann@EXAMPLE.com "])
def test_the_right_password_lets_in(session, ann, email):
    assert try_in(session, email=email) is ann
    assert count_failures(session) == 0


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.com", "wrong horse battery"),  # wrong password
        ("ann@example.com", ""),
        ("nobody@example.com", PASSWORD),  # no such person
        ("", PASSWORD),
        ("x" * 5000, PASSWORD),
        ("ann\x00@example.com", PASSWORD),
    ],
)
def test_every_refusal_looks_the_same_and_is_counted(session, ann, email, password):
    assert try_in(session, password, email=email) is None
    assert count_failures(session) == 1


def test_a_deactivated_person_is_refused_like_a_stranger(session, ann):
    ann.is_active = False
    assert try_in(session) is None
    assert count_failures(session) == 1


def test_a_person_without_a_password_cannot_sign_in(session, ann):
    ann.password_hash = None
    assert try_in(session, "") is None


def test_guessing_stops_after_its_limit_even_with_the_right_password(session, ann):
    fail(session, MAX_FAILURES_PER_EMAIL_AND_ADDRESS)
    with pytest.raises(Forbidden):
        try_in(session, address=ELSEWHERE)


def test_the_try_before_the_limit_still_counts(session, ann):
    fail(session, MAX_FAILURES_PER_EMAIL_AND_ADDRESS - 1)
    assert try_in(session, address=ELSEWHERE) is ann


def test_guessing_elsewhere_does_not_lock_the_owner_out(session, ann):
    fail(session, 40 * MAX_FAILURES_PER_EMAIL_AND_ADDRESS)
    assert try_in(session, address=HOME) is ann


def test_guessing_one_account_leaves_the_others_at_that_address(session, ann):
    fail(session, MAX_FAILURES_PER_EMAIL_AND_ADDRESS, email="boss@example.com")
    assert try_in(session, address=ELSEWHERE) is ann


def test_one_guess_at_each_of_many_accounts_is_limited_too(session, ann):
    for number in range(MAX_FAILURES_PER_ADDRESS):
        fail(session, 1, email=f"person{number}@example.com")
    with pytest.raises(Forbidden):
        try_in(session, address=ELSEWHERE)


def test_the_answer_beyond_the_limit_does_not_tell_whether_a_person_exists(session, ann):
    answers = set()
    for email in ("ann@example.com", "nobody@example.com"):
        fail(session, MAX_FAILURES_PER_EMAIL_AND_ADDRESS, email=email)
        with pytest.raises(Forbidden) as refused:
            try_in(session, email=email, address=ELSEWHERE)
        answers.add(str(refused.value))
    assert len(answers) == 1


def besiege(session):
    """One account guessed at from everywhere."""
    for number in range(MAX_ADDRESSES_PER_EMAIL):
        fail(session, 1, address=f"203.0.113.{number}")


def test_an_account_guessed_at_from_everywhere_is_shut_to_strangers_alone(session, ann):
    device = know_device(session, person_id=ann.id, device="", at=START)
    besiege(session)
    with pytest.raises(Forbidden):
        try_in(session)
    assert try_in(session, device=device) is ann


def test_a_known_browser_may_try_wherever_it_is_and_has_a_limit_of_its_own(session, ann):
    device = know_device(session, person_id=ann.id, device="", at=START)
    fail(session, MAX_FAILURES_PER_ADDRESS, address=HOME)
    assert try_in(session, device=device) is ann
    for _ in range(MAX_FAILURES_PER_EMAIL_AND_ADDRESS):
        assert try_in(session, "wrong", device=device) is None
    with pytest.raises(Forbidden):
        try_in(session, device=device)


def test_a_browser_is_known_for_its_own_person_alone(session, ann):
    device = know_device(session, person_id=ann.id, device="", at=START)
    fail(session, MAX_FAILURES_PER_ADDRESS, address=HOME)
    with pytest.raises(Forbidden):
        try_in(session, email="boss@example.com", device=device)
    with pytest.raises(Forbidden):
        try_in(session, device="made up")


def test_a_thousand_guesses_at_one_account_are_a_handful(session, ann, monkeypatch):
    hashed = count_hashes(monkeypatch)
    refused = 0
    for _ in range(1_000):
        try:
            try_in(session, "wrong", address=ELSEWHERE)
        except Forbidden:
            refused += 1
    assert (len(hashed), refused) == (10, 990)
    assert try_in(session, address=HOME) is ann


def test_a_guess_at_each_of_a_thousand_accounts_is_as_few_as_fifty(session, ann, monkeypatch):
    hashed = count_hashes(monkeypatch)
    for number in range(1_000):
        with contextlib.suppress(Forbidden):
            try_in(session, "wrong", email=f"person{number}@example.com", address=ELSEWHERE)
    assert len(hashed) == MAX_FAILURES_PER_ADDRESS


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
def test_one_hash_is_worked_out_whether_or_not_the_person_exists(session, ann, email, monkeypatch):
    hashed = count_hashes(monkeypatch)
    assert try_in(session, "wrong", email=email) is None
    assert len(hashed) == 1


def count_hashes(monkeypatch):
    """Each verification, which is what takes the time; wrong ones are not worked out here."""
    seen = []

    class Counting:
        def verify(self, stored, password):
            seen.append(stored)
            return passwords_hasher.verify(stored, password) if password == PASSWORD else _fail()

    def _fail():
        raise argon2.exceptions.VerifyMismatchError

    passwords_hasher = passwords._HASHER
    monkeypatch.setattr(passwords, "_HASHER", Counting())
    return seen


def test_a_network_of_version_six_counts_as_one_address(session, ann):
    for number in range(MAX_FAILURES_PER_EMAIL_AND_ADDRESS):
        assert try_in(session, "wrong", address=f"2001:db8::{number:x}") is None
    with pytest.raises(Forbidden):
        try_in(session, address="2001:db8::ffff:1")
    assert try_in(session, address="2001:db8:0:1::1") is ann


def test_guessing_may_go_on_after_the_window(session, ann):
    fail(session, MAX_FAILURES_PER_ADDRESS)
    assert try_in(session, address=ELSEWHERE, at=START + FAILURE_WINDOW) is ann


def test_old_failures_are_forgotten(session):
    fail(session, 3)
    fail(session, 2, at=START + timedelta(hours=1))
    forget_failures(session, START + timedelta(minutes=30) + FAILURE_WINDOW)
    assert count_failures(session) == 2


def test_a_session_acts_in_the_persons_role(session, ann):
    login = find_login(session, open_login(session, person=ann, at=START), START)
    scope = scope_of(login)
    assert (scope.person_id, scope.role) == (ann.id, Role.TECHNICIAN)
    assert scope.organisation_id == ann.memberships[0].organisation_id
    assert not scope.is_system


def test_tokens_differ_and_are_stored_nowhere(session, ann):
    tokens = {open_login(session, person=ann, at=START) for _ in range(5)}
    stored = set(session.scalars(select(LoginSession.token_hash)))
    assert len(tokens) == len(stored) == 5
    assert not tokens & stored
    assert min(len(token) for token in tokens) >= 43  # 256 random bits


@pytest.mark.parametrize("token", ["", "wrong", "\x00", "x" * 10_000])
def test_a_token_of_no_session_finds_none(session, ann, token):
    open_login(session, person=ann, at=START)
    assert find_login(session, token, START) is None


def test_the_stored_hash_is_no_token(session, ann):
    open_login(session, person=ann, at=START)
    stored = session.scalar(select(LoginSession.token_hash))
    assert find_login(session, stored, START) is None


@pytest.mark.parametrize(("idle", "is_live"), [(IDLE_LIFE * 0.99, True), (IDLE_LIFE, False)])
def test_a_session_ends_when_it_was_idle_too_long(session, ann, idle, is_live):
    token = open_login(session, person=ann, at=START)
    assert (find_login(session, token, START + idle) is not None) is is_live


def test_a_session_in_use_ends_all_the_same_at_its_absolute_end(session, ann):
    token, at = open_login(session, person=ann, at=START), START
    while at < START + ABSOLUTE_LIFE:
        login = find_login(session, token, at)
        touch_login(session, login.id, at)
        at += IDLE_LIFE / 2
    assert find_login(session, token, START + ABSOLUTE_LIFE) is None


def test_a_use_is_written_down_once_a_minute(session, ann):
    login = find_login(session, open_login(session, person=ann, at=START), START)
    assert not is_touch_due(login, START + TOUCH_EVERY)
    assert is_touch_due(login, START + TOUCH_EVERY * 1.1)


def test_an_ended_session_is_worthless_and_the_others_live(session, ann):
    ended, other = (open_login(session, person=ann, at=START) for _ in range(2))
    end_login(session, find_login(session, ended, START).id, START)
    assert find_login(session, ended, START) is None
    assert find_login(session, other, START) is not None


def test_deactivating_a_person_ends_every_session(session, ann):
    token = open_login(session, person=ann, at=START)
    ann.is_active = False
    assert find_login(session, token, START) is None


def test_taking_the_role_away_ends_the_session(session, ann):
    token = open_login(session, person=ann, at=START)
    session.execute(delete(Membership).where(Membership.person_id == ann.id))
    assert find_login(session, token, START) is None


def test_another_role_does_not_keep_the_old_session_alive(session, ann):
    token = open_login(session, person=ann, at=START)
    ann.memberships[0].role = Role.DEALER_MANAGER
    assert find_login(session, token, START) is None


def test_whoever_has_no_role_opens_no_session(session, ann):
    session.execute(delete(Membership).where(Membership.person_id == ann.id))
    with pytest.raises(Invalid):
        open_login(session, person=ann, at=START)


def test_a_session_is_opened_only_for_an_organisation_of_the_person(session, ann):
    other = create_organisation(session, kind=OrganisationKind.DEALER, name="South", at=START)
    with pytest.raises(Invalid):
        open_login(session, person=ann, at=START, organisation_id=other.id)


def test_a_person_of_two_organisations_chooses_one(session, ann):
    other = create_organisation(session, kind=OrganisationKind.DEALER, name="South", at=START)
    session.add(Membership(person_id=ann.id, organisation_id=other.id, role=Role.DEALER_MANAGER))
    session.flush()
    token = open_login(session, person=ann, at=START, organisation_id=other.id)
    login = find_login(session, token, START)
    assert (login.organisation_id, login.role) == (other.id, Role.DEALER_MANAGER)
    assert session.get_one(Person, login.person_id) is ann
