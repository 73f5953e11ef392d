"""Offer rules of a manufacturer: written by form or TOML, tried on history, switched on, off."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from foundation.csv_rows import decode_text
from foundation.errors import Conflict, Forbidden, Invalid
from services.offers.definitions import (
    RuleDefinition,
    definition_of,
    get_rule,
    read_rules,
    save_rule,
    switch_rule,
    want_backtest,
    write_rule,
)
from services.offers.models import OfferRule
from web.csv_files import as_download
from web.forms import OfferRuleForm, RulesForm, attempt, explain, submitted
from web.pages.offer_rule import form_of, load_rule_page, read_form, with_choices
from web.pages.parts import Action
from web.portal.live import live_addresses
from web.request_scope import get_session, give_up, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("offer_rules", __name__)
_require = require(Act.ADMINISTER_OFFERS)


@blueprint.get("/offers/rules/new")
@_require
def new() -> ResponseReturnValue:
    """The form for a rule."""
    form = with_choices(get_session(), OfferRuleForm())
    return render_template("offers/rule_edit.html", form=form, rule=None)


@blueprint.post("/offers/rules")
@_require
def create() -> ResponseReturnValue:
    """Enters a rule, switched off."""
    return _save(OfferRuleForm(request.form), None)


@blueprint.get("/offers/rules/<id:rule_id>/edit")
@_require
def edit(rule_id: int) -> ResponseReturnValue:
    """The form with what the rule says."""
    rule = get_rule(get_session(), rule_id)
    form = with_choices(get_session(), form_of(rule))
    return render_template("offers/rule_edit.html", form=form, rule=rule)


@blueprint.post("/offers/rules/<id:rule_id>/edit")
@_require
def save(rule_id: int) -> ResponseReturnValue:
    """Makes a new version of the rule, switched off until it was tried."""
    rule = get_rule(get_session(), rule_id)
    form = OfferRuleForm(request.form)
    form.key.data = rule.key
    return _save(form, rule)


def _save(form: OfferRuleForm, rule: OfferRule | None) -> ResponseReturnValue:
    form = with_choices(get_session(), form)
    saved = attempt(form, lambda: save_rule(get_session(), read_form(form), at=now()))
    if saved is None:
        return render_template("offers/rule_edit.html", form=form, rule=rule), 422
    flash(_("Saved. Try it on history, then switch it on."), "success")
    return redirect(url_for("offer_rules.show", rule_id=saved.id), 303)


@blueprint.get("/offers/rules/import")
@_require
def import_page() -> ResponseReturnValue:
    """The form for rules as TOML."""
    return render_template("offers/rule_import.html", form=RulesForm())


@blueprint.post("/offers/rules/import")
@_require
def import_rules() -> ResponseReturnValue:
    """Enters or renews each rule of the text, or none."""
    form = RulesForm(submitted())
    saved = attempt(form, lambda: _import(read_rules(_read_text(form))))
    if saved is None:
        return render_template("offers/rule_import.html", form=form), 422
    flash(_("%(count)s rules are saved.", count=len(saved)), "success")
    return redirect(url_for("offers.index"), 303)


def _import(definitions: list[RuleDefinition]) -> list[OfferRule]:
    if not definitions:
        raise Invalid(_("Write at least one rule."), field="text")
    return [save_rule(get_session(), each, at=now()) for each in definitions]


def _read_text(form: RulesForm) -> str:
    storage = form.file.data
    content = storage.read() if hasattr(storage, "read") else b""
    return decode_text(content) if content else form.text.data or ""


@blueprint.get("/offers/rules/<id:rule_id>")
@_require
def show(rule_id: int) -> ResponseReturnValue:
    """Can it be trusted, and what did it bring?"""
    page = load_rule_page(get_session(), rule_id)
    return render_template(
        "offers/rule.html", page=page, **_acts(page.row.rule), **live_addresses()
    )


def _acts(rule: OfferRule) -> dict[str, list[Action]]:
    try_it = Action(
        _("Try it on history"),
        action=url_for("offer_rules.backtest", rule_id=rule.id),
        icon="play",
        primary=rule.backtest_version != rule.version,
    )
    switch = Action(
        _("Switch off") if rule.is_enabled else _("Switch on"),
        action=url_for("offer_rules.switch", rule_id=rule.id),
        fields={"enabled": "no" if rule.is_enabled else "yes"},
        icon="pause" if rule.is_enabled else "check",
        primary=rule.backtest_version == rule.version and not rule.is_enabled,
    )
    change = Action(_("Edit"), url_for("offer_rules.edit", rule_id=rule.id), icon="edit", key="e")
    file = Action(
        _("Download as TOML"), url_for("offer_rules.download", rule_id=rule.id), icon="download"
    )
    return {"actions": [try_it, switch], "more": [change, file]}


@blueprint.get("/offers/rules/<id:rule_id>/rule.toml")
@_require
def download(rule_id: int) -> ResponseReturnValue:
    """The rule as a file."""
    rule = get_rule(get_session(), rule_id)
    text = write_rule(definition_of(rule))
    return as_download(f"offer-rule-{rule.id}.toml", text, "application/toml")


@blueprint.post("/offers/rules/<id:rule_id>/backtest")
@_require
def backtest(rule_id: int) -> ResponseReturnValue:
    """Has the rule tried on history; the page shows the result by itself."""
    want_backtest(get_session(), get_rule(get_session(), rule_id), at=now())
    flash(_("It is being tried. The result appears here in a moment."), "success")
    return redirect(url_for("offer_rules.show", rule_id=rule_id), 303)


@blueprint.post("/offers/rules/<id:rule_id>/switch")
@_require
def switch(rule_id: int) -> ResponseReturnValue:
    """Switches the rule on or off; on only when this version was tried."""
    rule = get_rule(get_session(), rule_id)
    is_enabled = request.form.get("enabled") == "yes"
    try:
        switch_rule(get_session(), rule, is_enabled=is_enabled, at=now())
    except (Conflict, Forbidden) as error:
        give_up()
        for sentence in explain(error):
            flash(sentence, "error")
    return redirect(url_for("offer_rules.show", rule_id=rule_id), 303)
