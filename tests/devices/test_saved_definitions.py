"""Saving a definition: rows that say the same, replaced by the next, kept from other makers."""

import pytest
from sqlalchemy import func, select

from devices.assets import Asset
from devices.definitions import (
    SignalEntry,
    as_definition,
    read_definition,
    save_definition,
    write_definition,
)
from devices.equipment_models import (
    CATALOGUE_CHANGE,
    Limit,
    Metric,
    get_equipment_model,
    list_equipment_models,
)
from devices.signal_mapping import list_signal_mappings
from foundation.changes import list_changes
from foundation.errors import Conflict, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.identity.people import create_organisation
from foundation.identity.scope import OrganisationKind, Role, Scope
from tests.conftest import START
from tests.network import PUMP


def save(session, text, *, maker="Ironbridge Works", check=dict):
    manufacturer = session.scalar(select(Organisation).where(Organisation.name == maker))
    return save_definition(
        session,
        definition=read_definition(text),
        manufacturer=manufacturer,
        at=START,
        check_normal_period=check,
    )


def saved_text(session):
    model = get_equipment_model(session, "pump")
    rows = list_signal_mappings(session, model)
    signals = [SignalEntry(r.signal, r.metric, r.unit, r.scale, r.offset) for r in rows]
    return write_definition(as_definition(model, signals))


@pytest.fixture
def session(filled):
    """The manufacturer's administrator at work; nothing stays."""
    with filled.database.session(filled.scope("maker")) as session:
        yield session


def test_what_was_saved_is_read_back_as_it_was(session):
    text = PUMP.replace('unit = "bar"', 'unit = "bar"\ngroup = "pressure"')
    save(session, text)
    session.expire_all()
    assert read_definition(saved_text(session)) == read_definition(text)


def test_a_metric_without_a_group_stands_alone(session):
    groups = {metric.name: metric.group for metric in get_equipment_model(session, "pump").metrics}
    assert groups == {"temperature": "temperature", "pressure": "pressure"}


def test_a_new_definition_replaces_the_old_one_and_keeps_the_assets(session, filled):
    before = get_equipment_model(session, "pump").version
    save(session, PUMP.replace("threshold = 80", "threshold = 85").replace('"P-100"', '"P-101"'))
    model = get_equipment_model(session, "pump")
    assert (model.model, model.limits[0].threshold) == ("P-101", 85)
    assert model.version == before + 1
    assert session.get_one(Asset, filled.asset).equipment_model is model


def test_nothing_of_the_old_definition_is_left(session):
    for _ in range(3):
        save(session, PUMP)
    assert session.scalar(select(func.count()).select_from(Metric)) == 2
    assert session.scalar(select(func.count()).select_from(Limit)) == 1


def test_signals_that_the_new_definition_does_not_have_are_gone(session):
    save(session, PUMP.split("[[signals]]")[0])
    assert list_signal_mappings(session, get_equipment_model(session, "pump")) == []


def test_metrics_keep_the_order_of_the_text(session):
    head, temperature, pressure, *rest = PUMP.split("[[metrics]]")[0:3]
    pressure, others = pressure.split("[[limits]]", 1)
    text = f"{head}[[metrics]]{pressure}[[metrics]]{temperature}[[limits]]{others}"
    assert not rest
    save(session, text)
    session.expire_all()
    names = [metric.name for metric in get_equipment_model(session, "pump").metrics]
    assert names == ["pressure", "temperature"]


def test_ingest_is_told_that_the_catalogue_changed(session):
    before = max(each.number for each in list_changes(session, after=0))
    save(session, PUMP)
    kinds = {each.kind for each in list_changes(session, after=before)}
    assert CATALOGUE_CHANGE in kinds


def test_the_settings_of_the_normal_period_are_checked_by_their_owner(session):
    def refuse(settings):
        raise Invalid(f"window_s is {settings['window_s']}")

    text = f'{PUMP}\n[normal_period]\nmetrics = ["pressure"]\nwindow_s = -1\n'
    with pytest.raises(Invalid, match="window_s is -1"):
        save(session, text, check=refuse)


def test_a_signal_in_a_unit_of_something_else_is_refused(session):
    with pytest.raises(Invalid, match="bar"):
        save(session, PUMP.replace('unit = "[degF]"', 'unit = "bar"'))


def test_a_key_belongs_to_one_manufacturer(filled):
    with filled.database.session(filled.scope()) as session:
        make_second_maker(session)
        with pytest.raises(Conflict, match="pump"):
            save(session, PUMP, maker="Other Works")


def test_a_taken_key_is_told_to_a_maker_who_does_not_see_its_model(filled):
    with filled.database.session(filled.scope()) as session:
        other = make_second_maker(session)
        scope = Scope.of_person(filled.people["maker"], other.id, Role.MANUFACTURER)
        session.info["scope"] = scope
        with pytest.raises(NotFound):
            get_equipment_model(session, "pump")
        with pytest.raises(Conflict, match="pump"):
            save(session, PUMP, maker="Other Works")


def make_second_maker(session):
    return create_organisation(
        session, kind=OrganisationKind.MANUFACTURER, name="Other Works", at=START
    )


@pytest.mark.parametrize("person", ["maker", "manager", "technician", "customer"])
def test_whoever_sees_an_asset_sees_its_model(filled, person):
    with filled.database.session(filled.scope(person)) as session:
        (model,) = list_equipment_models(session)
        assert model.title == "Ironbridge P-100"
        assert len(model.metrics) == 2


def test_a_name_made_of_parts_leaves_out_what_is_empty(session):
    save(session, PUMP.replace('kind = "', 'variant = "Ex"\nkind = "'))
    assert get_equipment_model(session, "pump").title == "Ironbridge P-100 Ex"
