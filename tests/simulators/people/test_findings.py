"""Every fault that a machine can have is written down in codes that the platform knows."""

import pytest

from services.tickets.codes import FailureCause, FailureMode
from simulators.faults import FaultKind
from simulators.people.findings import NOTHING, describe_fault


@pytest.mark.parametrize("finding", [NOTHING, *map(describe_fault, FaultKind)])
def test_codes_are_those_of_the_close_out(finding):
    assert finding.mode in list(FailureMode)
    assert finding.cause in list(FailureCause)
    assert finding.note


def test_every_fault_has_words_of_its_own():
    notes = [describe_fault(kind).note for kind in FaultKind]
    assert len(set(notes)) == len(FaultKind)
    assert all(describe_fault(kind).noticed for kind in FaultKind)
