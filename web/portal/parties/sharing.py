"""The page "Data": who sees which data, why and since when; requests, limits, receipts."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.assets import get_asset
from devices.ownership import PartyKind, find_party
from devices.sharing import grants
from devices.sharing.models import DataGrant, Purpose
from devices.sharing.queries import list_grants, list_reads, list_servants
from foundation.errors import Invalid
from foundation.identity.people import get_organisation
from web.forms import attempt
from web.party_forms import (
    AnswerForm,
    BreakGlassForm,
    GrantForm,
    LimitForm,
    RevokeForm,
    read_names,
)
from web.request_scope import as_id, get_session, may, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("sharing", __name__)


@blueprint.get("/data")
@require(Act.SEE_GRANTS)
def show() -> ResponseReturnValue:
    """What is shared, with its receipts, and what was read."""
    return _page(GrantForm(data={"machine": request.args.get("machine", type=as_id)}))


@blueprint.post("/data/grants")
@require(Act.SEE_GRANTS)
def create() -> ResponseReturnValue:
    """An owner grants data; anybody else asks an owner for it."""
    form = GrantForm(request.form)
    act = _give if may(Act.GRANT_DATA) else _ask
    if attempt(form, lambda: act(form)) is None:
        return _page(form), 422
    return _done(_("It is recorded. Both sides read it here."))


@blueprint.post("/data/grants/<id:grant_id>/answer")
@require(Act.GRANT_DATA)
def answer(grant_id: int) -> ResponseReturnValue:
    """Gives what was requested, or refuses it with a reason."""
    form = AnswerForm(request.form)
    if attempt(form, lambda: _answer(grant_id, form)) is None:
        return _page(GrantForm(), form), 422
    return _done(_("The other side reads your answer."))


@blueprint.post("/data/grants/<id:grant_id>/limit")
@require(Act.GRANT_DATA)
def limit(grant_id: int) -> ResponseReturnValue:
    """Narrows a given grant down to some metrics."""
    form = LimitForm(request.form)
    if attempt(form, lambda: _limit(grant_id, form)) is None:
        return _page(GrantForm(), form), 422
    return _done(_("The grant is limited from now on."))


@blueprint.post("/data/grants/<id:grant_id>/revoke")
@require(Act.GRANT_DATA)
def revoke(grant_id: int) -> ResponseReturnValue:
    """Takes a grant back at once."""
    form = RevokeForm(request.form)
    reason = form.reason.data or ""
    act = lambda: grants.revoke(get_session(), grant_id, at=now(), reason=reason)  # noqa: E731
    if attempt(form, act) is None:
        return _page(GrantForm(), form), 422
    return _done(_("The grant is revoked. Nothing is seen under it any more."))


@blueprint.post("/machines/<id:asset_id>/break-glass")
@require(Act.BREAK_GLASS)
def break_glass(asset_id: int) -> ResponseReturnValue:
    """Opens a machine that is not shared, for some hours; its owner sees who did and why."""
    get_asset(get_session(), asset_id)
    form = BreakGlassForm(request.form)
    if attempt(form, lambda: _break_glass(asset_id, form)) is None:
        return render_template("sharing/break_glass.html", form=form, machine_id=asset_id), 422
    flash(_("Its owner sees that you looked, and why."), "success")
    return redirect(url_for("machines.show", asset_id=asset_id), 303)


def _done(words: str) -> ResponseReturnValue:
    flash(words, "success")
    return redirect(url_for("sharing.show"), 303)


def _extent(form: GrantForm) -> grants.Extent:
    return grants.Extent(
        metrics=read_names(form.metrics.data),
        covers_story=bool(form.covers_story.data),
        asset_id=form.machine.data,
        to_at=None,
    )


def _give(form: GrantForm) -> DataGrant:
    return grants.give_unasked(
        get_session(),
        grantee=get_organisation(get_session(), form.organisation.data or ""),
        purpose=Purpose(form.purpose.data),
        extent=_extent(form),
        reason=form.reason.data or "",
        at=now(),
    )


def _ask(form: GrantForm) -> DataGrant:
    return grants.request_grant(
        get_session(),
        owner=get_organisation(get_session(), form.organisation.data or ""),
        purpose=Purpose(form.purpose.data),
        extent=_extent(form),
        reason=form.reason.data or "",
        at=now(),
    )


def _answer(grant_id: int, form: AnswerForm) -> DataGrant:
    session, reason = get_session(), form.reason.data or ""
    if form.answer.data == "refuse":
        return grants.refuse(session, grant_id, reason=reason, at=now())
    metrics = read_names(form.metrics.data) or None
    return grants.give(session, grant_id, metrics=metrics, at=now(), reason=reason)


def _limit(grant_id: int, form: LimitForm) -> DataGrant:
    return grants.limit(
        get_session(),
        grant_id,
        metrics=read_names(form.metrics.data),
        covers_story=bool(form.covers_story.data),
        at=now(),
    )


def _break_glass(asset_id: int, form: BreakGlassForm) -> DataGrant:
    owner = find_party(get_session(), asset_id, PartyKind.OWNER)
    if owner is None:
        raise Invalid("This machine has no owner whose data it would be.")
    return grants.break_glass(
        get_session(),
        asset_id=asset_id,
        owner_id=owner.organisation_id,
        reason=form.reason.data or "",
        hours=form.hours.data or 0,
        at=now(),
    )


def _page(form: GrantForm, refused: AnswerForm | LimitForm | RevokeForm | None = None) -> str:
    faults = list(refused.form_errors) if refused is not None else []
    if refused is not None:
        faults += [fault for field in refused for fault in field.errors]
    return render_template(
        "sharing/show.html",
        form=form,
        faults=faults,
        grants=list_grants(get_session()),
        reads=list_reads(get_session()),
        servants=list_servants(get_session()),
        is_owner=may(Act.GRANT_DATA),
    )
