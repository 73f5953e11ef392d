"""Equipment models in the portal: imported, shown, edited as text and by forms."""

import io

import pytest

from tests.network import PUMP

# What differs between the databases is tried in test_access_matrix, test_hostile and test_live.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

OTHER = PUMP.replace('key = "pump"', 'key = "fan"').replace("P-100", "F-7")


@pytest.fixture
def maker(lively):
    return lively.visit("maker")


def test_a_definition_is_imported_from_text(maker):
    answer = maker.post("/catalogue", {"text": OTHER})
    assert (answer.status_code, answer.location) == (303, "/catalogue/fan")
    page = maker.read("/catalogue/fan")
    assert "Ironbridge F-7 is saved as version 1." in page
    assert "Bearing too hot" in page
    assert "above 80 °C" in page


def test_a_definition_is_imported_from_a_file(maker):
    file = (io.BytesIO(OTHER.encode()), "fan.toml")
    assert maker.post("/catalogue", {"file": file}).location == "/catalogue/fan"


def test_all_faults_of_a_definition_are_listed_and_the_text_is_kept(maker):
    text = OTHER.replace('unit = "bar"', 'unit = "parsec"').replace('"high"', '"up"')
    answer = maker.post("/catalogue", {"text": text})
    assert answer.status_code == 422
    assert "parsec" in answer.text
    assert "direction is high or low" in answer.text
    assert "[[metrics]]" in answer.text
    assert maker.get("/catalogue/fan").status_code == 404


@pytest.mark.parametrize("text", ["", "   ", "no toml [", "[equipment_model]\nkey = 1"])
def test_what_is_no_definition_is_refused(maker, text):
    assert maker.post("/catalogue", {"text": text}).status_code == 422


def test_a_file_that_is_no_text_is_refused(maker):
    file = (io.BytesIO(b"\xff\xfe\x00"), "fan.toml")
    answer = maker.post("/catalogue", {"file": file})
    assert answer.status_code == 422
    assert "not UTF-8" in answer.text


def test_editing_makes_a_new_version_and_what_was_downloaded_can_be_imported(maker):
    text = maker.read("/catalogue/pump/definition.toml")
    changed = text.replace("threshold = 80.0", "threshold = 85.0")
    assert changed != text
    assert maker.post("/catalogue/pump/edit", {"text": changed}).status_code == 303
    page = maker.read("/catalogue/pump")
    assert "Version 2." in page
    assert "above 85 °C" in page
    assert maker.read("/catalogue/pump/definition.toml") == changed


def test_the_key_of_a_model_stays(maker):
    answer = maker.post("/catalogue/pump/edit", {"text": OTHER})
    assert answer.status_code == 422
    assert "The key stays pump" in answer.text


def test_limits_are_changed_by_numbers(maker):
    fields = {"threshold_0": "82.5", "hysteresis_0": "2", "on_delay_s_0": "0"}
    assert maker.post("/catalogue/pump/limits", fields).status_code == 303
    page = maker.read("/catalogue/pump")
    assert "above 82.5 °C" in page
    assert "at once" in page


@pytest.mark.parametrize("value", ["", "hot", "nan", "inf", "1e400"])
def test_a_limit_is_a_number(maker, value):
    fields = {"threshold_0": value, "hysteresis_0": "2", "on_delay_s_0": "0"}
    assert maker.post("/catalogue/pump/limits", fields).status_code == 422


def test_limits_do_not_go_below_nothing(maker):
    fields = {"threshold_0": "80", "hysteresis_0": "-1", "on_delay_s_0": "0"}
    answer = maker.post("/catalogue/pump/limits", fields)
    assert answer.status_code == 422
    assert "This number cannot be used." in answer.text


def test_a_signal_is_mapped_and_can_be_mapped_anew(maker):
    fields = {"signal": "T9", "metric": "temperature", "unit": "K", "scale": "0.1", "offset": "0"}
    assert maker.post("/catalogue/pump/signals", fields).status_code == 303
    fields["scale"] = "0.2"
    assert maker.post("/catalogue/pump/signals", fields).status_code == 303
    page = maker.read("/catalogue/pump/signals")
    assert page.count(">T9<") == 1
    assert "× 0.2 + 0" in page


def test_a_unit_that_measures_something_else_is_refused(maker):
    fields = {"signal": "T9", "metric": "temperature", "unit": "bar", "scale": "1", "offset": "0"}
    answer = maker.post("/catalogue/pump/signals", fields)
    assert answer.status_code == 422
    assert "cannot be converted" in answer.text


def test_another_manufacturer_cannot_take_the_key(lively):
    rival = lively.visit("rival")
    answer = rival.post("/catalogue", {"text": PUMP})
    assert answer.status_code == 422
    assert "belongs to another manufacturer" in answer.text
    assert "Ironbridge" not in rival.read("/catalogue")
