"""Audit rows: written with the act, in the name of the session's scope."""

import pytest
from sqlalchemy import select

from foundation import audit
from foundation.audit import AuditRow
from foundation.errors import Forbidden
from foundation.identity.scope import Role, Scope
from tests.conftest import START

PERSON = Scope.of_person(7, 3, Role.TECHNICIAN)


def record(session, **changed):
    fields = {
        "at": START,
        "action": "portal:ticket:close",
        "subject_kind": "ticket",
        "subject_id": 12,
    }
    audit.record(session, **(fields | changed))


def read(database):
    with database.session(Scope.system("test")) as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.id)))


def test_a_row_names_who_acted_for_whom_on_what(database):
    with database.transaction(PERSON) as session:
        record(session, details={"verdict": "right", "minutes": 35})
    (row,) = read(database)
    assert (row.actor, row.organisation_id) == ("person:7", 3)
    assert (row.action, row.subject_kind, row.subject_id) == (
        "portal:ticket:close",
        "ticket",
        "12",
    )
    assert (row.at, row.details) == (START, {"verdict": "right", "minutes": 35})


def test_the_platforms_own_acts_name_its_part(database):
    with database.transaction(Scope.system("ingest")) as session:
        record(session)
    (row,) = read(database)
    assert (row.actor, row.organisation_id, row.details) == ("system:ingest", None, {})


@pytest.mark.parametrize("action", ["", "close", "ticket:close", "a:b:c:d", "::", "portal::close"])
def test_an_action_has_three_parts(sqlite_database, action):
    with sqlite_database.session(PERSON) as session, pytest.raises(ValueError, match="action"):
        record(session, action=action)


def test_an_act_that_is_undone_leaves_no_row(database):
    def fail():
        with database.transaction(PERSON) as session:
            record(session)
            raise RuntimeError("the act failed")

    with pytest.raises(RuntimeError):
        fail()
    assert read(database) == []


def test_nobody_can_act_without_a_scope(sqlite_database):
    with sqlite_database.session(PERSON) as session:
        session.info.clear()
        with pytest.raises(Forbidden):
            record(session)
