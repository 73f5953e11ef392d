"""Offer rules in the portal: written, changed, brought in from a file, tried."""

import io
import tomllib

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from services.offers.definitions import write_rule
from services.offers.models import OfferRule
from tests.services.offers.scene import IDLER, RETROFIT
from tests.web.offering import add_rule

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

RULE = {
    "key": "drive",
    "equipment_model": "idler",
    "kind": "idle_energy",
    "title": "Speed drive",
    "description": "Replaces the fixed drive.",
    "price": "900",
    "dealer_cost": "600",
    "currency": "eur",
    "price_range_percent": "10",
    "longest_payback_years": "3",
    "valid_days": "30",
    "max_per_quarter": "3",
    "quiet_days": "90",
    "control_percent": "5",
    "parameters": "energy_price = 0.2",
}


def test_a_rule_that_its_model_cannot_serve_is_refused_with_the_metric(site):
    answer = site.as_("maker").post("/offers/rules", RULE | {"equipment_model": "pump"})
    assert answer.status_code == 422
    assert "has no metric" in answer.text
    answer = site.as_("maker").post("/offers/rules", RULE | {"parameters": "metric = "})
    assert "Write one parameter a line" in answer.text


def test_a_rule_is_tried_before_it_is_switched_on(site):
    maker = site.as_("maker")
    rule_id = add_rule(site.network)
    toml = maker.read(f"/offers/rules/{rule_id}/rule.toml")
    assert 'key = "speed_drive"' in toml
    page = maker.read(f"/offers/rules/{rule_id}")
    assert "It was never tried." in page
    maker.post(f"/offers/rules/{rule_id}/switch", {"enabled": "yes"})
    assert "Try this version on history first." in maker.read(f"/offers/rules/{rule_id}")
    maker.post(f"/offers/rules/{rule_id}/backtest")
    assert "It is being tried." in maker.read(f"/offers/rules/{rule_id}")
    with site.network.database.session(site.network.scope()) as session:
        assert session.get_one(OfferRule, rule_id).backtest_wanted_at is not None


def test_toml_that_does_not_fit_says_where(site):
    answer = site.as_("maker").post("/offers/rules/import", {"text": "[[offer_rules]]\nkey=1"})
    assert answer.status_code == 422
    assert "offer_rules" in answer.text


@pytest.fixture(autouse=True)
def idler(site):
    """A model that such a rule fits, entered by its manufacturer."""
    answer = site.as_("maker").post("/catalogue", {"text": IDLER})
    assert answer.status_code == 303


def read_rules(site):
    with site.network.database.session(site.network.scope("maker")) as session:
        return list(session.scalars(select(OfferRule).order_by(OfferRule.id)))


def enter(site, **changed):
    answer = site.as_("maker").post("/offers/rules", RULE | changed)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_a_rule_that_is_written_is_there_as_it_was_written(site):
    address = enter(site)
    (rule,) = read_rules(site)
    assert (rule.key, rule.version, rule.is_enabled) == ("drive", 1, False)
    assert (rule.price_minor, rule.cost_minor, rule.currency) == (90_000, 60_000, "EUR")
    assert (rule.max_per_quarter, rule.control_percent) == (3, 5)
    assert rule.parameters == tomllib.loads(RULE["parameters"])
    page = site.as_("maker").read(address)
    for said in ("Saved. Try it on history, then switch it on.", "Speed drive", "€900.00"):
        assert said in page


def test_a_rule_that_is_changed_keeps_its_key_and_is_tried_anew(site):
    address = enter(site)
    maker = site.as_("maker")
    assert 'value="900.00"' in maker.read(f"{address}/edit")
    answer = maker.post(f"{address}/edit", RULE | {"key": "other", "price": "950"})
    assert answer.headers["Location"] == address
    (rule,) = read_rules(site)
    assert (rule.key, rule.version, rule.price_minor) == ("drive", 2, 95_000)
    assert not rule.is_enabled


def test_a_change_that_does_not_fit_leaves_the_rule_and_what_was_typed(site):
    address = enter(site)
    answer = site.as_("maker").post(f"{address}/edit", RULE | {"price": "0", "title": "Typed"})
    assert answer.status_code == 422
    assert 'value="Typed"' in answer.text
    (rule,) = read_rules(site)
    assert (rule.version, rule.price_minor) == (1, 90_000)


@pytest.mark.parametrize("as_file", [True, False])
def test_rules_leave_as_toml_and_come_back(site, as_file):
    maker = site.as_("maker")
    text = maker.read(f"{enter(site)}/rule.toml")
    text = text.replace('price = "900.00"', 'price = "990.00"')
    text += text.replace('key = "drive"', 'key = "second"')
    name, given = "text", text
    if as_file:
        name, given = "file", (io.BytesIO(text.encode()), "rules.toml")
    answer = maker.post("/offers/rules/import", {name: given})
    assert answer.status_code == 303
    assert "2 rules are saved." in maker.read("/offers")
    told = [(rule.key, rule.version, rule.price_minor) for rule in read_rules(site)]
    assert told == [("drive", 2, 99_000), ("second", 1, 99_000)]


def test_of_rules_with_one_that_does_not_fit_none_is_taken(site):
    maker = site.as_("maker")
    text = maker.read(f"{enter(site)}/rule.toml").replace('key = "drive"', 'key = "second"')
    strange = replace(RETROFIT, equipment_model="no_such_model")
    answer = maker.post("/offers/rules/import", {"text": text + write_rule(strange)})
    assert answer.status_code == 422
    assert [rule.key for rule in read_rules(site)] == ["drive"]
