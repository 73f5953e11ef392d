"""The example rules: each fits its equipment model, and every kind of value has two at least."""

from collections import Counter
from types import SimpleNamespace

import pytest

from devices.definitions import read_definition
from millwright.wiring import RULE_CATALOGUE, read_example_definition, read_example_rules
from services.offers.definitions import check_metrics, read_rules, write_rule
from services.offers.kinds.contract import ValueKind
from services.offers.kinds.registry import KINDS, get_kind, read_parameters

MODELS = sorted(path.stem for path in RULE_CATALOGUE.glob("*.toml"))
RULES = [rule for model in MODELS for rule in read_rules(read_example_rules(model))]


def test_all_four_kinds_of_equipment_have_rules():
    assert MODELS == ["centrifugal_pump", "forklift", "machining_centre", "screw_compressor"]


def test_each_kind_of_value_has_two_rules_at_least():
    counted = Counter(KINDS[rule.kind].value_kind for rule in RULES)
    assert {kind: counted[kind] >= 2 for kind in ValueKind} == dict.fromkeys(ValueKind, True)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_a_rule_fits_its_equipment_model(rule):
    kind = get_kind(rule.kind)
    defined = read_definition(read_example_definition(rule.equipment_model))
    model = SimpleNamespace(title=rule.equipment_model, metrics=defined.metrics)
    check_metrics(model, kind, read_parameters(kind, rule.parameters))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_a_rule_can_be_written_and_read_again(rule):
    assert read_rules(write_rule(rule)) == [rule]


def test_no_two_rules_have_one_key():
    assert max(Counter(rule.key for rule in RULES).values()) == 1


def test_a_model_without_examples_has_none():
    assert read_example_rules("hourly_machine") is None
