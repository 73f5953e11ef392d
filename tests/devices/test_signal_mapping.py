"""Signals become metrics: units converted, a device's own row before the model's, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.definitions import read_definition, save_definition
from devices.equipment_models import EquipmentModel, Metric, get_equipment_model
from devices.signal_mapping import (
    MappedSignal,
    SignalMapping,
    list_signal_mappings,
    read_signal_table,
    set_signal_mapping,
)
from foundation.errors import Forbidden, Invalid
from foundation.identity.models import Organisation
from tests.conftest import START
from tests.network import PUMP


@pytest.fixture
def session(filled):
    """The manufacturer's administrator at work; nothing stays."""
    with filled.database.session(filled.scope("maker")) as session:
        yield session


@pytest.fixture
def model(session):
    return get_equipment_model(session, "pump")


def map_signal(session, model, signal="S1", metric="temperature", unit="Cel", **changed):
    return set_signal_mapping(
        session, model=model, signal=signal, metric=metric, unit=unit, at=START, **changed
    )


def table(session, model, device=""):
    return read_signal_table(model, list_signal_mappings(session, model), device)


def value(mapped, raw):
    return raw * mapped.scale + mapped.offset


def test_a_signal_named_like_a_metric_needs_no_row(session, model):
    assert table(session, model)["pressure"] == MappedSignal("pressure", 1.0, 0.0)


def test_a_signal_comes_in_the_metrics_own_unit(session, model):
    mapped = table(session, model)["T1"]  # declared in °F, the metric is in °C
    assert mapped.metric == "temperature"
    assert value(mapped, 212.0) == pytest.approx(100.0)
    assert value(mapped, 32.0) == pytest.approx(0.0, abs=1e-9)


def test_scale_and_offset_come_before_the_unit(session, model):
    """The source sends tenths of a degree Fahrenheit, 400 above its zero."""
    map_signal(session, model, "raw", unit="[degF]", scale=0.1, offset=-40.0)
    assert value(table(session, model)["raw"], 2520.0) == pytest.approx(100.0)


def test_a_row_of_the_device_goes_before_the_models(session, model):
    map_signal(session, model, "S1", metric="temperature", unit="Cel")
    map_signal(session, model, "S1", metric="pressure", unit="kPa", device_key="pump-1")
    assert table(session, model, "pump-1")["S1"].metric == "pressure"
    assert table(session, model, "pump-2")["S1"].metric == "temperature"


def test_the_order_in_which_rows_were_made_does_not_matter(session, model):
    map_signal(session, model, "S1", metric="pressure", unit="kPa", device_key="pump-1")
    map_signal(session, model, "S1", metric="temperature", unit="Cel")
    assert table(session, model, "pump-1")["S1"].metric == "pressure"


def test_a_row_goes_before_an_equal_name(session, model):
    map_signal(session, model, "pressure", metric="temperature", unit="K")
    assert table(session, model)["pressure"].metric == "temperature"


def test_a_row_of_another_device_has_no_effect(session, model):
    before = table(session, model, "pump-2")
    map_signal(session, model, "S9", device_key="pump-1")
    assert table(session, model, "pump-2") == before


def test_a_mapping_is_replaced_not_doubled(session, model):
    map_signal(session, model, "S1", unit="Cel")
    map_signal(session, model, " S1 ", unit="K", scale=2.0)
    rows = [row for row in list_signal_mappings(session, model) if row.signal == "S1"]
    assert [(row.unit, row.scale) for row in rows] == [("K", 2.0)]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"metric": "noise"}, "noise"),
        ({"unit": "bar"}, "bar"),
        ({"unit": "degrees"}, "degrees"),
        ({"signal": "  "}, "signal"),
        ({"signal": "S" * 101}, "signal"),
        ({"scale": float("nan")}, "scale"),
        ({"offset": float("inf")}, "offset"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(session, model, changed, named):
    with pytest.raises(Invalid, match=named):
        map_signal(session, model, **changed)


def test_a_mapping_for_a_metric_that_was_taken_out_is_left_out(session, model):
    map_signal(session, model, "P9", metric="pressure", unit="kPa", device_key="pump-1")
    head, temperature, _ = PUMP.split("[[metrics]]")
    save(session, f"{head}[[metrics]]{temperature}[[limits]]{PUMP.split('[[limits]]')[1]}")
    assert set(table(session, model, "pump-1")) == {"temperature", "T1"}


def test_a_metric_that_now_measures_something_else_stops_no_other(session, model):
    """The device's row still says kPa; ingest must go on with everything else."""
    map_signal(session, model, "P9", metric="pressure", unit="kPa", device_key="pump-1")
    save(session, PUMP.replace('unit = "bar"', 'unit = "kW"'))
    signals = table(session, model, "pump-1")
    assert {"temperature", "T1", "pressure"} <= set(signals)
    assert "P9" not in signals


def save(session, text):
    save_definition(
        session,
        definition=read_definition(text),
        manufacturer=session.get_one(
            Organisation, get_equipment_model(session, "pump").manufacturer_id
        ),
        at=START,
        check_normal_period=dict,
    )
    session.expire_all()


@pytest.mark.parametrize("person", ["manager", "technician", "customer"])
def test_only_the_models_maker_maps_its_signals(filled, person):
    with filled.database.session(filled.scope(person)) as session:
        model = get_equipment_model(session, "pump")
        with pytest.raises(Forbidden):
            map_signal(session, model)


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3),
    st.floats(-1e3, 1e3),
    st.sampled_from([("[degF]", lambda f: (f - 32) / 1.8), ("K", lambda k: k - 273.15)]),
)
def test_the_table_gives_what_scale_offset_and_unit_give_one_after_the_other(
    raw, scale, offset, unit
):
    code, to_celsius = unit
    metric = Metric(name="t", unit="Cel", minimum=None, maximum=None)
    model = EquipmentModel(make="M", model="1", variant="", metrics=[metric])
    row = SignalMapping(
        device_key="", signal="s", metric="t", unit=code, scale=scale, offset=offset
    )
    mapped = read_signal_table(model, [row], "any")["s"]
    expected = to_celsius(raw * scale + offset)
    assert value(mapped, raw) == pytest.approx(expected, rel=1e-9, abs=1e-6)
