"""The audit's chain: whatever is done to a sealed row or to the chain itself is found."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError

from foundation import audit
from foundation.audit import AuditRow
from foundation.audit_seals import FIRST, AuditSeal, digest_row, seal_rows, verify
from foundation.identity.scope import Scope
from tests.conftest import START

SYSTEM = Scope.system("test")


def write(database, count, *, begin=0):
    with database.transaction(SYSTEM) as session:
        for number in range(begin, begin + count):
            audit.record(
                session,
                at=START + timedelta(microseconds=number),
                action="portal:ticket:close",
                subject_kind="ticket",
                subject_id=number,
                details={"note": f"Grüße {number}", "minutes": 1.5 * number},
            )


def seal(database, **how):
    with database.transaction(SYSTEM) as session:
        return seal_rows(session, **how)


def check(database, **how):
    with database.session(SYSTEM) as session:
        return verify(session, **how)


def tamper(database, statement):
    with database.engine.begin() as connection:
        connection.execute(statement)


@pytest.fixture
def sealed(database):
    write(database, 5)
    seal(database)
    return database


def row_id(database, place):
    with database.session(SYSTEM) as session:
        return list(session.scalars(select(AuditRow.id).order_by(AuditRow.id)))[place]


def test_rows_are_sealed_once_and_the_chain_holds(sealed):
    write(sealed, 2, begin=5)
    assert (check(sealed).sealed, check(sealed).unsealed) == (5, 2)
    assert seal(sealed)[0] == 2
    assert seal(sealed)[0] == 0
    found = check(sealed)
    assert (found.sealed, found.unsealed, found.faults) == (7, 0, ())


def test_a_chain_grows_from_where_it_stood(sealed):
    head = check(sealed).head
    write(sealed, 3, begin=5)
    assert seal(sealed, limit=2)[0] == 2
    assert seal(sealed, limit=2)[0] == 1
    assert check(sealed, head=head).faults == ()
    assert check(sealed).head != head


CHANGES = {
    "actor": "person:1",
    "action": "portal:ticket:move",
    "details": {},
    "subject_id": "99",
    "at": START,
    "organisation_id": 4,
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_row_is_found(sealed, column):
    changed = row_id(sealed, 2)
    tamper(
        sealed, update(AuditRow).where(AuditRow.id == changed).values({column: CHANGES[column]})
    )
    (fault,) = check(sealed).faults
    assert f"Row {changed} was changed" in fault


def test_a_removed_row_is_found(sealed):
    gone = row_id(sealed, 4)
    tamper(sealed, delete(AuditRow).where(AuditRow.id == gone))
    assert check(sealed).faults == (f"Row {gone} was removed.",)


def test_a_row_that_is_removed_with_its_seal_is_found(sealed):
    gone = row_id(sealed, 1)
    tamper(sealed, delete(AuditSeal).where(AuditSeal.row_id == gone))
    tamper(sealed, delete(AuditRow).where(AuditRow.id == gone))
    (fault,) = check(sealed).faults
    assert "one missing" in fault


def test_a_chain_that_was_cut_off_is_found_by_whoever_noted_its_head(sealed):
    head = check(sealed).head
    for place in (4, 3):
        gone = row_id(sealed, place)
        tamper(sealed, delete(AuditSeal).where(AuditSeal.row_id == gone))
        tamper(sealed, delete(AuditRow).where(AuditRow.id == gone))
    assert check(sealed).faults == ()
    (fault,) = check(sealed, head=head).faults
    assert "cut off" in fault


def test_a_row_slipped_in_later_is_no_part_of_the_past(sealed):
    head = check(sealed).head
    write(sealed, 1)
    seal(sealed)
    assert check(sealed, head=head).sealed == 6


def test_two_that_seal_at_once_make_one_chain(database):
    write(database, 40)
    started, done = threading.Barrier(2), []

    def work():
        started.wait()
        try:
            done.append(seal(database)[0])
        except IntegrityError:
            done.append(0)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 40]
    assert (check(database).sealed, check(database).faults) == (40, ())


def test_an_empty_audit_is_a_whole_one(sqlite_database):
    found = check(sqlite_database)
    assert (found.sealed, found.unsealed, found.head, found.faults) == (0, 0, FIRST, ())


def test_what_came_out_of_the_database_has_the_digest_of_what_went_in(database):
    """Times and numbers must come back as they were, or every row would seem changed."""
    write(database, 3)
    seal(database)
    with database.engine.begin() as connection:
        connection.execute(text("SELECT 1"))
    assert check(database).faults == ()


@given(st.lists(st.text(max_size=5), min_size=2, max_size=2, unique=True))
def test_fields_cannot_be_shifted_into_each_other(words):
    one, other = words
    row = {"id": 1, "at": START, "organisation_id": None, "action": "a:b:c", "details": {}}
    first = AuditRow(**row, actor=one + other, subject_kind="x", subject_id=one)
    second = AuditRow(**row, actor=one, subject_kind="x", subject_id=other + one)
    if (one + other, one) != (one, other + one):
        assert digest_row(first, FIRST) != digest_row(second, FIRST)
