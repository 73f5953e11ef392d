"""Offers and the orders they become: the list of each role, the page of one, and its answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from devices.access import Act
from devices.fleet import list_metric_labels
from foundation.errors import Conflict, Invalid
from foundation.identity.scope import Role
from foundation.money import money
from services.notifications.queries import mark_read
from services.offers.consents import find_consent, set_own_consent
from services.offers.moves import Wording, edit_offer, move_offer
from services.offers.queries import count_offers, get_offer, list_offers, list_rules
from services.offers.rules import AT_CUSTOMER, FINAL_STATES, OfferMove, OfferState, Wish
from services.orders.models import Order
from services.orders.ordering import accept_offer, get_order_to_change, move_order
from services.orders.queries import count_orders, list_orders
from services.orders.rules import FINAL_STATES as FINAL_ORDERS
from services.orders.rules import OrderMove, OrderState
from web.forms import explain
from web.pages.offer import benefit_of, load_offer_page, money_of, trigger_of
from web.pages.parts import Action, Chip
from web.portal.live import live_addresses
from web.request_scope import get_runtime, get_scope, get_session, give_up, now, require
from web.wording.translate import gettext as _

blueprint = Blueprint("offers", __name__)
_OPEN_ORDERS = tuple(state for state in OrderState if state not in FINAL_ORDERS)
_HOURS = "run_hours"


class _View(NamedTuple):
    """One chip above the list."""

    key: str
    label: str
    states: tuple[OfferState, ...]


def _list_views() -> list[_View]:
    over = _View("over", _("Over"), tuple(FINAL_STATES))
    if get_scope().role == Role.CUSTOMER:
        return [_View("open", _("For you"), AT_CUSTOMER), over]
    check = _View("check", _("To check"), (OfferState.PROPOSED,))
    return [check, _View("sent", _("With customers"), AT_CUSTOMER), over]


@blueprint.get("/offers")
@require(Act.SEE_OFFERS)
def index() -> ResponseReturnValue:
    """For dealers what to check, for customers what they are offered, else rules and totals."""
    if get_scope().role == Role.MANUFACTURER:
        return _rules_page()
    session, views = get_session(), _list_views()
    view = next((each for each in views if each.key == request.args.get("view")), views[0])
    return render_template(
        "offers/index.html",
        view=view,
        chips=_chips(view, views),
        page=list_offers(session, view.states, cursor=request.args.get("cursor")),
        orders=list_orders(session, _OPEN_ORDERS),
        done=count_orders(session, tuple(FINAL_ORDERS)),
        metrics=list_metric_labels(session),
        has_consent=find_consent(session, get_scope().organisation_id or 0) is not None,
        trigger_of=trigger_of,
        benefit_of=benefit_of,
        money_of=money_of,
        **live_addresses(),
    )


def _chips(view: _View, views: list[_View]) -> list[Chip]:
    session = get_session()
    return [
        Chip(
            each.label,
            url_for("offers.index", view=each.key),
            each is view,
            count_offers(session, each.states),
        )
        for each in views
    ]


def _rules_page() -> str:
    new, imported = url_for("offer_rules.new"), url_for("offer_rules.import_page")
    return render_template(
        "offers/rules.html",
        rules=list_rules(get_session()),
        actions=[
            Action(_("Import rules"), imported, icon="upload"),
            Action(_("Write a rule"), new, icon="plus", primary=True),
        ],
        **live_addresses(),
    )


@blueprint.get("/offers/<id:offer_id>")
@require(Act.SEE_OFFERS)
def show(offer_id: int) -> ResponseReturnValue:
    """What is gained, what it costs, and how that is known."""
    page = load_offer_page(get_session(), offer_id)
    return render_template(
        "offers/show.html", page=page, money_of=money_of, **live_addresses(page.row.asset_id)
    )


def _answer(offer_id: int, act: Callable[[], Any], done: str) -> ResponseReturnValue:
    """Back to the offer, with what was done or refused in words."""
    try:
        act()
        mark_read(get_session(), at=now(), offer_id=offer_id)
        if done:
            flash(done, "success")
    except (Invalid, Conflict) as error:
        give_up()
        for sentence in explain(error):
            flash(sentence, "error")
    return redirect(url_for("offers.show", offer_id=offer_id), 303)


def _move(offer_id: int, move: OfferMove, done: str = "") -> ResponseReturnValue:
    wish = Wish(move, _read_version(), request.form.get("reason"))
    text = request.form.get("note", "")

    def act() -> None:
        move_offer(get_session(), offer_id=offer_id, wish=wish, at=now(), text=text)

    return _answer(offer_id, act, done)


def _read_version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@blueprint.post("/offers/<id:offer_id>/edit")
@require(Act.CHECK_OFFERS)
def edit(offer_id: int) -> ResponseReturnValue:
    """Gives the offer another title, text or price."""

    def act() -> None:
        currency = get_offer(get_session(), offer_id).currency
        wording = Wording(
            version=_read_version(),
            title=request.form.get("title", ""),
            description=request.form.get("description", ""),
            price=money(request.form.get("price", "").strip().replace(",", "."), currency),
        )
        edit_offer(get_session(), offer_id=offer_id, wording=wording, at=now())

    return _answer(offer_id, act, _("Saved as a new version."))


@blueprint.post("/offers/<id:offer_id>/send")
@require(Act.CHECK_OFFERS)
def send(offer_id: int) -> ResponseReturnValue:
    """Sends the offer to its customer."""
    return _move(offer_id, OfferMove.SEND, _("Sent to the customer."))


@blueprint.post("/offers/<id:offer_id>/veto")
@require(Act.CHECK_OFFERS)
def veto(offer_id: int) -> ResponseReturnValue:
    """Does not send the offer, and says why."""
    return _move(offer_id, OfferMove.VETO, _("It is not sent."))


@blueprint.post("/offers/<id:offer_id>/withdraw")
@require(Act.CHECK_OFFERS)
def withdraw(offer_id: int) -> ResponseReturnValue:
    """Takes a sent offer back, and says why."""
    return _move(offer_id, OfferMove.WITHDRAW, _("It is withdrawn."))


@blueprint.post("/offers/<id:offer_id>/seen")
@require(Act.ANSWER_OFFERS)
def see(offer_id: int) -> ResponseReturnValue:
    """The customer has it before their eyes; their page says so by itself."""
    return _move(offer_id, OfferMove.SEE)


@blueprint.post("/offers/<id:offer_id>/accept")
@require(Act.ANSWER_OFFERS)
def accept(offer_id: int) -> ResponseReturnValue:
    """Accepts the version that was seen: it becomes an order."""

    def act() -> None:
        accept_offer(get_session(), offer_id=offer_id, version=_read_version(), at=now())

    return _answer(offer_id, act, _("Ordered. Your dealer was told and will confirm it."))


@blueprint.post("/offers/<id:offer_id>/decline")
@require(Act.ANSWER_OFFERS)
def decline(offer_id: int) -> ResponseReturnValue:
    """Declines, and says why."""
    return _move(offer_id, OfferMove.DECLINE, _("Declined. Your dealer was told."))


@blueprint.post("/offers/consent")
@require(Act.ANSWER_OFFERS)
def consent() -> ResponseReturnValue:
    """The customer switches offers from their machines' readings on or off."""
    is_given = request.form.get("given") == "yes"
    set_own_consent(get_session(), is_given=is_given, at=now())
    flash(_("Offers are switched on.") if is_given else _("Offers are switched off."), "success")
    return redirect(url_for("offers.index"), 303)


@blueprint.post("/orders/<id:order_id>/move")
@require(Act.CHECK_OFFERS)
def move(order_id: int) -> ResponseReturnValue:
    """Confirms, completes or cancels an order."""
    order = get_order_to_change(get_session(), order_id)

    def act() -> None:
        text = request.form.get("move", "")
        if text not in list(OrderMove):
            raise Invalid(_("There is no such move."))
        move_order(
            get_session(),
            order_id=order_id,
            move=OrderMove(text),
            note=request.form.get("note", ""),
            run_hours=_read_hours(order),
            at=now(),
        )

    return _answer(order.offer_id, act, _("Saved."))


def _read_hours(order: Order) -> float | None:
    """The machine's hour meter now, so that its next service counts from here."""
    latest = get_runtime().latest.find(order.asset_id)
    found = latest.values.get(_HOURS) if latest is not None else None
    return found[0] if found is not None else None
