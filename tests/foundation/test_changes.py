"""The feed of changes: numbers go up, a reader misses none, old ones are forgotten."""

import threading
from datetime import timedelta

from foundation.changes import announce, forget_changes, last_number, list_changes
from foundation.identity.scope import Scope
from tests.conftest import START

SYSTEM = Scope.system("test")


def announce_one(session, subject=1, *, asset=5, at=START):
    announce(session, kind="ticket", subject_id=subject, asset_id=asset, at=at)


def read(database, after=0, limit=500):
    with database.session(SYSTEM) as session:
        return list_changes(session, after=after, limit=limit)


def test_nothing_changed_yet(database):
    with database.session(SYSTEM) as session:
        assert last_number(session) == 0
        assert list_changes(session, after=0) == []


def test_a_change_says_what_changed_and_on_which_asset(database):
    with database.transaction(SYSTEM) as session:
        announce_one(session, 12)
    (change,) = read(database)
    assert (change.kind, change.subject_id, change.asset_id) == ("ticket", 12, 5)


def test_changes_are_read_onwards_from_a_number(database):
    with database.transaction(SYSTEM) as session:
        for subject in range(5):
            announce_one(session, subject)
    first = read(database, limit=2)
    rest = read(database, after=first[-1].number)
    assert [each.subject_id for each in first + rest] == [0, 1, 2, 3, 4]
    with database.session(SYSTEM) as session:
        assert last_number(session) == rest[-1].number


def test_a_change_that_is_rolled_back_was_none(database):
    with database.session(SYSTEM) as session:
        announce_one(session)
        session.flush()
    assert read(database) == []


def test_old_changes_are_forgotten(database):
    with database.transaction(SYSTEM) as session:
        announce_one(session, 1, at=START)
        announce_one(session, 2, at=START + timedelta(hours=1))
        session.flush()
        forget_changes(session, START + timedelta(minutes=30))
    assert [each.subject_id for each in read(database)] == [2]


def test_numbers_are_not_used_again_after_all_were_forgotten(database):
    with database.transaction(SYSTEM) as session:
        announce_one(session, 1)
        session.flush()
        seen = last_number(session)
        forget_changes(session, START + timedelta(hours=1))
    with database.transaction(SYSTEM) as session:
        announce_one(session, 2)
    assert [each.subject_id for each in read(database, after=seen)] == [2]


def test_a_reader_misses_no_change_that_was_committed_late(database):
    """Of two transactions at once, the one that announced first commits last."""
    with database.transaction(SYSTEM) as slow:
        announce_one(slow, 101)
        slow.flush()
        other = threading.Thread(target=announce_alone, args=(database, 102))
        other.start()
        other.join(0.5)  # it may have to wait until the first one is done
        seen = read(database)
    other.join()
    seen += read(database, after=max((each.number for each in seen), default=0))
    assert {each.subject_id for each in seen} == {101, 102}


def announce_alone(database, subject):
    with database.transaction(SYSTEM) as session:
        announce_one(session, subject)
