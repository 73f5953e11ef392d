"""Column types, the two kinds of session, and what a refusing database turns into."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from foundation.database import UtcDateTime, open_database
from foundation.errors import Unavailable
from foundation.identity.models import LoginFailure, Membership, Organisation
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind, Role, Scope
from tests.conftest import START
from tests.servers import free_port

SYSTEM = Scope.system("test")
SEOUL = timezone(timedelta(hours=9))


def add_failure(session, at=START, address="192.0.2.1"):
    session.add(LoginFailure(email="ann@example.com", address=address, at=at))


def read_instants(database):
    with database.session(SYSTEM) as session:
        return list(session.scalars(select(LoginFailure.at)))


@pytest.mark.parametrize(
    "at",
    [
        START,
        START.replace(microsecond=123456),
        datetime(2026, 3, 29, 2, 30, tzinfo=SEOUL),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
    ids=["whole", "microseconds", "another offset", "before 1970"],
)
def test_an_instant_comes_back_aware_and_in_utc(database, at):
    with database.transaction(SYSTEM) as session:
        add_failure(session, at)
    (stored,) = read_instants(database)
    assert stored == at
    assert stored.utcoffset() == timedelta(0)


def test_instants_of_different_offsets_are_ordered_by_time(database):
    later = (START + timedelta(minutes=1)).astimezone(SEOUL)
    with database.transaction(SYSTEM) as session:
        add_failure(session, START)
        add_failure(session, later)
        session.flush()
        after = select(LoginFailure.at).where(LoginFailure.at > START.astimezone(SEOUL))
        assert list(session.scalars(after)) == [later]


def test_a_naive_instant_is_refused(database):
    with database.session(SYSTEM) as session:
        add_failure(session, START.replace(tzinfo=None))
        with pytest.raises(StatementError, match="aware"):
            session.flush()


@given(st.datetimes(timezones=st.sampled_from([UTC, SEOUL])))
def test_the_bound_value_is_the_same_instant_in_utc(at):
    try:
        bound = UtcDateTime().process_bind_param(at, None)
    except OverflowError:
        return  # the first hours of year 1 do not exist in UTC
    assert bound == at
    assert bound.tzinfo is UTC


def test_a_choice_is_stored_as_its_word(database):
    with database.transaction(SYSTEM) as session:
        create_organisation(session, kind=OrganisationKind.DEALER, name="North", at=START)
    with database.session(SYSTEM) as session:
        assert session.execute(text("SELECT kind FROM organisation")).scalar() == "dealer"
        assert session.scalar(select(Organisation)).kind is OrganisationKind.DEALER


def test_a_foreign_key_holds_on_both_databases(database):
    with database.session(SYSTEM) as session:
        session.add(Membership(person_id=7, organisation_id=7, role=Role.CUSTOMER))
        with pytest.raises(IntegrityError):
            session.flush()


def test_a_transaction_commits_when_its_block_ends_well(database):
    with database.transaction(SYSTEM) as session:
        add_failure(session)
    assert len(read_instants(database)) == 1


def test_a_transaction_that_fails_writes_nothing(database):
    def fail():
        with database.transaction(SYSTEM) as session:
            add_failure(session)
            session.flush()
            raise RuntimeError("later")

    with pytest.raises(RuntimeError):
        fail()
    assert read_instants(database) == []


def test_a_reading_session_keeps_nothing(database):
    with database.session(SYSTEM) as session:
        add_failure(session)
        session.flush()
    assert read_instants(database) == []


def test_objects_can_be_read_after_the_commit(database):
    with database.transaction(SYSTEM) as session:
        made = create_organisation(session, kind=OrganisationKind.DEALER, name="North", at=START)
    assert made.name == "North"


def test_a_failed_savepoint_leaves_what_was_before_it(database):
    def fail(session):
        with session.begin_nested():
            add_failure(session, address="undone")
            session.flush()
            raise RuntimeError("this row only")

    with database.transaction(SYSTEM) as session:
        add_failure(session, address="kept")
        with pytest.raises(RuntimeError):
            fail(session)
    assert len(read_instants(database)) == 1


def test_writers_wait_for_each_other_and_none_is_lost(database):
    """Each reads before it writes: on SQLite such a transaction must lock at its start."""

    def count_and_add():
        with database.transaction(SYSTEM) as session:
            session.scalars(select(LoginFailure)).all()
            add_failure(session)

    threads = [threading.Thread(target=count_and_add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_instants(database)) == 6


def test_readers_do_not_wait_for_a_writer(database):
    with database.transaction(SYSTEM) as session:
        add_failure(session)
        session.flush()
        assert read_instants(database) == []


def test_a_locked_database_is_unavailable(sqlite_database):
    event.listen(sqlite_database.engine, "connect", _do_not_wait)
    path = sqlite_database.engine.url.database
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Unavailable), sqlite_database.transaction(SYSTEM) as session:
            add_failure(session)
    finally:
        other.close()


def _do_not_wait(connection, _):
    connection.execute("PRAGMA busy_timeout=20").close()


def test_a_server_that_does_not_answer_is_unavailable():
    database = open_database(f"postgresql+psycopg://millwright@127.0.0.1:{free_port()}/none")
    with pytest.raises(Unavailable), database.session(SYSTEM) as session:
        session.scalars(select(Organisation)).all()
    database.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("goes_on", [True, False], ids=["in use", "idle"])
def test_a_lost_connection_is_unavailable_and_the_next_session_works(postgresql, goes_on):
    with pytest.raises(Unavailable):
        lose_connection(postgresql, goes_on)
    with postgresql.session(SYSTEM) as session:
        assert session.scalar(text("SELECT 1")) == 1


def lose_connection(database, goes_on):
    with database.session(SYSTEM) as session:
        session.scalars(select(Organisation)).all()
        end_other_connections(database)
        if goes_on:
            session.scalars(select(Organisation)).all()


def end_other_connections(database):
    with database.session(SYSTEM) as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
