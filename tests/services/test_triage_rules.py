"""The rules of triage, tried on random alarms, machines and causes."""

from hypothesis import given
from hypothesis import strategies as st

from services.tickets.evidence import CauseHint, Contribution, Evidence
from services.tickets.rules import PRIORITIES
from services.triage.rules import (
    PRIORITY_OF_SEVERITY,
    AlarmFacts,
    AssetFacts,
    DecisionKind,
    OpenTicket,
    choose_cause,
    decide_priority,
    decide_triage,
)
from telemetry.alarms.models import Severity

METRICS = st.sampled_from(["temperature", "pressure", "flow"])
CONDITIONS = st.sampled_from(
    ["limit:temperature:high:serious", "limit:temperature:high", "normal_period", "made_up"]
)
EVIDENCE = st.builds(
    Evidence,
    metrics=st.lists(METRICS, max_size=3, unique=True).map(
        lambda names: tuple(Contribution(name, 0.3) for name in names)
    ),
    value=st.none() | st.floats(-1e3, 1e3),
)
ALARMS = st.builds(
    AlarmFacts,
    condition=CONDITIONS,
    severity=st.sampled_from(Severity),
    started_ms=st.integers(0, 2**42),
    evidence=EVIDENCE,
    is_closed=st.booleans(),
)
ASSETS = st.builds(
    AssetFacts,
    is_critical=st.booleans(),
    dealer=st.none() | st.just("North Service"),
    active_alarms=st.integers(0, 9),
)
CAUSES = st.lists(
    st.builds(
        CauseHint,
        condition=CONDITIONS,
        metric=st.none() | METRICS,
        failure_mode=st.just("OHE"),
        cause=st.just("design"),
        label=st.sampled_from(["first", "second"]),
        action=st.just(""),
    ),
    max_size=5,
)
TICKETS = st.none() | st.builds(
    OpenTicket, number=st.just("T-1001"), priority=st.sampled_from(PRIORITIES)
)


@given(ALARMS, ASSETS, CAUSES, TICKETS)
def test_each_alarm_opens_joins_or_is_ignored_with_reasons(alarm, asset, causes, ticket):
    decision = decide_triage(alarm, asset, causes, ticket)
    expected = DecisionKind.OPEN if ticket is None else DecisionKind.JOIN
    assert decision.kind == (DecisionKind.IGNORE if alarm.is_closed else expected)
    assert decision.reasons
    assert decision.priority in PRIORITIES


@given(ALARMS, ASSETS, CAUSES, TICKETS)
def test_joining_never_makes_a_ticket_less_urgent(alarm, asset, causes, ticket):
    decision = decide_triage(alarm, asset, causes, ticket)
    if decision.kind == DecisionKind.JOIN:
        assert decision.priority <= ticket.priority


@given(ALARMS, ASSETS, CAUSES, TICKETS)
def test_a_decision_says_where_the_ticket_goes_and_what_is_likely(alarm, asset, causes, ticket):
    decision = decide_triage(alarm, asset, causes, ticket)
    codes = {reason.code for reason in decision.reasons}
    if decision.kind != DecisionKind.IGNORE:
        assert ("no_dealer" in codes) == (asset.dealer is None)
        assert ("routed_to" in codes) == (asset.dealer is not None)
        assert ("likely_cause" in codes) == (decision.likely_cause is not None)
        assert ("no_known_cause" in codes) == (decision.likely_cause is None)


@given(st.sampled_from(Severity), ASSETS)
def test_nothing_that_is_worse_is_less_urgent(severity, asset):
    mild, _ = decide_priority(severity, AssetFacts(is_critical=False, dealer=None))
    present, reasons = decide_priority(severity, asset)
    assert present <= mild == PRIORITY_OF_SEVERITY[severity]
    assert len(reasons) == 1 + asset.is_critical + (asset.active_alarms >= 3)


def test_the_severities_are_those_of_telemetry():
    assert set(PRIORITY_OF_SEVERITY) == set(Severity)
    ordered = [PRIORITY_OF_SEVERITY[severity] for severity in Severity]
    assert ordered == sorted(ordered, reverse=True)


@given(ALARMS, CAUSES)
def test_the_cause_fits_condition_and_top_metric(alarm, causes):
    chosen = choose_cause(alarm, causes)
    fitting = [
        cause
        for cause in causes
        if f"{alarm.condition}:".startswith(f"{cause.condition}:")
        and cause.metric in (None, alarm.metric)
    ]
    assert (chosen is None) == (not fitting)
    if chosen is not None:
        assert chosen in fitting
        assert chosen.metric is not None or all(each.metric is None for each in fitting)


def test_a_condition_is_not_the_beginning_of_another_word():
    hint = CauseHint("limit:temp", None, "OHE", "design", "", "")
    alarm = AlarmFacts("limit:temperature:high:serious", "serious", 0, Evidence())
    assert choose_cause(alarm, [hint]) is None


def test_a_limit_names_its_metric_even_without_evidence():
    alarm = AlarmFacts("limit:temperature:high:serious", "serious", 5, Evidence())
    title = decide_triage(alarm, AssetFacts(is_critical=False, dealer="D"), [], None).title
    assert title.parameters == {"metric": "temperature", "direction": "high"}


def test_a_crossed_limit_is_explained_with_value_bound_unit_and_time():
    seen = Evidence(
        metrics=(Contribution("temperature", 1.0),),
        value=91.5,
        threshold=80.0,
        unit="Cel",
        direction="high",
    )
    alarm = AlarmFacts("limit:temperature:high:serious", "serious", 5, seen)
    reason = decide_triage(alarm, AssetFacts(is_critical=False, dealer="D"), [], None).reasons[0]
    assert reason.code == "limit_crossed"
    assert reason.parameters == {
        "metric": "temperature",
        "direction": "high",
        "value": 91.5,
        "threshold": 80.0,
        "unit": "Cel",
        "since_ms": 5,
    }


def test_an_unusual_pattern_is_explained_by_its_three_largest_shares():
    metrics = tuple(
        Contribution(name, share) for name, share in zip("abcd", (4, 3, 2, 1), strict=True)
    )
    alarm = AlarmFacts("normal_period", "serious", 5, Evidence(metrics=metrics, score=0.9))
    reasons = decide_triage(alarm, AssetFacts(is_critical=False, dealer="D"), [], None).reasons
    assert [r.parameters["metric"] for r in reasons if r.code == "contributes"] == ["a", "b", "c"]
