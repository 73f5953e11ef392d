"""The life of an alarm: one open for a condition, each time it held kept, closed at close-out."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from devices.assets import Asset
from devices.ownership import PartyKind, set_party
from foundation.changes import last_number, list_changes
from foundation.errors import Forbidden
from foundation.identity.models import Organisation
from telemetry.alarms.lifecycle import (
    clear_alarm,
    close_alarm,
    find_open_alarm,
    list_unhandled,
    raise_alarm,
)
from telemetry.alarms.models import Alarm, Severity
from tests.conftest import START
from tests.foundation import conftest as ground

filled = ground.filled
HOT = "limit:temperature:high:serious"


@pytest.fixture
def session(filled):
    """Scoring at work; nothing stays."""
    with filled.database.session(filled.scope()) as session:
        yield session


@pytest.fixture
def asset(filled):
    return filled.asset


def minute(number):
    return START + timedelta(minutes=number)


def raise_at(session, asset, number, condition=HOT):
    return raise_alarm(
        session,
        asset_id=asset,
        condition=condition,
        detector="limits",
        severity=Severity.SERIOUS,
        started_at=minute(number) - timedelta(seconds=20),
        raised_at=minute(number),
        evidence={"metrics": ["temperature"], "value": 91.5},
    )


def clear_at(session, asset, number, condition=HOT):
    return clear_alarm(session, asset_id=asset, condition=condition, at=minute(number))


def occurrences(alarm):
    return [(each.raised_at, each.cleared_at) for each in alarm.occurrences]


def test_a_new_alarm_is_open_active_and_waits_for_a_decision(session, asset):
    alarm = raise_at(session, asset, 0)
    assert alarm.is_active
    assert (alarm.closed_at, alarm.cleared_at, alarm.handled_at) == (None, None, None)
    assert find_open_alarm(session, asset, HOT) is alarm
    assert list_unhandled(session) == [alarm]
    assert occurrences(alarm) == [(minute(0), None)]


def test_what_was_seen_is_kept_as_evidence(session, asset):
    raise_at(session, asset, 0)
    session.flush()
    session.expire_all()
    alarm = find_open_alarm(session, asset, HOT)
    assert alarm.evidence == {"metrics": ["temperature"], "value": 91.5}
    assert alarm.occurrences[0].evidence == alarm.evidence
    assert (alarm.severity, alarm.started_at) == (
        Severity.SERIOUS,
        minute(0) - timedelta(seconds=20),
    )


def test_raising_it_again_while_it_holds_changes_nothing(session, asset):
    alarm = raise_at(session, asset, 0)
    before = last_number(session)
    assert raise_at(session, asset, 1) is alarm
    assert occurrences(alarm) == [(minute(0), None)]
    assert last_number(session) == before


def test_the_condition_goes_and_the_alarm_stays_open(session, asset):
    alarm = raise_at(session, asset, 0)
    assert clear_at(session, asset, 5) is alarm
    assert (alarm.is_active, alarm.cleared_at) == (False, minute(5))
    assert alarm.closed_at is None
    assert occurrences(alarm) == [(minute(0), minute(5))]


def test_each_time_it_comes_back_is_kept_under_the_same_alarm(session, asset):
    for number in (0, 10, 20):
        raise_at(session, asset, number)
        clear_at(session, asset, number + 5)
    alarm = raise_at(session, asset, 30)
    assert occurrences(alarm) == [
        (minute(0), minute(5)),
        (minute(10), minute(15)),
        (minute(20), minute(25)),
        (minute(30), None),
    ]
    assert (alarm.is_active, alarm.cleared_at) == (True, None)
    assert session.scalar(select(func.count()).select_from(Alarm)) == 1


def test_when_it_first_began_is_not_forgotten(session, asset):
    raise_at(session, asset, 0)
    clear_at(session, asset, 5)
    alarm = raise_at(session, asset, 10)
    assert (alarm.started_at, alarm.raised_at) == (
        minute(0) - timedelta(seconds=20),
        minute(0),
    )


def test_clearing_what_does_not_hold_does_nothing(session, asset):
    before = last_number(session)
    assert clear_at(session, asset, 0) is None
    raise_at(session, asset, 1)
    clear_at(session, asset, 2)
    assert clear_at(session, asset, 3) is None
    assert find_open_alarm(session, asset, HOT).cleared_at == minute(2)
    assert len(list_changes(session, after=before)) == 2  # raised and cleared once


def test_conditions_and_assets_have_their_own_alarms(session, filled):
    alarms = {
        raise_at(session, filled.asset, 0).id,
        raise_at(session, filled.asset, 0, "normal_period").id,
        raise_at(session, filled.other_asset, 0).id,
    }
    assert len(alarms) == 3
    assert len(list_unhandled(session)) == 3


@pytest.mark.parametrize("rearm", [True, False])
def test_a_closed_alarm_is_over(session, asset, rearm):
    alarm = raise_at(session, asset, 0)
    close_alarm(session, alarm, at=minute(60), rearm=rearm)
    assert (alarm.closed_at, alarm.handled_at, alarm.is_rearm_due) == (
        minute(60),
        minute(60),
        rearm,
    )
    assert occurrences(alarm) == [(minute(0), minute(60))]
    assert find_open_alarm(session, asset, HOT) is None
    assert list_unhandled(session) == []


def test_a_closed_alarm_is_no_longer_active(session, asset):
    """`is_active` says that the condition holds now; nobody watches it for a closed alarm."""
    alarm = raise_at(session, asset, 0)
    close_alarm(session, alarm, at=minute(60), rearm=False)
    assert not alarm.is_active
    assert alarm.cleared_at == minute(60)


def test_closing_keeps_when_it_was_decided_on_and_when_it_cleared(session, asset):
    alarm = raise_at(session, asset, 0)
    alarm.handled_at = minute(1)
    clear_at(session, asset, 5)
    close_alarm(session, alarm, at=minute(60), rearm=False)
    assert (alarm.handled_at, alarm.cleared_at) == (minute(1), minute(5))
    assert occurrences(alarm) == [(minute(0), minute(5))]


def test_after_closing_the_condition_opens_a_new_alarm(session, asset):
    first = raise_at(session, asset, 0)
    close_alarm(session, first, at=minute(60), rearm=True)
    second = raise_at(session, asset, 61)
    assert second is not first
    assert occurrences(second) == [(minute(61), None)]


def test_the_queue_of_triage_is_oldest_first_and_limited(session, filled):
    late = raise_at(session, filled.asset, 9)
    early = raise_at(session, filled.other_asset, 3)
    handled = raise_at(session, filled.asset, 1, "normal_period")
    handled.handled_at = minute(2)
    session.flush()
    assert list_unhandled(session) == [early, late]
    assert list_unhandled(session, limit=1) == [early]


def test_every_change_is_announced_with_its_asset(session, asset):
    before = last_number(session)
    alarm = raise_at(session, asset, 0)
    clear_at(session, asset, 1)
    close_alarm(session, alarm, at=minute(2), rearm=False)
    changes = list_changes(session, after=before)
    assert [(each.kind, each.subject_id, each.asset_id) for each in changes] == [
        ("alarm", alarm.id, asset)
    ] * 3


def test_the_database_itself_refuses_a_second_open_alarm(session, asset):
    raise_at(session, asset, 0)
    session.add(
        Alarm(
            asset_id=asset,
            condition=HOT,
            detector="limits",
            severity=Severity.SERIOUS,
            started_at=START,
            raised_at=START,
            evidence={},
        )
    )
    with pytest.raises(IntegrityError):
        session.flush()


@pytest.mark.parametrize("person", ["maker", "manager", "technician", "customer"])
def test_whoever_sees_the_asset_sees_its_alarms_only(session, filled, person):
    ours = raise_at(session, filled.asset, 0).id
    raise_at(session, filled.other_asset, 0)
    session.info["scope"] = filled.scope(person)
    seen = set(session.scalars(select(Alarm.id)))
    assert ours in seen
    assert len(seen) == (2 if person == "maker" else 1)


@pytest.mark.parametrize(
    ("person", "is_allowed"),
    [("maker", False), ("manager", True), ("technician", True), ("customer", False)],
)
def test_only_the_dealer_closes_an_alarm(session, filled, person, is_allowed):
    alarm = raise_at(session, filled.asset, 0)
    session.info["scope"] = filled.scope(person)
    if is_allowed:
        close_alarm(session, alarm, at=minute(1), rearm=False)
        return
    with pytest.raises(Forbidden):
        close_alarm(session, alarm, at=minute(1), rearm=False)


def test_a_former_customer_no_longer_sees_the_alarms(session, filled):
    raise_at(session, filled.asset, 0)
    new_owner = session.get_one(Organisation, filled.organisations["other_customer"])
    asset = session.get_one(Asset, filled.asset)
    set_party(session, asset=asset, kind=PartyKind.OWNER, organisation=new_owner, at=minute(9))
    session.info["scope"] = filled.scope("customer")
    assert session.scalars(select(Alarm)).all() == []


def test_of_two_scorings_at_once_one_alarm_results(filled):
    """The second begins while the first is not yet committed."""
    condition = "limit:pressure:low:serious"
    outcomes = []

    def second():
        try:
            with filled.transaction() as session:
                raise_at(session, filled.asset, 1, condition)
        except IntegrityError:
            outcomes.append("refused")
        else:
            outcomes.append("joined")

    thread = threading.Thread(target=second)
    with filled.transaction() as session:
        raise_at(session, filled.asset, 0, condition)
        thread.start()
        thread.join(0.5)  # it has to wait for the first one
    thread.join()
    assert len(outcomes) == 1
    with filled.transaction() as session:
        open_alarms = select(Alarm).where(Alarm.condition == condition)
        (alarm,) = session.scalars(open_alarms).all()
        assert occurrences(alarm) == [(minute(0), None)]
        for occurrence in alarm.occurrences:
            session.delete(occurrence)
        session.flush()
        session.delete(alarm)
