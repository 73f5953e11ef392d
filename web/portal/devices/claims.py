"""Claim codes at work: a person says where a device stands, a device gets its password.

Wrong codes are counted for each person and for each address; too many have to wait.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.security.claims import (
    Claimed,
    check_guessing,
    count_failure,
    redeem_for_credential,
    redeem_for_machine,
)
from devices.security.inventory import get_machine_by_serial
from foundation.database import elevated
from foundation.errors import Forbidden, Invalid
from web.auth import public
from web.device_forms import ClaimForm
from web.forms import attempt
from web.request_scope import (
    get_runtime,
    get_scope,
    get_session,
    keep_despite_refusal,
    now,
    require,
)
from web.wording.translate import gettext as _

blueprint = Blueprint("claims", __name__)


@blueprint.get("/devices/claim")
@require(Act.CLAIM_DEVICES)
def show() -> ResponseReturnValue:
    """The form; a label's picture leads here with its code."""
    given = {name: request.args.get(name, "")[:100] for name in ("code", "serial")}
    return render_template("devices/claim.html", form=ClaimForm(data=given))


@blueprint.post("/devices/claim")
@require(Act.CLAIM_DEVICES)
def claim() -> ResponseReturnValue:
    """Lets the code's device speak for the chosen machine."""
    form = ClaimForm(request.form)
    asset_id = attempt(form, lambda: _claim(form))
    if not asset_id:
        return render_template("devices/claim.html", form=form), 422
    return redirect(url_for("machines.show", asset_id=asset_id), 303)


@blueprint.post("/claim")
@public
def redeem() -> ResponseReturnValue:
    """A device's own question, over https: its code for its user and password, once."""
    address = request.remote_addr or "unknown"
    if not (get_runtime().is_secure or _is_this_machine(address)):
        raise Forbidden("A password is handed out over https only.")
    with elevated(get_session()):
        claimed = _redeem(f"address:{address}")
    if claimed is None or claimed.credential is None:
        keep_despite_refusal()
        return jsonify({"error": {"status": 422, "message": _no_code()}}), 422
    fresh = claimed.credential
    return jsonify({"device": fresh.device_key, "user": fresh.user, "password": fresh.password})


def _redeem(guesser: str) -> Claimed | None:
    given: Any = request.get_json(silent=True) if request.is_json else request.form
    code = given.get("code") if isinstance(given, Mapping) else None
    if not isinstance(code, str) or not 1 <= len(code) <= 60:
        raise Invalid("Send your code as code.", field="code")
    check_guessing(get_session(), guesser=guesser, at=now())
    claimed = redeem_for_credential(get_session(), code=code, caller=guesser, at=now())
    if claimed is None:
        count_failure(get_session(), guesser=guesser, at=now())
    return claimed


def _claim(form: ClaimForm) -> int | None:
    """The machine's id; None, with the failure counted, when the code is none."""
    session, guesser = get_session(), get_scope().actor
    check_guessing(session, guesser=guesser, at=now())
    asset = get_machine_by_serial(session, form.serial.data or "")
    claimed = redeem_for_machine(session, code=form.code.data or "", asset_id=asset.id, at=now())
    if claimed is None:
        count_failure(session, guesser=guesser, at=now())
        keep_despite_refusal()
        form.code.errors = [*form.code.errors, _no_code()]
        return None
    flash(_("%(key)s speaks for this machine now.", key=claimed.device_key), "success")
    return asset.id


def _no_code() -> str:
    return _("This code is wrong, used or over. Ask the manufacturer for a new one.")


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
