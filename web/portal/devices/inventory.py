"""Devices: which there are, their passwords, codes, gateways and what the broker refused them."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.provisioning import Device, get_device, register_device
from devices.security.claims import FreshCode, Purpose, print_code
from devices.security.credentials import (
    FreshCredential,
    issue_credential,
    list_held,
    revoke_credentials,
)
from devices.security.denials import list_denials
from devices.security.inventory import (
    Provisioned,
    import_devices,
    list_devices,
    list_sources,
    set_gateway,
)
from foundation.csv_rows import decode_text
from web.csv_files import csv_template
from web.device_forms import LIVES, OVERLAPS, CodeForm, CredentialForm, DeviceForm, GatewayForm
from web.forms import PortalForm, UploadForm, attempt, read_upload, submitted
from web.pages.devices import TEMPLATE_COLUMNS, describe_label, list_actions, write_credentials
from web.request_scope import as_id, get_session, may, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("devices", __name__)
_look_after = require(Act.ADMINISTER_DEVICES)
_provision = require(Act.ADMINISTER_ASSETS)


@blueprint.get("/administration/devices")
@_look_after
def index() -> ResponseReturnValue:
    """The devices, those of one machine with `asset`."""
    search, asset_id = request.args.get("q", "")[:64], request.args.get("asset", type=as_id)
    return _list_page(DeviceForm(), search, asset_id)


@blueprint.post("/administration/devices")
@_provision
def register() -> ResponseReturnValue:
    """Registers a device that is on no machine yet."""
    form = DeviceForm(request.form)
    made = attempt(form, lambda: register_device(get_session(), key=_key(form), at=now()))
    if made is None:
        return _list_page(form, "", None), 422
    return redirect(url_for("devices.show", device_id=made.id), 303)


@blueprint.get("/administration/devices/<id:device_id>")
@_look_after
def show(device_id: int) -> ResponseReturnValue:
    """Who is it, how does it come in, what was it refused?"""
    return _device_page(get_device(get_session(), device_id))


@blueprint.post("/administration/devices/<id:device_id>/credential")
@_look_after
def issue(device_id: int) -> ResponseReturnValue:
    """A new password, shown on this answer and never again."""
    device, form = get_device(get_session(), device_id), CredentialForm(request.form)
    fresh = attempt(form, lambda: _issue(device, form))
    return _device_page(device, fresh=fresh, faulty=form), 200 if fresh else 422


@blueprint.post("/administration/devices/<id:device_id>/revoke")
@_look_after
def revoke(device_id: int) -> ResponseReturnValue:
    """Ends its passwords; the broker ends its connections."""
    device = get_device(get_session(), device_id)
    revoke_credentials(get_session(), device=device, at=now())
    flash(_("%(key)s cannot connect any more.", key=device.key), "success")
    return redirect(url_for("devices.show", device_id=device_id), 303)


@blueprint.post("/administration/devices/<id:device_id>/code")
@_provision
def make_code(device_id: int) -> ResponseReturnValue:
    """A claim code with its label, shown on this answer and never again."""
    device, form = get_device(get_session(), device_id), CodeForm(request.form)
    code = attempt(form, lambda: _print(device, form))
    if code is None:
        return _device_page(device, faulty=form), 422
    return render_template("devices/label.html", device=device, label=describe_label(code))


@blueprint.post("/administration/devices/<id:device_id>/gateway")
@_provision
def put_behind(device_id: int) -> ResponseReturnValue:
    """Registers it behind a gateway, or takes it from there."""
    device, form = get_device(get_session(), device_id), GatewayForm(request.form)
    if attempt(form, lambda: _put_behind(device, form)) is None:
        return _device_page(device, faulty=form), 422
    flash(_("%(key)s is saved.", key=device.key), "success")
    return redirect(url_for("devices.show", device_id=device_id), 303)


@blueprint.get("/administration/devices/import")
@_provision
def import_page() -> ResponseReturnValue:
    """The form for a list of devices."""
    return render_template("devices/import.html", form=UploadForm(), made=None, file="")


@blueprint.post("/administration/devices/import")
@_provision
def import_list() -> ResponseReturnValue:
    """Registers each row; the new passwords come as a file, this once."""
    form = UploadForm(submitted())
    made = attempt(form, lambda: _import(form))
    file = write_credentials(made.credentials) if made else ""
    status = 422 if made is None else 200
    return render_template("devices/import.html", form=form, made=made, file=file), status


@blueprint.get("/administration/devices/template.csv")
@_provision
def template() -> ResponseReturnValue:
    """An empty list with its header and one example."""
    example = ("gateway-1", "compressor", "GA-0001", "", "yes")
    return csv_template("devices.csv", TEMPLATE_COLUMNS, example)


@blueprint.get("/administration/devices/denials")
@_provision
def denials() -> ResponseReturnValue:
    """What the broker refused, newest first."""
    return render_template("devices/denials.html", denials=list_denials(get_session()))


def _key(form: DeviceForm) -> str:
    return str(form.device.data or "").strip()


def _issue(device: Device, form: CredentialForm) -> FreshCredential:
    overlap = OVERLAPS[form.overlap.data]
    return issue_credential(get_session(), device=device, at=now(), overlap=overlap)


def _print(device: Device, form: CodeForm) -> FreshCode:
    return print_code(
        get_session(),
        device=device,
        purpose=Purpose(form.purpose.data),
        life=LIVES[form.life.data],
        at=now(),
    )


def _put_behind(device: Device, form: GatewayForm) -> bool:
    set_gateway(get_session(), device=device, gateway_key=form.gateway.data or "", at=now())
    return True


def _import(form: UploadForm) -> Provisioned:
    return import_devices(get_session(), decode_text(read_upload(form.file)), at=now())


def _list_page(form: DeviceForm, search: str, asset_id: int | None) -> str:
    rows = list_devices(get_session(), now(), search=search, asset_id=asset_id)
    return render_template(
        "devices/index.html",
        devices=rows,
        form=form,
        search=search,
        asset_id=asset_id,
        actions=list_actions(),
    )


def _device_page(
    device: Device, *, fresh: FreshCredential | None = None, faulty: PortalForm | None = None
) -> str:
    session = get_session()
    return render_template(
        "devices/show.html",
        device=device,
        fresh=fresh,
        held=list_held(session, device.id, now()),
        sources=list_sources(session, device),
        denials=list_denials(session, device.id) if may(Act.ADMINISTER_ASSETS) else [],
        forms=_list_forms(device, faulty),
    )


def _list_forms(device: Device, faulty: PortalForm | None) -> dict[str, PortalForm]:
    session = get_session()
    gateway = get_device(session, device.gateway_id).key if device.gateway_id else ""
    forms = {
        "credential": CredentialForm(),
        "code": CodeForm(),
        "gateway": GatewayForm(data={"gateway": gateway}),
    }
    return {name: faulty if type(faulty) is type(form) else form for name, form in forms.items()}
