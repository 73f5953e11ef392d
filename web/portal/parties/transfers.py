"""Handing a machine over to another owner or servicing dealer, and calling that off."""

from datetime import datetime, time

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.assets import Asset, get_asset
from devices.ownership import PartyKind
from devices.transfers import AssetTransfer, cancel_transfer, list_transfers, plan_transfer
from foundation.identity.directory import list_organisations
from foundation.identity.people import get_organisation
from foundation.identity.scope import OrganisationKind, Role
from web.filters import zone
from web.forms import attempt
from web.party_forms import TransferForm
from web.request_scope import as_id, get_scope, get_session, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("transfers", __name__)
_require = require(Act.TRANSFER_ASSETS)


@blueprint.get("/machines/<id:asset_id>/transfer")
@_require
def show(asset_id: int) -> ResponseReturnValue:
    """What is planned, and the form for a transfer."""
    return _page(get_asset(get_session(), asset_id), TransferForm())


@blueprint.post("/machines/<id:asset_id>/transfer")
@_require
def plan(asset_id: int) -> ResponseReturnValue:
    """Plans a transfer; the worker carries it out at its date."""
    asset = get_asset(get_session(), asset_id)
    form = TransferForm(request.form)
    planned = attempt(form, lambda: _plan(asset, form))
    if planned is None:
        return _page(asset, form), 422
    flash(_("The transfer is planned. It takes effect at its date by itself."), "success")
    return redirect(url_for("transfers.show", asset_id=asset_id), 303)


@blueprint.post("/machines/<id:asset_id>/transfer/cancel")
@_require
def cancel(asset_id: int) -> ResponseReturnValue:
    """Calls a planned transfer off."""
    get_asset(get_session(), asset_id)
    number = request.form.get("transfer", type=as_id) or 0
    cancel_transfer(get_session(), number, asset_id=asset_id, at=now())
    flash(_("The transfer is called off."), "success")
    return redirect(url_for("transfers.show", asset_id=asset_id), 303)


def _plan(asset: Asset, form: TransferForm) -> AssetTransfer:
    day, here = form.on.data, zone(asset.site.time_zone)
    return plan_transfer(
        get_session(),
        asset=asset,
        kind=PartyKind(form.kind.data),
        organisation=get_organisation(get_session(), form.organisation.data or ""),
        at=datetime.combine(day, time(), here) if day else now(),
        now=now(),
        site=form.site.data,
    )


def _page(asset: Asset, form: TransferForm) -> str:
    return render_template(
        "transfers/show.html",
        machine=asset,
        form=form,
        transfers=list_transfers(get_session(), asset.id),
        parties=_list_parties(),
    )


def _list_parties() -> list[str]:
    """Names to choose from; who a manufacturer's or dealer's customers are is not told around."""
    is_maker = get_scope().role == Role.MANUFACTURER
    kinds = (
        (OrganisationKind.DEALER, OrganisationKind.CUSTOMER)
        if is_maker
        else (OrganisationKind.DEALER,)
    )
    return [each.name for kind in kinds for each in list_organisations(get_session(), kind)]
