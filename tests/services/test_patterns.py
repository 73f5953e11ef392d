"""What tickets say together: trends of failures, burdens of models, dealers' and people's work."""

from datetime import timedelta

from services.tickets.codes import FailureMode
from services.tickets.patterns import (
    LEAST_FOR_MEDIAN,
    PERIOD,
    list_dealer_work,
    list_failure_trends,
    list_model_burdens,
    list_technician_days,
)
from services.tickets.queries import find_cause, list_by_due
from telemetry.alarms.models import Severity
from tests.services.test_by_asset import read


def closed(scene, mode="OHE", hours=2):
    """A ticket that was closed after some hours."""
    ticket_id = scene.report().ticket_id
    scene.start(ticket_id)
    scene.network.clock.advance(hours * 3_600)
    scene.close(ticket_id, failure_mode=mode)
    return ticket_id


def test_a_failure_is_compared_with_the_period_before(scene):
    closed(scene)
    scene.network.clock.advance(PERIOD.total_seconds())
    closed(scene)
    closed(scene)
    closed(scene, mode="VIB")
    trends = read(scene, "maker", list_failure_trends, at=scene.now)
    assert [(each.mode, each.count, each.before, each.change) for each in trends] == [
        (FailureMode.OHE, 2, 1, 1),
        (FailureMode.VIB, 1, 0, 1),
    ]
    later = scene.now + 2 * PERIOD + timedelta(seconds=1)
    assert read(scene, "maker", list_failure_trends, at=later) == []
    assert read(scene, "other_manager", list_failure_trends, at=scene.now) == []


def test_failures_of_some_machines_alone(scene):
    closed(scene)
    other = frozenset({scene.network.other_asset})
    assert read(scene, "maker", list_failure_trends, at=scene.now, asset_ids=other) == []


def test_models_are_compared_by_tickets_a_machine(scene):
    closed(scene)
    scene.report()
    (burden,) = read(scene, "maker", list_model_burdens, at=scene.now)
    assert (burden.title, burden.machines, burden.tickets) == ("Ironbridge P-100", 2, 2)
    assert burden.per_machine == 1.0
    (own,) = read(scene, "customer", list_model_burdens, at=scene.now)
    assert own.machines == 1


def test_a_median_is_said_only_of_enough_tickets(scene):
    for hours in (1, 3):
        closed(scene, hours=hours)
    (work,) = read(scene, "maker", list_dealer_work, at=scene.now)
    assert (work.closed, work.median_to_close) == (2, None)
    closed(scene, hours=50)
    (work,) = read(scene, "maker", list_dealer_work, at=scene.now)
    assert work.closed == LEAST_FOR_MEDIAN
    assert work.median_to_close == timedelta(hours=3)


def test_dealers_are_listed_by_what_they_have_to_do(scene):
    scene.alarm()
    scene.alarm(asset_id=scene.network.other_asset)
    scene.triage()
    found = read(scene, "maker", list_dealer_work, at=scene.now)
    late = read(scene, "maker", list_dealer_work, at=scene.now + timedelta(days=30))
    assert {(each.dealer, each.open, each.overdue) for each in found} == {
        ("North Service", 1, 0),
        ("South Service", 1, 0),
    }
    assert {each.overdue for each in late} == {1}
    own = read(scene, "manager", list_dealer_work, at=scene.now)
    assert [each.dealer for each in own] == ["North Service"]


def test_technicians_are_listed_by_what_is_due_first(scene):
    ticket_id = scene.ticket_from_alarm()
    assert read(scene, "manager", list_technician_days, at=scene.now) == []
    scene.assign(ticket_id, "technician")
    (day,) = read(scene, "manager", list_technician_days, at=scene.now)
    assert (day.name, day.open, day.overdue) == ("Technician", 1, 0)
    (late,) = read(scene, "manager", list_technician_days, at=scene.now + timedelta(days=30))
    assert late.overdue == 1


def test_what_is_due_first_stands_first_whatever_its_priority(scene):
    slow = scene.ticket_from_alarm(severity=Severity.WARNING)
    scene.network.clock.advance(10)
    urgent = scene.ticket_from_alarm(
        asset_id=scene.network.other_asset, severity=Severity.CRITICAL
    )
    rows = read(scene, "maker", list_by_due)
    assert [each.id for each in rows] == [urgent, slow]
    assert rows[0].response_due_at <= rows[1].response_due_at


def test_the_likely_cause_names_what_to_bring(scene):
    cause = read(scene, "technician", find_cause, ticket_id=scene.ticket_from_alarm())
    assert cause.parts == ("Grease G2",)
    other = scene.network.other_asset
    reported = scene.report(person="other_customer", asset_id=other).ticket_id
    assert read(scene, "other_manager", find_cause, ticket_id=reported) is None
    assert read(scene, "customer", find_cause, ticket_id=reported) is None
