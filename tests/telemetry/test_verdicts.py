"""Verdicts: one for an alarm, the last word counts, counted by detector within the scope."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from foundation.errors import Forbidden
from telemetry.alarms.lifecycle import raise_alarm
from telemetry.alarms.models import Severity
from telemetry.verdicts import Verdict, VerdictKind, count_verdicts, give_verdict
from tests.conftest import START
from tests.foundation import conftest as ground

filled = ground.filled
NONE = dict.fromkeys(VerdictKind, 0)


@pytest.fixture
def session(filled):
    """The platform at work; nothing stays."""
    with filled.database.session(filled.scope()) as session:
        yield session


def make_alarm(session, asset, condition="hot", detector="limits"):
    return raise_alarm(
        session,
        asset_id=asset,
        condition=condition,
        detector=detector,
        severity=Severity.SERIOUS,
        started_at=START,
        raised_at=START,
        evidence={},
    )


def judge(session, alarm, kind, *, person=None, at=START):
    give_verdict(session, alarm=alarm, kind=kind, person_id=person, at=at)


def test_a_verdict_says_who_found_what_and_when(session, filled):
    alarm = make_alarm(session, filled.asset)
    judge(session, alarm, VerdictKind.RIGHT, person=filled.people["technician"])
    session.expire_all()
    verdict = session.scalar(select(Verdict))
    assert (verdict.alarm_id, verdict.asset_id) == (alarm.id, filled.asset)
    assert (verdict.kind, verdict.given_at) == (VerdictKind.RIGHT, START)
    assert verdict.person_id == filled.people["technician"]


def test_the_last_verdict_replaces_the_one_before(session, filled):
    alarm = make_alarm(session, filled.asset)
    judge(session, alarm, VerdictKind.UNCLEAR)
    later = START + timedelta(hours=1)
    judge(session, alarm, VerdictKind.FALSE, person=filled.people["manager"], at=later)
    (verdict,) = session.scalars(select(Verdict)).all()
    assert (verdict.kind, verdict.given_at) == (VerdictKind.FALSE, later)
    assert count_verdicts(session, "limits") == NONE | {VerdictKind.FALSE: 1}


def test_the_database_itself_refuses_a_second_verdict(session, filled):
    alarm = make_alarm(session, filled.asset)
    judge(session, alarm, VerdictKind.RIGHT)
    session.add(
        Verdict(alarm_id=alarm.id, asset_id=filled.asset, kind=VerdictKind.FALSE, given_at=START)
    )
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_detector_without_verdicts_has_none_of_each_kind(session):
    assert count_verdicts(session, "limits") == NONE


def test_verdicts_are_counted_by_detector(session, filled):
    kinds = [VerdictKind.RIGHT, VerdictKind.RIGHT, VerdictKind.FALSE]
    for number, kind in enumerate(kinds):
        judge(session, make_alarm(session, filled.asset, f"hot {number}"), kind)
    other = make_alarm(session, filled.other_asset, "odd", "normal_period")
    judge(session, other, VerdictKind.UNCLEAR)
    assert count_verdicts(session, "limits") == NONE | {
        VerdictKind.RIGHT: 2,
        VerdictKind.FALSE: 1,
    }
    assert count_verdicts(session, "normal_period") == NONE | {VerdictKind.UNCLEAR: 1}


@pytest.mark.parametrize(
    ("person", "seen"), [("maker", 2), ("manager", 1), ("customer", 1), ("other_customer", 1)]
)
def test_each_organisation_counts_what_it_sees(session, filled, person, seen):
    for asset in (filled.asset, filled.other_asset):
        judge(session, make_alarm(session, asset), VerdictKind.RIGHT)
    session.info["scope"] = filled.scope(person)
    assert count_verdicts(session, "limits")[VerdictKind.RIGHT] == seen


@pytest.mark.parametrize("person", ["maker", "customer", "other_technician"])
def test_only_the_serving_dealer_judges_an_alarm(session, filled, person):
    alarm = make_alarm(session, filled.asset)
    session.info["scope"] = filled.scope(person)
    with pytest.raises(Forbidden):
        judge(session, alarm, VerdictKind.FALSE, person=filled.people[person])


def test_the_serving_technician_judges_an_alarm(session, filled):
    alarm = make_alarm(session, filled.asset)
    session.info["scope"] = filled.scope("technician")
    judge(session, alarm, VerdictKind.FALSE, person=filled.people["technician"])
    assert count_verdicts(session, "limits")[VerdictKind.FALSE] == 1
