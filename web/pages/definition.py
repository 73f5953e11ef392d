"""Equipment models between their tables, their TOML and the form of their limits."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.orm import Session
from wtforms.validators import InputRequired, NumberRange

from devices.definitions import LimitEntry, ModelDefinition, SignalEntry, as_definition
from devices.equipment_models import EquipmentModel
from devices.signal_mapping import list_signal_mappings
from foundation.errors import Invalid
from web.forms import NumberField, PortalForm
from web.wording.translate import gettext as _

PARTS = ("threshold", "hysteresis", "on_delay_s")


class LimitsForm(PortalForm):
    """Three numbers for each limit; the fields are added by `build_limits_form`."""


def definition_of(session: Session, model: EquipmentModel) -> ModelDefinition:
    """The definition that would make this model, with the signals that hold for all devices."""
    signals = [
        SignalEntry(row.signal, row.metric, row.unit, row.scale, row.offset)
        for row in list_signal_mappings(session, model)
        if not row.device_key
    ]
    return as_definition(model, signals)


def build_limits_form(
    model: EquipmentModel, formdata: Mapping[str, Any] | None = None
) -> LimitsForm:
    """A form with the model's limits in it."""
    fields: dict[str, NumberField] = {}
    for number, limit in enumerate(model.limits):
        fields[f"threshold_{number}"] = _number(_("Limit"), limit.threshold)
        fields[f"hysteresis_{number}"] = _number(_("Way back"), limit.hysteresis, least=0)
        fields[f"on_delay_s_{number}"] = _number(
            _("For how long, in s"), limit.on_delay_s, least=0
        )
    form: LimitsForm = type("ModelLimitsForm", (LimitsForm,), fields)(formdata)
    return form


def _number(label: str, default: float, *, least: float | None = None) -> NumberField:
    checks: list[Any] = [InputRequired(_("This is needed."))]
    checks.append(NumberRange(min=least, max=1e12, message=_("This number cannot be used.")))
    return NumberField(label, checks, default=default)


def with_limits(definition: ModelDefinition, form: LimitsForm) -> ModelDefinition:
    """The definition with the numbers of the form.

    Raises:
        Invalid: when the limits are others by now.
    """
    numbers = dict(form.data)
    if len(numbers) != len(PARTS) * len(definition.limits):
        raise Invalid(_("The limits changed meanwhile. Load the page again."))
    changed = [
        _with_numbers(limit, {part: numbers[f"{part}_{number}"] for part in PARTS})
        for number, limit in enumerate(definition.limits)
    ]
    return msgspec.structs.replace(definition, limits=changed)


def _with_numbers(limit: LimitEntry, numbers: Mapping[str, float]) -> LimitEntry:
    return msgspec.structs.replace(limit, **numbers)
