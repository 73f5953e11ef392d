"""Definitions of equipment models: read whole, every fault named, written back unchanged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.definitions import (
    SEVERITIES,
    CauseEntry,
    LimitEntry,
    MetricEntry,
    ModelDefinition,
    ModelHead,
    SignalEntry,
    read_definition,
    write_definition,
)
from foundation.errors import Invalid
from foundation.units import list_units
from tests.network import PUMP

names = st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True).filter(
    lambda name: name not in ("asset", "at_ms")
)
texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60
).filter(lambda text: text == text.strip())
codes = st.from_regex(r"[A-Za-z_]{1,10}", fullmatch=True)
optional_texts = st.just("") | texts
numbers = st.floats(-1e9, 1e9)
positive = st.floats(0, 1e9, exclude_min=True)
not_negative = st.floats(0, 1e9)


@st.composite
def metric_entries(draw):
    low, high = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
    return MetricEntry(
        name=draw(names),
        label=draw(texts),
        unit=draw(st.sampled_from(list_units())),
        group=draw(optional_texts),
        minimum=draw(st.sampled_from([None, low])),
        maximum=draw(st.sampled_from([None, high])),
        interval_s=draw(positive),
    )


def limit_entries(metrics):
    return st.builds(
        LimitEntry,
        metric=st.sampled_from(metrics),
        direction=st.sampled_from(["high", "low"]),
        threshold=numbers,
        label=texts,
        hysteresis=not_negative,
        on_delay_s=not_negative,
        severity=st.sampled_from(SEVERITIES),
    )


def cause_entries(metrics):
    costs = st.just({}) | st.builds(
        lambda now, more: {
            "cost_now": f"{now}.50",
            "cost_failed": f"{now + more}.75",
            "currency": "EUR",
        },
        st.integers(0, 10**6),
        st.integers(0, 10**6),
    )
    return costs.flatmap(lambda cost: _cause_entries(metrics, cost))


def _cause_entries(metrics, cost):
    return st.builds(
        CauseEntry,
        **{name: st.just(value) for name, value in cost.items()},
        condition=texts,
        failure_mode=codes,
        cause=codes,
        label=texts,
        action=texts,
        metric=st.none() | st.sampled_from(metrics),
        parts=st.lists(texts, max_size=3),
    )


def signal_entries(metrics):
    return st.builds(
        SignalEntry,
        signal=texts,
        metric=st.sampled_from(metrics),
        unit=st.sampled_from(list_units()),
        scale=numbers.filter(bool),
        offset=numbers,
    )


def normal_periods(metrics):
    chosen = st.lists(st.sampled_from(metrics), min_size=1, unique=True)
    return st.none() | st.fixed_dictionaries({"metrics": chosen, "window_s": positive})


@st.composite
def definitions(draw):
    metrics = draw(st.lists(metric_entries(), min_size=1, max_size=4, unique_by=lambda m: m.name))
    known = [metric.name for metric in metrics]
    limits = st.lists(
        limit_entries(known),
        max_size=3,
        unique_by=lambda each: (each.metric, each.direction, each.severity),
    )
    return ModelDefinition(
        equipment_model=draw(
            st.builds(ModelHead, names, texts, texts, optional_texts, optional_texts)
        ),
        metrics=metrics,
        limits=draw(limits),
        normal_period=draw(normal_periods(known)),
        likely_causes=draw(st.lists(cause_entries(known), max_size=2)),
        signals=draw(st.lists(signal_entries(known), max_size=2, unique_by=lambda s: s.signal)),
    )


@settings(max_examples=40)
@given(definitions())
def test_a_definition_survives_being_written_and_read(definition):
    assert read_definition(write_definition(definition)) == definition


@settings(max_examples=40)
@given(definitions())
def test_writing_again_changes_nothing(definition):
    text = write_definition(definition)
    assert write_definition(read_definition(text)) == text


def test_what_is_not_given_has_its_default():
    (metric,) = read_definition(SMALL).metrics
    assert (metric.minimum, metric.maximum, metric.interval_s) == (None, None, 60.0)
    assert read_definition(SMALL).limits == []


SMALL = """
[equipment_model]
key = "fan"
make = "Ironbridge"
model = "F-1"
[[metrics]]
name = "speed"
label = "Speed"
unit = "{rpm}"
"""

LIMIT = '\n[[limits]]\nmetric = "{}"\ndirection = "{}"\nthreshold = {}\nlabel = "Too fast"\n{}\n'
CAUSE = (
    '\n[[likely_causes]]\ncondition = "limit:speed:high"\nfailure_mode = "VIB"\n'
    'cause = "wear"\nlabel = "Worn"\naction = "Replace."\nmetric = "{}"\n'
)
SIGNAL = '\n[[signals]]\nsignal = "N1"\nmetric = "{}"\nunit = "{}"\n'

# What is wrong → the text, and what the refusal must name.
FAULTS = {
    "key": (SMALL.replace('"fan"', '"Fan 1"'), "equipment_model.key 'Fan 1'"),
    "long key": (SMALL.replace('"fan"', '"' + "f" * 64 + '"'), "equipment_model.key"),
    "make": (SMALL.replace('"Ironbridge"', '" "'), "equipment_model.make"),
    "model": (SMALL.replace('"F-1"', '""'), "equipment_model.model"),
    "metric name": (SMALL.replace('"speed"', '"Speed!"'), "metrics.Speed!"),
    "reserved metric name": (SMALL.replace('"speed"', '"at_ms"'), "metrics.at_ms"),
    "unit": (SMALL.replace("{rpm}", "rounds"), "metrics.speed.unit 'rounds'"),
    "interval": (SMALL + "interval_s = 0\n", "metrics.speed.interval_s"),
    "range": (SMALL + "minimum = 5\nmaximum = 5\n", "metrics.speed: minimum"),
    "twice": (
        SMALL + "[[metrics]]" + SMALL.partition("[[metrics]]")[2],
        "metrics.speed stands twice",
    ),
    "limit of no metric": (SMALL + LIMIT.format("noise", "high", 1, ""), "limits.noise.high"),
    "direction": (SMALL + LIMIT.format("speed", "up", 1, ""), "direction is high or low"),
    "severity": (
        SMALL + LIMIT.format("speed", "high", 1, 'severity = "bad"'),
        "severity is one of warning, serious, critical",
    ),
    "hysteresis": (
        SMALL + LIMIT.format("speed", "high", 1, "hysteresis = -1"),
        "limits.speed.high.hysteresis",
    ),
    "on-delay": (
        SMALL + LIMIT.format("speed", "high", 1, "on_delay_s = -1"),
        "limits.speed.high.on_delay_s",
    ),
    "limit twice": (
        SMALL + 2 * LIMIT.format("speed", "high", 1, ""),
        "limits.speed.high (serious) stands twice",
    ),
    "cause of no metric": (SMALL + CAUSE.format("noise"), "likely_causes"),
    "signal of no metric": (SMALL + SIGNAL.format("noise", "Hz"), "signals.N1"),
    "normal period": (SMALL + '\n[normal_period]\nmetrics = ["noise"]\n', "normal_period"),
    "no metrics": (SMALL.partition("[[metrics]]")[0] + "metrics = []", "equipment_model"),
    "unknown section": (SMALL + "\n[colour]\nred = 1\n", "colour"),
    "unknown field": (SMALL + "colour = 1\n", "colour"),
    "wrong type": (SMALL.replace('"Speed"', "7"), "label"),
    "missing field": (SMALL.replace('unit = "{rpm}"', ""), "unit"),
}


@pytest.mark.parametrize(("text", "named"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_place(text, named):
    with pytest.raises(Invalid) as refused:
        read_definition(text)
    assert named in str(refused.value)


def test_all_faults_are_named_at_once():
    text = (
        SMALL.replace('"fan"', '"Fan"').replace("{rpm}", "rounds")
        + LIMIT.format("noise", "up", 1, "hysteresis = -1")
        + CAUSE.format("smell")
        + SIGNAL.format("taste", "Hz")
    )
    with pytest.raises(Invalid) as refused:
        read_definition(text)
    shown = str(refused.value)
    for named in ("'Fan'", "rounds", "limits.noise", "direction", "hysteresis", "smell", "taste"):
        assert named in shown


def test_faults_of_form_in_several_sections_are_named_at_once():
    text = SMALL.replace('"Speed"', "7").replace('"F-1"', "true") + CAUSE.replace('"wear"', "[]")
    with pytest.raises(Invalid) as refused:
        read_definition(text)
    for named in ("label", "model", "cause"):
        assert named in str(refused.value)


def test_an_empty_text_that_must_be_filled_is_refused():
    for field in ("label", "action", "failure_mode", "cause", "condition"):
        text = PUMP.replace(f"\n{field} = ", f'\n{field} = ""  # ')
        assert text != PUMP
        with pytest.raises(Invalid, match=field):
            read_definition(text)


@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
@pytest.mark.parametrize(
    "field", ["minimum", "maximum", "interval_s", "threshold", "hysteresis", "on_delay_s"]
)
def test_numbers_that_are_none_are_refused(field, number):
    line = next(each for each in PUMP.splitlines() if each.startswith(f"{field} ="))
    with pytest.raises(Invalid, match=field):
        read_definition(PUMP.replace(line, f"{field} = {number}", 1))


@pytest.mark.parametrize("field", ["scale", "offset"])
@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_signals_line_is_finite(field, number):
    with pytest.raises(Invalid, match=field):
        read_definition(f"{PUMP}\n{field} = {number}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key",
        "\x00",
        "[equipment_model",
        "equipment_model = 7",
        "[[equipment_model]]",
        "metrics = [" * 3000,
        "a = " + "[" * 3000 + "]" * 3000,
        "a = {b = " * 500,
        SMALL.replace('"Speed"', '"Sp\\u0000eed"'),
        SMALL.replace('"Speed"', f'"{"S" * 101}"'),
        SMALL.replace('"Ironbridge"', f'"{"I" * 101}"'),
        SMALL.replace('"speed"', '"speed; DROP TABLE metric"'),
        SMALL.replace('"speed"', '"../speed"'),
        SMALL.replace('"speed"', '"spe\u0435d"'),
        SMALL + "interval_s = " + "9" * 5000 + "\n",
    ],
    ids=lambda text: f"{text.strip()[:20]} {len(text)}",
)
def test_hostile_texts_are_refused_in_words(text):
    with pytest.raises(Invalid) as refused:
        read_definition(text)
    assert "definition" in str(refused.value)
