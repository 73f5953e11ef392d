"""The platform's detectors find each fault of each simulated machine, and hardly anything else."""

import pytest

from simulators.faults import USUAL_DAYS, USUAL_GROWTH, Fault
from simulators.machines.registry import FAULTS_OF, KINDS
from tests.contracts.machine_watch import DAY_MS, PLACES, START_MS, watch_machine

ONSET_MS = START_MS + 42 * DAY_MS
# What breaks at once is told by means of a shift or two.
GRACE_MS = 2 * DAY_MS

each_place = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.time_zone)


@pytest.mark.parametrize("kind", KINDS)
def test_healthy_half_years_raise_hardly_anything(kind):
    raised = [each for place in PLACES for each in watch_machine(kind, 11, place, 180)]
    assert len(raised) <= 1, raised


@each_place
@pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind in KINDS for fault in FAULTS_OF[kind]]
)
def test_a_fault_is_found_before_it_is_full(kind, fault, place):
    full_ms = ONSET_MS + int(USUAL_DAYS[fault] * DAY_MS)
    spoilt = Fault(fault, ONSET_MS, full_ms, USUAL_GROWTH[fault])
    raised = watch_machine(kind, 12, place, 47 + USUAL_DAYS[fault], (spoilt,))
    assert raised, "missed"
    assert ONSET_MS < raised[0].at_ms <= max(full_ms, ONSET_MS + GRACE_MS)
