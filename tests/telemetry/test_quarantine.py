"""Quarantine: what could not be used is kept, shown to whom it concerns, and tried again once."""

import base64
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from foundation.audit import AuditRow
from foundation.changes import last_number, list_changes
from foundation.errors import Invalid, NotFound
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind, Role, Scope
from foundation.paging import PAGE_SIZE, encode_cursor
from telemetry.quarantine import (
    MAX_KEPT_BYTES,
    MAX_OPEN_PER_FAULT,
    QuarantinedMessage,
    Refused,
    count_open,
    dismiss,
    get_message,
    keep,
    list_faults,
    list_messages,
    reprocess,
)
from tests.conftest import START
from tests.foundation import conftest as ground

filled = ground.filled


@pytest.fixture
def session(filled):
    """Ingest at work; nothing stays."""
    with filled.database.session(filled.scope()) as session:
        yield session


def refused(number=0, **changed):
    fields = {
        "source": "pump-1",
        "topic": "mw/v1/pump-1/telemetry",
        "payload": b'{"values": {"T9": 1}}',
        "received_at": START + timedelta(seconds=number),
        "code": "unknown_metric",
        "detail": f"T9 is no metric, message {number}",
        "faults": 1,
    }
    return Refused(**(fields | changed))


def all_messages(session):
    return session.scalars(select(QuarantinedMessage).order_by(QuarantinedMessage.id)).all()


def look_as(session, scope):
    session.flush()
    session.expire_all()
    session.info["scope"] = scope


def test_a_refused_message_is_kept_as_it_came(session, filled):
    maker = filled.organisations["maker"]
    keep(session, [refused(organisation_id=maker, faults=3)])
    (message,) = all_messages(session)
    assert (message.source, message.topic) == ("pump-1", "mw/v1/pump-1/telemetry")
    assert (message.payload, message.is_whole) == (b'{"values": {"T9": 1}}', True)
    assert (message.code, message.faults, message.organisation_id) == ("unknown_metric", 3, maker)
    assert (message.received_at, message.resolved_at) == (START, None)


@pytest.mark.parametrize("payload", [b"", b"\x00\xff" * 10, "温度".encode()])
def test_any_bytes_are_kept(session, payload):
    keep(session, [refused(payload=payload)])
    session.expire_all()
    assert all_messages(session)[0].payload == payload


@pytest.mark.parametrize(
    ("length", "is_whole"), [(MAX_KEPT_BYTES, True), (MAX_KEPT_BYTES + 1, False)]
)
def test_an_oversized_message_is_kept_in_part_and_says_so(session, length, is_whole):
    keep(session, [refused(payload=b"x" * length)])
    (message,) = all_messages(session)
    assert (len(message.payload), message.is_whole) == (MAX_KEPT_BYTES, is_whole)


@pytest.mark.parametrize("field", ["source", "topic", "detail"])
@pytest.mark.parametrize("text", ["a\x00b", "x" * 5000, "<script>", "\r\nforged"])
def test_no_text_of_a_machine_stops_ingest(session, field, text):
    keep(session, [refused(**{field: text}), refused(source="pump-2")])
    assert count_open(session) == 2


def test_a_live_page_is_told(session):
    before = last_number(session)
    keep(session, [refused(0), refused(1)])
    session.flush()
    assert [each.kind for each in list_changes(session, after=before)] == ["quarantine"]


def test_nothing_refused_tells_nobody(session):
    before = last_number(session)
    keep(session, [])
    assert last_number(session) == before


def test_faults_are_grouped_by_source_and_kind(session):
    keep(session, [refused(0), refused(5), refused(3, code="too_late")])
    keep(session, [refused(9, source="pump-2")])
    groups = list_faults(session)
    assert [(each.source, each.code, each.messages) for each in groups] == [
        ("pump-2", "unknown_metric", 1),
        ("pump-1", "unknown_metric", 2),
        ("pump-1", "too_late", 1),
    ]
    assert (groups[1].first_at, groups[1].last_at) == (START, START + timedelta(seconds=5))


def test_beyond_enough_of_a_fault_messages_are_only_counted(session):
    fill(session, MAX_OPEN_PER_FAULT)
    keep(session, [refused(2000), refused(2001), refused(2002, source="pump-2")])
    full = next(each for each in list_faults(session) if each.source == "pump-1")
    assert (full.messages, full.not_kept) == (MAX_OPEN_PER_FAULT, 2)
    assert count_open(session) == MAX_OPEN_PER_FAULT + 1


def test_there_is_room_again_after_a_fault_was_dismissed(session):
    fill(session, MAX_OPEN_PER_FAULT)
    dismiss(session, source="pump-1", code="unknown_metric", at=START)
    keep(session, [refused(2000)])
    (group,) = list_faults(session)
    assert (group.messages, group.not_kept) == (1, 0)


def fill(session, number):
    session.add_all(
        QuarantinedMessage(
            received_at=START,
            source="pump-1",
            topic="t",
            payload=b"",
            is_whole=True,
            code="unknown_metric",
            detail="",
            faults=1,
        )
        for _ in range(number)
    )
    session.flush()


def test_messages_are_paged_from_the_newest(session):
    keep(session, [refused(number) for number in range(PAGE_SIZE + 3)])
    first = list_messages(session, source="pump-1", code="unknown_metric")
    second = list_messages(
        session, source="pump-1", code="unknown_metric", cursor=first.next_cursor
    )
    ids = [message.id for message in (*first.rows, *second.rows)]
    assert len(first.rows) == PAGE_SIZE
    assert second.next_cursor is None
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == PAGE_SIZE + 3


def test_a_full_last_page_has_no_next(session):
    keep(session, [refused(number) for number in range(PAGE_SIZE)])
    assert list_messages(session, source="pump-1", code="unknown_metric").next_cursor is None


@pytest.mark.parametrize("key", [["abc"], [None], [1.5], [2**63], [True], [1, 2], {}])
def test_a_forged_cursor_is_refused(session, key):
    keep(session, [refused()])
    cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
    with pytest.raises(Invalid):
        list_messages(session, source="pump-1", code="unknown_metric", cursor=cursor)


@pytest.mark.parametrize("number", [-1, 0, 2**40])
def test_a_cursor_of_no_message_shows_what_lies_beyond(session, number):
    keep(session, [refused()])
    page = list_messages(
        session, source="pump-1", code="unknown_metric", cursor=encode_cursor((number,))
    )
    assert len(page.rows) == (1 if number > 0 else 0)


def test_a_mended_fault_is_tried_again_in_the_order_of_arrival(session):
    keep(session, [refused(number) for number in range(4)])
    tried = []

    def again(message):
        tried.append(message.detail[-1])
        return message.detail[-1] != "2"

    later = START + timedelta(hours=1)
    done = reprocess(session, source="pump-1", code="unknown_metric", again=again, at=later)
    assert (done, tried) == (3, ["0", "1", "2", "3"])
    assert [message.resolved_at for message in all_messages(session)] == [
        later,
        later,
        None,
        later,
    ]


def test_what_went_in_is_not_tried_twice(session):
    keep(session, [refused()])
    again = {"source": "pump-1", "code": "unknown_metric", "again": lambda _: True, "at": START}
    assert [reprocess(session, **again) for _ in range(2)] == [1, 0]
    assert count_open(session) == 0


def test_a_message_kept_in_part_is_never_tried_again(session):
    keep(session, [refused(payload=b"x" * (MAX_KEPT_BYTES + 1))])
    reprocess(session, source="pump-1", code="unknown_metric", again=pytest.fail, at=START)
    assert count_open(session) == 1


def test_only_the_fault_that_was_mended_is_tried(session):
    keep(session, [refused(0), refused(1, code="too_late"), refused(2, source="pump-2")])
    reprocess(session, source="pump-1", code="unknown_metric", again=lambda _: True, at=START)
    assert {(each.source, each.code) for each in list_faults(session)} == {
        ("pump-1", "too_late"),
        ("pump-2", "unknown_metric"),
    }


def test_a_dismissed_fault_is_closed_but_kept(session):
    keep(session, [refused(0), refused(1), refused(2, source="pump-2")])
    assert dismiss(session, source="pump-1", code="unknown_metric", at=START) == 2
    session.expire_all()
    assert [each.source for each in list_faults(session)] == ["pump-2"]
    assert [message.resolution for message in all_messages(session)] == [
        "dismissed",
        "dismissed",
        None,
    ]


def test_both_acts_are_in_the_audit(session, filled):
    keep(session, [refused(organisation_id=filled.organisations["maker"])])
    look_as(session, filled.scope("maker"))
    reprocess(session, source="pump-1", code="unknown_metric", again=lambda _: False, at=START)
    dismiss(session, source="pump-1", code="unknown_metric", at=START)
    rows = session.scalars(select(AuditRow).where(AuditRow.subject_id == "pump-1")).all()
    assert [row.action for row in rows] == [
        "portal:quarantine:reprocess",
        "portal:quarantine:dismiss",
    ]
    assert {row.actor for row in rows} == {filled.scope("maker").actor}


@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_only_a_manufacturers_administrator_sees_the_quarantine(session, filled, person):
    keep(session, [refused(), refused(organisation_id=filled.organisations[_home(person)])])
    number = all_messages(session)[0].id
    look_as(session, filled.scope(person))
    assert (list_faults(session), count_open(session)) == ([], 0)
    with pytest.raises(NotFound):
        get_message(session, number)


def _home(person):
    return "customer" if person == "customer" else "dealer"


def test_each_manufacturer_sees_its_own_and_what_nobody_owns_yet(session, filled):
    rival = create_organisation(
        session, kind=OrganisationKind.MANUFACTURER, name="Rival Works", at=START
    )
    keep(
        session,
        [
            refused(source="ours", organisation_id=filled.organisations["maker"]),
            refused(source="theirs", organisation_id=rival.id),
            refused(source="unheard"),
        ],
    )
    theirs = session.scalar(
        select(QuarantinedMessage.id).where(QuarantinedMessage.source == "theirs")
    )
    look_as(session, filled.scope("maker"))
    assert {each.source for each in list_faults(session)} == {"ours", "unheard"}
    with pytest.raises(NotFound):
        get_message(session, theirs)


def test_a_manufacturer_cannot_dismiss_what_it_does_not_see(session, filled):
    keep(session, [refused(organisation_id=filled.organisations["maker"])])
    look_as(session, Scope.of_person(901, 902, Role.MANUFACTURER))
    assert dismiss(session, source="pump-1", code="unknown_metric", at=START) == 0
    look_as(session, filled.scope())
    assert count_open(session) == 1


def test_counts_are_plain_numbers(session):
    """SUM gives a decimal on some databases; pages and JSON need integers."""
    keep(session, [refused()])
    (group,) = list_faults(session)
    assert type(group.not_kept) is type(group.messages) is int
    assert session.scalar(select(func.count()).select_from(QuarantinedMessage)) == 1
