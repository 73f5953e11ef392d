"""Administration of the installed base: entering machines one by one or as a list."""

from datetime import UTC, datetime, time

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.assets import Asset
from devices.equipment_models import list_equipment_models
from devices.fleet import AssetFacts, get_asset_facts
from devices.registration import AssetEntry, import_assets, register_asset
from devices.sites import list_sites
from foundation.csv_rows import RowResult, decode_text
from foundation.identity.directory import list_organisations
from foundation.identity.scope import OrganisationKind
from web.csv_files import csv_template
from web.forms import AssetForm, UploadForm, attempt, choice, read_upload, submitted
from web.pages.administration import list_groups
from web.request_scope import get_session, now, require
from web.wording.translate import gettext as _

TEMPLATE_COLUMNS = (
    "equipment_model",
    "serial",
    "name",
    "customer",
    "dealer",
    "site",
    "time_zone",
    "device",
    "commissioned_on",
    "address",
    "country",
    "latitude",
    "longitude",
    "telephone",
)
blueprint = Blueprint("administration", __name__)
_require = require(Act.ADMINISTER_ASSETS)


@blueprint.get("/administration")
@require(Act.ADMINISTER_PEOPLE)
def index() -> ResponseReturnValue:
    """What can be administered."""
    return render_template("administration/index.html", groups=list_groups())


@blueprint.get("/administration/machines/new")
@_require
def new_machine() -> ResponseReturnValue:
    """The form for a machine."""
    device = request.args.get("device", "")
    return _machine_page(_with_choices(AssetForm(data={"device": device})), None)


@blueprint.post("/administration/machines")
@_require
def create_machine() -> ResponseReturnValue:
    """Enters a machine with its site, parties and device."""
    form = _with_choices(AssetForm(request.form))
    asset = attempt(form, lambda: _register(form))
    if asset is None:
        return _machine_page(form, None), 422
    flash(_("%(name)s is entered.", name=asset.name), "success")
    return redirect(url_for("machines.show", asset_id=asset.id), 303)


@blueprint.get("/administration/machines/<id:asset_id>")
@_require
def edit_machine(asset_id: int) -> ResponseReturnValue:
    """The form with what is known."""
    facts = get_asset_facts(get_session(), asset_id)
    return _machine_page(_with_choices(AssetForm(data=_data_of(facts))), facts)


@blueprint.post("/administration/machines/<id:asset_id>")
@_require
def save_machine(asset_id: int) -> ResponseReturnValue:
    """Brings a machine up to date; model and serial number stay."""
    facts = get_asset_facts(get_session(), asset_id)
    form = _with_choices(AssetForm(request.form))
    form.equipment_model.data, form.serial.data = facts.model_key, facts.serial
    asset = attempt(form, lambda: _register(form))
    if asset is None:
        return _machine_page(form, facts), 422
    flash(_("%(name)s is saved.", name=asset.name), "success")
    return redirect(url_for("machines.show", asset_id=asset_id), 303)


@blueprint.get("/administration/machines/import")
@_require
def import_page() -> ResponseReturnValue:
    """The form for a list of machines."""
    return _import_page(UploadForm(), None)


@blueprint.post("/administration/machines/import")
@_require
def import_machines() -> ResponseReturnValue:
    """Enters each row; a refused one is left out and says why."""
    form = UploadForm(submitted())
    results = attempt(form, lambda: _import(form))
    status = 422 if results is None else 200
    return _import_page(form, results), status


@blueprint.get("/administration/machines/template.csv")
@_require
def machines_template() -> ResponseReturnValue:
    """An empty list with its header and one example."""
    example = ("compressor", "GA-0001", "Compressor, line 2", "Harbour Foods", "North Service")
    rest = ("Plant 1", "Europe/Berlin", "compressor-1", "2026-01-31")
    place = ("Kai 3, Hamburg", "DE", "53.55", "9.99", "+49 40 123456")
    return csv_template("machines.csv", TEMPLATE_COLUMNS, example + rest + place)


def _import_page(form: UploadForm, results: list[RowResult] | None) -> str:
    return render_template(
        "administration/import.html", form=form, results=results, columns=TEMPLATE_COLUMNS
    )


def _import(form: UploadForm) -> list[RowResult]:
    text = decode_text(read_upload(form.file))
    return list(import_assets(get_session(), text, at=now()))


def _register(form: AssetForm) -> Asset:
    day = form.commissioned_on.data
    entry = AssetEntry(
        equipment_model=form.equipment_model.data,
        serial=form.serial.data or "",
        name=form.name.data or "",
        customer=form.customer.data,
        dealer=form.dealer.data,
        site=form.site.data or "",
        time_zone=form.time_zone.data or None,
        device=form.device.data or None,
        commissioned_at=datetime.combine(day, time(), UTC) if day else now(),
        address=form.address.data,
        country=form.country.data or None,
        latitude=form.latitude.data,
        longitude=form.longitude.data,
        telephone=form.telephone.data or None,
    )
    asset, _is_new = register_asset(get_session(), entry, at=now())
    asset.is_critical = bool(form.is_critical.data)
    return asset


def _with_choices(form: AssetForm) -> AssetForm:
    session = get_session()
    models = list_equipment_models(session)
    form.equipment_model.choices = [choice(m.key, m.title) for m in models]
    for field, kind in (
        (form.customer, OrganisationKind.CUSTOMER),
        (form.dealer, OrganisationKind.DEALER),
    ):
        names = [each.name for each in list_organisations(session, kind)]
        field.choices = [choice("", _("Choose")), *(choice(name, name) for name in names)]
    return form


def _data_of(facts: AssetFacts) -> dict[str, object]:
    return {
        "equipment_model": facts.model_key,
        "serial": facts.serial,
        "name": facts.name,
        "customer": facts.customer,
        "dealer": facts.dealer,
        "site": facts.site,
        "address": facts.address,
        "country": facts.country,
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "telephone": facts.telephone,
        "device": facts.devices[0] if facts.devices else "",
        "commissioned_on": facts.commissioned_at.date(),
        "is_critical": facts.is_critical,
    }


def _machine_page(form: AssetForm, facts: AssetFacts | None) -> str:
    sites = sorted({site.name for site in list_sites(get_session())})
    return render_template("administration/machine.html", form=form, facts=facts, sites=sites)
