"""The catalogue of equipment models: users' data, edited as TOML or by small forms."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.definitions import ModelDefinition, read_definition, save_definition, write_definition
from devices.equipment_models import (
    EquipmentModel,
    find_equipment_model,
    list_equipment_models,
)
from devices.signal_mapping import list_signal_mappings, set_signal_mapping
from foundation.csv_rows import decode_text
from foundation.errors import Invalid, NotFound
from foundation.identity.directory import get_own_organisation
from telemetry.training import check_normal_period
from web.csv_files import as_download
from web.forms import DefinitionForm, SignalForm, attempt, choice, list_unit_choices, submitted
from web.pages.definition import LimitsForm, build_limits_form, definition_of, with_limits
from web.pages.parts import Action
from web.request_scope import get_scope, get_session, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("catalogue", __name__)
_require = require(Act.ADMINISTER_CATALOGUE)


@blueprint.get("/catalogue")
@_require
def index() -> ResponseReturnValue:
    """The equipment models of this manufacturer."""
    models = list_equipment_models(get_session())
    own = [each for each in models if each.manufacturer_id == get_scope().organisation_id]
    new_one = Action(_("Import a definition"), url_for("catalogue.new"), icon="plus", primary=True)
    return render_template("catalogue/index.html", models=own, actions=[new_one])


@blueprint.get("/catalogue/new")
@_require
def new() -> ResponseReturnValue:
    """The form for a definition."""
    return render_template("catalogue/edit.html", form=DefinitionForm(), model=None)


@blueprint.post("/catalogue")
@_require
def create() -> ResponseReturnValue:
    """Imports a definition; all its faults are listed."""
    form = DefinitionForm(submitted())
    model = attempt(form, lambda: _save(read_definition(_read_text(form))))
    if model is None:
        return render_template("catalogue/edit.html", form=form, model=None), 422
    return _told(model)


@blueprint.get("/catalogue/<key>")
@_require
def show(key: str) -> ResponseReturnValue:
    """What the model measures, when that is bad, and what lies behind it."""
    model = _get_model(key)
    signals = list_signal_mappings(get_session(), model)
    return render_template("catalogue/show.html", model=model, signals=signals, **_acts(model.key))


def _acts(key: str) -> dict[str, list[Action]]:
    edit_it = Action(_("Edit"), url_for("catalogue.edit", key=key), icon="edit", key="e")
    change = Action(
        _("Change limits"), url_for("catalogue.limits", key=key), icon="administration"
    )
    mapped = Action(_("Map signals"), url_for("catalogue.signals", key=key), icon="devices")
    file = Action(_("Download as TOML"), url_for("catalogue.download", key=key), icon="download")
    return {"actions": [change, edit_it], "more": [mapped, file]}


@blueprint.get("/catalogue/<key>/edit")
@_require
def edit(key: str) -> ResponseReturnValue:
    """The definition as text."""
    model = _get_model(key)
    form = DefinitionForm(data={"text": write_definition(definition_of(get_session(), model))})
    return render_template("catalogue/edit.html", form=form, model=model)


@blueprint.post("/catalogue/<key>/edit")
@_require
def save(key: str) -> ResponseReturnValue:
    """Replaces the definition by a new version of it."""
    model, form = _get_model(key), DefinitionForm(submitted())
    saved = attempt(form, lambda: _save(_same_key(read_definition(_read_text(form)), key)))
    if saved is None:
        return render_template("catalogue/edit.html", form=form, model=model), 422
    return _told(saved)


@blueprint.get("/catalogue/<key>/definition.toml")
@_require
def download(key: str) -> ResponseReturnValue:
    """The definition as a file."""
    model = _get_model(key)
    text = write_definition(definition_of(get_session(), model))
    return as_download(f"{model.key}.toml", text, "application/toml")


@blueprint.get("/catalogue/<key>/limits")
@_require
def limits(key: str) -> ResponseReturnValue:
    """The limits as numbers to change."""
    model = _get_model(key)
    return render_template("catalogue/limits.html", model=model, form=build_limits_form(model))


@blueprint.post("/catalogue/<key>/limits")
@_require
def save_limits(key: str) -> ResponseReturnValue:
    """Changes the limits: a new version of the definition."""
    model = _get_model(key)
    form = build_limits_form(model, request.form)
    saved = attempt(form, lambda: _save_limits(model, form))
    if saved is None:
        return render_template("catalogue/limits.html", model=model, form=form), 422
    return _told(saved)


@blueprint.get("/catalogue/<key>/signals")
@_require
def signals(key: str) -> ResponseReturnValue:
    """How sources' own names and units become metrics."""
    model = _get_model(key)
    signal = request.args.get("signal", "")
    form = _signal_form(model, SignalForm(data={"signal": signal, "scale": 1.0, "offset": 0.0}))
    return _signals_page(model, form)


@blueprint.post("/catalogue/<key>/signals")
@_require
def save_signal(key: str) -> ResponseReturnValue:
    """Adds or replaces the mapping of one signal."""
    model = _get_model(key)
    form = _signal_form(model, SignalForm(request.form))
    if attempt(form, lambda: _set_signal(model, form)) is None:
        return _signals_page(model, form), 422
    flash(_("Mapped. Messages in quarantine for it can be tried again."), "success")
    return redirect(url_for("catalogue.signals", key=key), 303)


def _get_model(key: str) -> EquipmentModel:
    model = find_equipment_model(get_session(), key)
    if model is None or model.manufacturer_id != get_scope().organisation_id:
        raise NotFound("There is no such equipment model.")
    return model


def _read_text(form: DefinitionForm) -> str:
    upload = form.file.data
    content = upload.read() if hasattr(upload, "read") else b""
    text = decode_text(content) if content else form.text.data or ""
    if not text.strip():
        raise Invalid(_("Choose a file or write a definition."), field="text")
    form.text.data = text
    return text


def _save(definition: ModelDefinition) -> EquipmentModel:
    session = get_session()
    return save_definition(
        session,
        definition=definition,
        manufacturer=get_own_organisation(session),
        at=now(),
        check_normal_period=check_normal_period,
    )


def _save_limits(model: EquipmentModel, form: LimitsForm) -> EquipmentModel:
    return _save(with_limits(definition_of(get_session(), model), form))


def _same_key(definition: ModelDefinition, key: str) -> ModelDefinition:
    if definition.equipment_model.key != key:
        raise Invalid(_("The key stays %(key)s; import another key as a new model.", key=key))
    return definition


def _set_signal(model: EquipmentModel, form: SignalForm) -> bool:
    set_signal_mapping(
        get_session(),
        model=model,
        signal=form.signal.data or "",
        metric=form.metric.data,
        unit=form.unit.data,
        scale=form.scale.data or 0.0,
        offset=form.offset.data or 0.0,
        device_key=form.device_key.data or "",
        at=now(),
    )
    return True


def _signal_form(model: EquipmentModel, form: SignalForm) -> SignalForm:
    form.metric.choices = [choice(metric.name, metric.label) for metric in model.metrics]
    form.unit.choices = list_unit_choices()
    return form


def _signals_page(model: EquipmentModel, form: SignalForm) -> str:
    known = list_signal_mappings(get_session(), model)
    return render_template("catalogue/signals.html", model=model, signals=known, form=form)


def _told(model: EquipmentModel) -> ResponseReturnValue:
    told = _(
        "%(title)s is saved as version %(version)s.", title=model.title, version=model.version
    )
    flash(told, "success")
    return redirect(url_for("catalogue.show", key=model.key), 303)
