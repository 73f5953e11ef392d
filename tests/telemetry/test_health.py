"""The state of a machine: decided from alarms, ticket and silence, with reasons."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.assets import get_asset
from foundation.clock import to_ms
from telemetry.alarms.lifecycle import clear_alarm, raise_alarm
from telemetry.alarms.models import Alarm, Severity
from telemetry.health import (
    HealthFacts,
    MachineState,
    count_states,
    decide_health,
    get_health,
    list_health,
    list_states,
    longest_silence,
)
from telemetry.latest import Latest
from tests.foundation.conftest import filled

__all__ = ["filled"]

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ORDER = list(MachineState)
facts = st.builds(
    HealthFacts,
    active=st.frozensets(st.sampled_from(Severity)),
    has_open_alarm=st.booleans(),
    has_open_ticket=st.booleans(),
    heard_at=st.none() | st.integers(0, 10_000).map(lambda s: NOW - timedelta(seconds=s)),
    expected_s=st.floats(0.1, 3_600),
)


def heard(seconds_ago=1, **changed):
    return HealthFacts(heard_at=NOW - timedelta(seconds=seconds_ago), **changed)


@pytest.mark.parametrize(
    ("given_facts", "state"),
    [
        (heard(), MachineState.WELL),
        (heard(has_open_alarm=True), MachineState.WATCH),
        (heard(has_open_alarm=True, active=frozenset({Severity.WARNING})), MachineState.WATCH),
        (heard(active=frozenset({Severity.SERIOUS})), MachineState.NEEDS_SERVICE),
        (heard(has_open_ticket=True), MachineState.NEEDS_SERVICE),
        (heard(active=frozenset({Severity.CRITICAL})), MachineState.CRITICAL),
        (heard(400, expected_s=60), MachineState.NO_DATA),
        (heard(299, expected_s=60), MachineState.WELL),
        (heard(400, has_open_ticket=True), MachineState.NO_DATA),
        (heard(400, active=frozenset({Severity.CRITICAL})), MachineState.CRITICAL),
        (HealthFacts(), MachineState.NO_DATA),
    ],
)
def test_the_state_is_decided_as_the_table_says(given_facts, state):
    assert decide_health(given_facts, NOW).state == state


@given(facts)
def test_a_critical_alarm_is_never_hidden_and_nothing_is_well_by_chance(given_facts):
    found = decide_health(given_facts, NOW)
    assert (Severity.CRITICAL in given_facts.active) == (found.state == MachineState.CRITICAL)
    if found.state == MachineState.WELL:
        assert found.reasons == ()
        assert not found.is_silent
    else:
        assert found.reasons or given_facts.active


@given(facts, facts)
def test_more_trouble_never_looks_better(one, other):
    both = HealthFacts(
        active=one.active | other.active,
        has_open_alarm=one.has_open_alarm or other.has_open_alarm,
        has_open_ticket=one.has_open_ticket or other.has_open_ticket,
        heard_at=one.heard_at,
        expected_s=one.expected_s,
    )
    before, after = decide_health(one, NOW).state, decide_health(both, NOW).state
    assert ORDER.index(after) <= ORDER.index(before)


def test_a_quick_machine_is_given_a_minute_before_it_counts_as_silent():
    assert longest_silence(0.1) == timedelta(minutes=1)
    assert longest_silence(600) == timedelta(minutes=50)


def test_the_list_and_the_single_machine_agree(network):
    latest = Latest()
    latest.update(network.asset, to_ms(network.clock.now()), {"temperature": 60.0})
    with network.transaction() as session:
        raise_alarm(
            session,
            asset_id=network.asset,
            condition="limit:temperature:high:serious",
            detector="limits",
            severity=Severity.SERIOUS,
            started_at=network.clock.now(),
            raised_at=network.clock.now(),
            evidence={},
        )
    with network.transaction("maker") as session:
        listed = list_health(session, latest, now=network.clock.now(), with_ticket=())
        for asset_id, found in listed.items():
            asset = get_asset(session, asset_id)
            alone = get_health(
                session, latest, asset, now=network.clock.now(), has_open_ticket=False
            )
            assert alone == found
    assert listed[network.asset].state == MachineState.NEEDS_SERVICE
    assert listed[network.other_asset].state == MachineState.NO_DATA


def test_a_condition_that_is_over_is_only_watched(network):
    latest, now = Latest(), network.clock.now()
    latest.update(network.asset, to_ms(now), {"temperature": 60.0})
    condition = "limit:temperature:high:serious"
    with network.transaction() as session:
        raise_alarm(
            session,
            asset_id=network.asset,
            condition=condition,
            detector="limits",
            severity=Severity.SERIOUS,
            started_at=now,
            raised_at=now,
            evidence={},
        )
        clear_alarm(session, asset_id=network.asset, condition=condition, at=now)
        listed = list_health(session, latest, now=now, with_ticket=())
    assert listed[network.asset].state == MachineState.WATCH


def test_each_party_lists_its_own_machines_only(network):
    counted = {}
    for person in ("maker", "manager", "other_customer"):
        with network.transaction(person) as session:
            found = list_health(session, Latest(), now=network.clock.now(), with_ticket=())
            counted[person] = sum(count_states(each.state for each in found.values()).values())
    assert counted == {"maker": 2, "manager": 1, "other_customer": 1}


def test_a_machine_of_which_only_a_wrong_clock_is_known_was_never_heard(network):
    latest = Latest()
    latest.note_clock(network.asset, 3_600_000)
    with network.transaction("manager") as session:
        found = list_health(session, latest, now=network.clock.now(), with_ticket=())
    assert found[network.asset].heard_at is None


@given(
    heard_ago_s=st.none() | st.floats(0, 200),
    alarm=st.none() | st.tuples(st.sampled_from(Severity), st.booleans()),
    has_ticket=st.booleans(),
)
def test_the_state_of_a_fleet_is_that_of_each_machine(filled, heard_ago_s, alarm, has_ticket):
    latest, now = Latest(), filled.clock.now()
    if heard_ago_s is not None:
        latest.update(filled.asset, to_ms(now) - int(heard_ago_s * 1_000), {"temperature": 1.0})
    with filled.database.session(filled.scope()) as session:
        if alarm is not None:
            severity, is_active = alarm
            session.add(
                Alarm(
                    asset_id=filled.asset,
                    condition="limit:temperature:high",
                    detector="limits",
                    severity=severity,
                    is_active=is_active,
                    started_at=now,
                    raised_at=now,
                    evidence={},
                )
            )
            session.flush()
        tickets = {filled.asset} if has_ticket else set()
        listed = list_health(session, latest, now=now, with_ticket=tickets)
        states = list_states(
            session, latest, dict.fromkeys(listed, 10.0), now=now, with_ticket=tickets
        )
    assert states == {each: found.state for each, found in listed.items()}
