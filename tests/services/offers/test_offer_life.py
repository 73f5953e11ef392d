"""An offer from its dealer's check to the order: who may do what, and what is kept of it."""

import pytest
from sqlalchemy import select

from foundation.audit import AuditRow
from foundation.changes import ChangeRow
from foundation.errors import Forbidden, NotFound
from foundation.jobs import run_due
from services.notifications.delivery import HANDLERS
from services.notifications.models import Notification
from services.notifications.queries import count_unread, list_notifications
from services.offers.models import OfferEvent, OfferTerms, OfferVersion
from services.offers.refusals import OfferRefused, WordingRefused
from services.offers.rules import OfferMove, OfferState
from services.orders.ordering import list_discrepancies
from services.orders.rules import OrderMove, OrderState
from tests.services.scene import Scene


def test_checked_sent_seen_accepted_and_done(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    offers.move(offer_id, OfferMove.SEE, "customer")
    order = offers.accept(offer_id)
    assert (order.amount_minor, order.currency, order.state) == (500_000, "EUR", "ordered")
    offers.order_move(order.id, OrderMove.CONFIRM)
    offers.order_move(order.id, OrderMove.COMPLETE, run_hours=1_234.0)
    (done,) = offers.orders("customer")
    assert done.state == OrderState.DONE
    (offer, *_) = offers.offers("manager")
    assert (offer.state, offer.done_hours) == (OfferState.ACCEPTED, 1_234.0)
    with offers.session() as session:
        acts = session.scalars(select(OfferEvent.act).where(OfferEvent.offer_id == offer_id))
        assert list(acts) == [
            "found", "send", "see", "accept", "order_confirm", "order_complete",
        ]  # fmt: skip
        assert list_discrepancies(session) == []


def test_every_act_is_audited_and_announced(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    with offers.session() as session:
        actions = session.scalars(select(AuditRow.action).where(AuditRow.subject_kind == "offer"))
        assert "portal:offer:send" in list(actions)
        kinds = session.scalars(select(ChangeRow.kind).where(ChangeRow.subject_id == offer_id))
        assert "offer" in list(kinds)


def test_an_edit_makes_a_version_and_a_stale_answer_is_refused(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    offers.move(offer_id, OfferMove.SEE, "customer")
    offers.edit(offer_id, price="4500")
    with pytest.raises(OfferRefused) as refused:
        offers.accept(offer_id, version=1)
    assert refused.value.reasons[0].code == "offer_changed"
    assert offers.orders() == []
    order = offers.accept(offer_id, version=2)
    assert (order.amount_minor, order.offer_version) == (450_000, 2)
    with offers.session("customer") as session:
        found = session.scalars(select(OfferVersion).where(OfferVersion.offer_id == offer_id))
        assert [each.price_minor for each in found] == [500_000, 450_000]


@pytest.mark.parametrize("price", ["3999.99", "6000.01"])
def test_a_price_outside_its_bounds_is_refused(offers, price):
    offer_id = offers.proposed()
    with pytest.raises(WordingRefused) as refused:
        offers.edit(offer_id, price=price)
    assert (refused.value.field, refused.value.reasons[0].code) == ("price", "offer_price_outside")


def test_prices_at_the_bounds_are_taken(offers):
    offer_id = offers.proposed()
    offers.edit(offer_id, version=1, price="4000.00")
    assert offers.edit(offer_id, version=2, price="6000.00").version == 3


def test_a_veto_needs_a_reason_and_hides_the_offer_from_its_customer(offers):
    offer_id = offers.proposed()
    with pytest.raises(OfferRefused):
        offers.move(offer_id, OfferMove.VETO)
    offers.move(offer_id, OfferMove.VETO, reason="not_fitting")
    assert offers.offers("customer") == []
    offer = next(each for each in offers.offers() if each.id == offer_id)
    assert (offer.state, offer.reason) == (OfferState.VETOED, "not_fitting")


def test_a_decline_keeps_its_reason(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    offers.move(offer_id, OfferMove.DECLINE, "customer", reason="too_expensive")
    (offer,) = offers.offers("customer")
    assert (offer.state, offer.reason) == (OfferState.DECLINED, "too_expensive")
    assert offer.seen_at is not None


def break_down(offers, what):
    """Opens an alarm alone, or a ticket alone, on the machine of the offer."""
    scene = Scene(offers.network)
    if what == "alarm":
        return scene.alarm(asset_id=offers.asset)
    return scene.report("customer", asset_id=offers.asset)


@pytest.mark.parametrize("what", ["alarm", "ticket"])
def test_while_the_machine_is_down_nothing_is_sent(offers, what):
    offer_id = offers.proposed()
    break_down(offers, what)
    with pytest.raises(OfferRefused) as refused:
        offers.move(offer_id, OfferMove.SEND)
    assert [each.code for each in refused.value.reasons] == [f"offer_{what}_open"]
    assert offers.edit(offer_id).state == OfferState.PROPOSED, "the dealer may prepare it"


@pytest.mark.parametrize("what", ["alarm", "ticket"])
def test_while_the_machine_is_down_what_was_sent_is_not_sent_anew(offers, what):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    break_down(offers, what)
    with pytest.raises(OfferRefused) as refused:
        offers.edit(offer_id)
    assert [each.code for each in refused.value.reasons] == [f"offer_{what}_open"]
    (offer,) = offers.offers("customer")
    assert (offer.state, offer.version) == (OfferState.SENT, 1)


@pytest.mark.parametrize("what", ["alarm", "ticket"])
def test_what_was_sent_before_can_still_be_answered_as_it_was_sent(offers, what):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    break_down(offers, what)
    offers.move(offer_id, OfferMove.SEE, "customer")
    assert offers.accept(offer_id).amount_minor == 500_000


def test_once_consent_ended_nothing_is_sent_anew(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    offers.consent("customer", is_given=False)
    with pytest.raises(OfferRefused) as refused:
        offers.edit(offer_id)
    assert [each.code for each in refused.value.reasons] == ["offer_no_consent"]


@pytest.mark.parametrize("person", ["other_manager", "other_customer"])
def test_strangers_see_nothing(offers, person):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    with pytest.raises(NotFound):
        offers.move(offer_id, OfferMove.ACCEPT, person)


def test_only_the_dealer_knows_cost_and_only_parties_the_price(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    seen = {}
    for person in ("maker", "manager", "technician", "customer", "other_manager"):
        with offers.session(person) as session:
            seen[person] = (
                len(session.scalars(select(OfferTerms)).all()),
                len(
                    session.scalars(
                        select(OfferVersion).where(OfferVersion.offer_id == offer_id)
                    ).all()
                ),
            )
    assert seen == {
        "maker": (0, 0),
        "manager": (1, 1),
        "technician": (0, 0),
        "customer": (0, 1),
        "other_manager": (1, 0),
    }


def test_a_customer_cannot_change_what_the_offer_says(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    with offers.network.transaction("customer") as session:
        version = session.scalars(select(OfferVersion)).one()
        version.price_minor = 1
        with pytest.raises(Forbidden):
            session.flush()
        session.rollback()


def test_an_accepted_offer_moves_no_more(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    offers.accept(offer_id)
    for move, person, reason in (
        (OfferMove.WITHDRAW, "manager", "mistake"),
        (OfferMove.DECLINE, "customer", "other"),
    ):
        with pytest.raises(OfferRefused):
            offers.move(offer_id, move, person, reason=reason)
    with pytest.raises(OfferRefused):
        offers.accept(offer_id)
    assert len(offers.orders()) == 1


def test_a_cancelled_order_leaves_the_books_even(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    order = offers.accept(offer_id)
    with pytest.raises(OfferRefused):
        offers.order_move(order.id, OrderMove.CANCEL)
    offers.order_move(order.id, OrderMove.CANCEL, note="The drive is not made any more.")
    with offers.session("manager") as session:
        assert list_discrepancies(session) == []
    assert offers.orders()[0].state == OrderState.CANCELLED


def test_the_right_people_are_told(offers):
    offer_id = offers.proposed()
    network = offers.network
    run_due(network.database, network.clock, HANDLERS, limit=100)
    offers.move(offer_id, OfferMove.SEND)
    offers.accept(offer_id)
    run_due(network.database, network.clock, HANDLERS, limit=100)
    with offers.session() as session:
        query = select(Notification.person_id, Notification.kind).where(
            Notification.offer_id == offer_id
        )
        told = {tuple(row) for row in session.execute(query)}
    people = network.people
    assert told == {
        (people["manager"], "offer_to_check"),
        (people["customer"], "offer_sent"),
        (people["manager"], "offer_accepted"),
    }
    with offers.session("manager") as session:
        assert count_unread(session) == 2
        assert list_notifications(session).rows[0].number == f"O-{5000 + offer_id}"
