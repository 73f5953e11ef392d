import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.faults import (
    CODES,
    TRAITS,
    USUAL_DAYS,
    USUAL_GROWTH,
    Fault,
    FaultKind,
    Growth,
    measure_severities,
    show_codes,
)

TIMES_MS = np.arange(0, 10_000, 10, dtype=np.int64)
WEAR = FaultKind.BEARING_WEAR


@pytest.mark.parametrize("growth", list(Growth))
def test_a_fault_grows_from_nothing_to_full_and_stays(growth):
    severity = Fault(WEAR, 2_000, 6_000, growth).measure_severity(TIMES_MS)
    assert (severity[TIMES_MS <= 2_000] == 0).all()
    assert (severity[TIMES_MS >= 6_000] == 1).all()
    assert (np.diff(severity) >= 0).all()


def test_laws_of_growth_differ_in_between():
    middle = np.array([4_000], dtype=np.int64)
    heights = [Fault(WEAR, 2_000, 6_000, growth).measure_severity(middle)[0] for growth in Growth]
    assert heights == [1.0, 0.5, pytest.approx(0.1824, abs=1e-4)]


def test_a_cleared_fault_is_gone():
    fault = Fault(WEAR, 2_000, 6_000, cleared_ms=5_000)
    assert (fault.measure_severity(TIMES_MS)[TIMES_MS >= 5_000] == 0).all()
    assert fault.is_present(TIMES_MS).sum() == ((TIMES_MS > 2_000) & (TIMES_MS < 5_000)).sum()


def test_the_label_can_ask_for_a_least_severity():
    fault = Fault(WEAR, 2_000, 6_000)
    np.testing.assert_array_equal(fault.is_present(TIMES_MS, at_least=0.5), TIMES_MS > 4_000)


@given(st.integers(0, 9_000), st.integers(0, 9_000), st.sampled_from(list(Growth)))
def test_severity_is_a_share(onset_ms, duration_ms, growth):
    severity = Fault(WEAR, onset_ms, onset_ms + duration_ms, growth).measure_severity(TIMES_MS)
    assert ((severity >= 0) & (severity <= 1)).all()


def test_the_worse_of_two_counts_and_other_kinds_are_none():
    faults = (Fault(WEAR, 0, 10_000), Fault(WEAR, 8_000, 8_001))
    severities = measure_severities(faults, TIMES_MS)
    assert set(severities) == set(FaultKind)
    assert severities[WEAR][TIMES_MS == 5_000] == 0.5
    assert severities[WEAR][TIMES_MS == 9_000] == 1.0
    assert not severities[FaultKind.SEPARATOR_CLOGGING].any()


def test_every_kind_has_its_traits():
    assert set(TRAITS) == set(USUAL_GROWTH) == set(USUAL_DAYS) == set(FaultKind)
    assert all(trait.days > 0 and trait.symptom.endswith(".") for trait in TRAITS.values())


def test_codes_are_unique_and_most_precede_the_full_fault():
    assert len(set(CODES.values())) == len(CODES)
    early = [
        trait
        for trait in TRAITS.values()
        if trait.code and trait.code_above < 1.0 and trait.growth is not Growth.SUDDEN
    ]
    assert len(early) >= 10


def test_the_controller_shows_the_code_of_the_worst_fault_that_it_sees():
    cooler = Fault(FaultKind.OIL_COOLER_CLOGGING, 0, 10_000)
    valve = Fault(FaultKind.UNLOADER_VALVE_FAILURE, 5_000, 6_000)
    shown = show_codes("screw_compressor", measure_severities((cooler, valve), TIMES_MS))
    assert set(shown[TIMES_MS <= 5_400]) == {0.0}
    assert set(shown[(TIMES_MS > 5_410) & (TIMES_MS < 10_000)]) == {140.0}


def test_a_controller_sees_no_faults_of_other_machines():
    leak = Fault(FaultKind.SEAL_LEAK, 0, 1)
    severities = measure_severities((leak,), TIMES_MS)
    assert not show_codes("forklift", severities).any()
    assert show_codes("centrifugal_pump", severities).any()
