"""The fleet narrowed down: by words, model, party, place; what there is to choose from."""

from dataclasses import replace

import pytest

from devices.fleet_index import (
    Box,
    FleetFilter,
    list_choices,
    list_fleet,
    list_intervals,
    list_places,
    name_filter,
)
from devices.registration import register_asset
from devices.sites import Place, check_place
from foundation.errors import Invalid
from tests.conftest import START
from tests.devices.test_registration import ENTRY

HAMBURG = {"latitude": 53.55, "longitude": 9.99, "country": "de", "telephone": "+49 40 12345"}
SEOUL = {"latitude": 37.56, "longitude": 126.99, "country": "KR"}
FIJI = {"latitude": -17.8, "longitude": 178.0, "country": "FJ"}


@pytest.fixture
def session(filled):
    """The manufacturer with machines at three more places; nothing stays."""
    with filled.database.session(filled.scope("maker")) as session:
        for number, place in enumerate((HAMBURG, SEOUL, FIJI)):
            entry = replace(
                ENTRY,
                serial=f"S-{number}",
                name=f"Placed {number}",
                device=None,
                site=f"Site {number}",
                **place,
            )
            register_asset(session, entry, at=START)
        yield session


def names(session, **chosen):
    return {each.name for each in list_fleet(session, FleetFilter(**chosen))}


def test_everything_is_listed_without_a_filter(session, filled):
    assert len(names(session)) == 5
    with filled.database.session(filled.scope("other_customer")) as other:
        assert names(other) == {"Pump P-0002"}


@pytest.mark.parametrize(
    ("text", "count"),
    [("placed", 3), ("s-1", 1), ("HARBOUR", 4), ("site 2", 1), ("ironbridge", 5), ("100%", 0)],
)
def test_words_are_looked_for_where_people_expect_them(session, text, count):
    assert len(names(session, search=text)) == count


def test_machines_are_narrowed_down_to_model_parties_and_place(session, filled):
    harbour, north = filled.organisations["customer"], filled.organisations["dealer"]
    assert len(names(session, model="pump")) == 5
    assert names(session, model="no_such_model") == set()
    assert len(names(session, customer_id=harbour)) == 4
    assert len(names(session, dealer_id=north)) == 4
    assert names(session, country="DE") == {"Placed 0"}
    assert names(session, country="KR", customer_id=harbour) == {"Placed 1"}


def test_a_part_of_the_map_may_cross_the_date_line(session):
    assert names(session, box=Box(50, 0, 60, 20)) == {"Placed 0"}
    assert names(session, box=Box(-30, 170, 0, -170)) == {"Placed 2"}
    assert names(session, box=Box(-90, -180, 90, 180)) == {"Placed 0", "Placed 1", "Placed 2"}


def test_choices_are_what_the_reader_sees(session, filled):
    choices = list_choices(session)
    assert choices.countries == ("DE", "FJ", "KR")
    assert [name for _, name in choices.customers] == ["Harbour Foods", "Hill Textiles"]
    assert len(choices.sites) == 5
    with filled.database.session(filled.scope("other_customer")) as other:
        assert [name for _, name in list_choices(other).customers] == ["Hill Textiles"]


def test_sites_are_those_of_the_chosen_customer(session, filled):
    hill = FleetFilter(customer_id=filled.organisations["other_customer"])
    assert len(list_choices(session, hill).sites) == 1


def test_a_filter_is_told_by_names_that_the_reader_may_know(session, filled):
    harbour = filled.organisations["customer"]
    named = name_filter(session, FleetFilter(model="pump", customer_id=harbour))
    assert (named.model, named.customer) == ("Ironbridge P-100", "Harbour Foods")
    with filled.database.session(filled.scope("other_customer")) as other:
        assert name_filter(other, FleetFilter(customer_id=harbour)).customer is None


def test_a_site_keeps_what_is_not_said_again(session):
    register_asset(session, replace(ENTRY, serial="S-0", site="Site 0", device=None), at=START)
    place = next(each for each in list_places(session).values() if each.name == "Site 0")
    assert (place.country, place.latitude, place.longitude) == ("DE", 53.55, 9.99)
    assert set(list_intervals(session).values()) == {10.0}


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (Place(latitude=91.0, longitude=0.0), "latitude"),
        (Place(latitude=float("nan"), longitude=0.0), "latitude"),
        (Place(latitude=1.0, longitude=180.5), "longitude"),
        (Place(latitude=1.0), "longitude"),
        (Place(longitude=1.0), "latitude"),
        (Place(country="Germany"), "country"),
        (Place(country="D1"), "country"),
        (Place(telephone="call me"), "telephone"),
    ],
)
def test_a_place_that_cannot_be_is_refused_at_its_field(place, field):
    with pytest.raises(Invalid) as refusal:
        check_place(place)
    assert refusal.value.field == field
