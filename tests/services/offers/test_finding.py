"""The search: what becomes an offer, what does not, and what a rule's trial on history says."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from devices.assets import Asset
from devices.ownership import PartyKind, set_party
from foundation.errors import Forbidden, Invalid, NotFound
from foundation.identity.models import Organisation
from services.offers.definitions import get_rule
from services.offers.making import sweep_offers
from services.offers.models import Offer, OfferRule
from services.offers.policy_rules import is_held_out, quarter_start
from services.offers.rules import OfferMove, OfferState
from services.offers.stored import from_stored
from tests.services.scene import Scene


def sweep(offers):
    with offers.network.transaction() as session:
        return sweep_offers(session, at=offers.now)


def test_a_machine_that_idles_gets_an_offer_with_its_own_figures(offers):
    offers.rule()
    mine = next(each for each in offers.find() if each.asset_id == offers.asset)
    found = from_stored(mine.found)
    assert mine.state == OfferState.PROPOSED
    assert found.benefit.low <= 4.0 * 15 * 365 * 0.2 * 0.9 <= found.benefit.high
    assert found.watched.estimate.n >= 27
    assert found.watched.code == "idle_hours_per_day"


def test_a_second_search_waits_for_a_week_and_makes_none_twice(offers):
    offers.rule()
    assert len(offers.find()) == 2
    offers.network.clock.advance(8 * 86_400)
    offers.write(offers.asset)
    assert len(offers.find()) == 2


def test_without_consent_nothing_is_sought_and_what_is_open_ends(offers):
    offers.consent("other_customer", is_given=False)
    offers.rule()
    assert [each.asset_id for each in offers.find()] == [offers.asset]
    offers.consent("customer", is_given=False)
    assert sweep(offers) == 1
    (offer,) = offers.offers()
    assert (offer.state, offer.reason) == (OfferState.WITHDRAWN, "consent_ended")


def test_while_a_ticket_or_alarm_is_open_nothing_is_offered(offers):
    scene = Scene(offers.network)
    scene.report("customer", asset_id=offers.asset)
    scene.alarm(asset_id=offers.other_asset)
    offers.rule()
    assert offers.find() == []


def own_fleet(offers):
    """Both machines belong to one customer, who let them be used; returns the machines."""
    with offers.network.transaction() as session:
        organisation = session.get_one(Organisation, offers.network.organisations["customer"])
        asset = session.get_one(Asset, offers.other_asset)
        long_ago = offers.now - timedelta(days=199)
        kind = PartyKind.OWNER
        set_party(session, asset=asset, kind=kind, organisation=organisation, at=long_ago)
    return {offers.asset, offers.other_asset}


def again(offers, days):
    """The clock goes on, the machines idle on, and all rules search."""
    offers.network.clock.advance(days * 86_400)
    for asset in (offers.asset, offers.other_asset):
        offers.write(asset)
    return offers.find()


def end_all(offers):
    with offers.network.transaction() as session:
        for offer in session.scalars(select(Offer).where(Offer.ended_at.is_(None))):
            offer.state, offer.ended_at = OfferState.EXPIRED, offers.now


def test_a_rule_that_allows_none_makes_none(offers):
    offers.rule(max_per_quarter=0)
    assert offers.find() == []


def test_a_quarter_is_filled_and_not_over_filled_and_the_next_is_free(offers):
    own_fleet(offers)
    offers.rule(max_per_quarter=1, quiet_days=0)
    (first,) = offers.find()
    end_all(offers)
    days_left = (next_quarter(offers.now) - offers.now).days
    assert len(again(offers, days_left - 1)) == 1, "an ended one still counts"
    assert [each.id == first.id for each in again(offers, 9)] == [True, False]


def next_quarter(at):
    return quarter_start(quarter_start(at) + timedelta(days=100))


def test_a_quarter_of_several_zones_ends_with_the_last_of_them(offers):
    own_fleet(offers)
    offers.rule(max_per_quarter=1, quiet_days=0)
    assert len(offers.find()) == 1
    end_all(offers)
    with offers.network.transaction() as session:
        session.get_one(Asset, offers.other_asset).site.time_zone = "Asia/Seoul"
    in_seoul_alone = next_quarter(offers.now) - timedelta(hours=5) - offers.now
    assert len(again(offers, in_seoul_alone.total_seconds() / 86_400)) == 1


def test_offers_of_all_rules_fill_the_one_quarter(offers):
    own_fleet(offers)
    offers.rule(key="first", max_per_quarter=1)
    assert len(offers.find()) == 1
    offers.rule(key="second", max_per_quarter=2)
    found = again(offers, 8)
    assert sorted(each.rule_id for each in found) == [1, 2]
    offers.rule(key="third", max_per_quarter=2)
    assert len(again(offers, 8)) == 2, "the third rule finds it full"


def test_what_is_held_out_fills_the_quarter_too(offers):
    machines = own_fleet(offers)
    key = next(
        f"drive_{n}" for n in range(999) if all(is_held_out(f"drive_{n}", a, 50) for a in machines)
    )
    offers.rule(key=key, max_per_quarter=1, control_percent=50)
    assert [each.state for each in offers.find()] == [OfferState.HELD_OUT]
    offers.rule(key="second", max_per_quarter=1)
    assert len(again(offers, 8)) == 1


def test_another_customers_quarter_is_their_own(offers):
    offers.rule(max_per_quarter=1)
    assert {each.asset_id for each in offers.find()} == {offers.asset, offers.other_asset}


def test_nobody_is_asked_again_soon_after_a_no(offers):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove.SEND)
    offers.move(offer_id, OfferMove.DECLINE, "customer", reason="not_now")
    offers.network.clock.advance(30 * 86_400)
    offers.write(offers.asset)
    assert len([each for each in offers.find() if each.asset_id == offers.asset]) == 1
    offers.network.clock.advance(95 * 86_400)
    offers.write(offers.asset)
    assert len([each for each in offers.find() if each.asset_id == offers.asset]) == 2


def test_the_control_group_is_offered_nothing_but_kept_count_of(offers):
    key = next(
        f"drive_{n}"
        for n in range(100)
        if is_held_out(f"drive_{n}", offers.asset, 50)
        and not is_held_out(f"drive_{n}", offers.other_asset, 50)
    )
    offers.rule(key=key, control_percent=50)
    states = {each.asset_id: each.state for each in offers.find()}
    assert states == {
        offers.asset: OfferState.HELD_OUT,
        offers.other_asset: OfferState.PROPOSED,
    }
    assert offers.offers("manager") == offers.offers("customer") == []
    assert len(offers.offers("maker")) == 2


@pytest.mark.parametrize(("move", "reason"), [("send", None), ("veto", "other")])
def test_what_was_measured_is_measured_again_a_window_later(offers, move, reason):
    offer_id = offers.proposed()
    offers.move(offer_id, OfferMove(move), reason=reason)
    offers.network.clock.advance(29 * 86_400)
    offers.write(offers.asset, days=28, idle_hours=1.0)
    offers.find()
    offer = next(each for each in offers.offers() if each.id == offer_id)
    assert offer.watched == pytest.approx(4.0, abs=0.3)
    assert offer.watched_later == pytest.approx(1.0, abs=0.3)


def test_offers_end_with_their_time(offers):
    offers.proposed()
    offers.network.clock.advance(31 * 86_400)
    assert sweep(offers) == 2
    assert {each.state for each in offers.offers()} == {OfferState.EXPIRED}


def test_who_takes_the_machine_over_does_not_get_the_former_owners_offer(offers):
    offers.proposed()
    scene = Scene(offers.network)
    scene.network.asset, kept = offers.asset, scene.network.asset
    scene.set_party(PartyKind.OWNER, "other_customer")
    scene.network.asset = kept
    assert sweep(offers) == 1
    assert {each.state for each in offers.offers()} == {
        OfferState.WITHDRAWN, OfferState.PROPOSED,
    }  # fmt: skip


def test_a_former_owners_readings_are_not_used(offers):
    scene = Scene(offers.network)
    scene.network.asset, kept = offers.asset, scene.network.asset
    scene.set_party(PartyKind.OWNER, "other_customer")
    scene.network.asset = kept
    offers.rule()
    assert [each.asset_id for each in offers.find()] == [offers.other_asset]


def test_a_rule_is_not_switched_on_untried_nor_after_a_change(offers):
    rule_id = offers.rule(is_on=False)
    with pytest.raises(Forbidden):
        offers.switch(rule_id)
    offers.try_rule(rule_id)
    offers.switch(rule_id)
    offers.rule(is_on=False, price="5100.00")
    assert not offers.get_rule(rule_id).is_enabled
    with pytest.raises(Forbidden):
        offers.switch(rule_id)


def test_a_trial_says_how_many_what_they_are_worth_and_what_came_then(offers):
    for asset in (offers.asset, offers.other_asset):
        offers.write(asset, days=130)
    rule_id = offers.rule(is_on=False)
    offers.try_rule(rule_id)
    tried = offers.get_rule(rule_id).backtest
    assert (tried["assets"], tried["on_assets"]) == (2, 2)
    # Over 84 days with 90 days of peace after each: once an asset.
    assert (tried["made"], tried["worth_minor"]) == (2, 1_000_000)
    assert tried["followed"] == 2
    assert tried["before"] == pytest.approx(4.0, abs=0.4)
    assert tried["after"] == pytest.approx(4.0, abs=0.4)


def test_saving_the_same_again_is_no_new_version(offers):
    rule_id = offers.rule()
    assert offers.rule(is_on=False) == rule_id
    assert offers.get_rule(rule_id).version == 1
    assert offers.get_rule(rule_id).is_enabled


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "horoscope"}, "kind"),
        ({"parameters": {}}, "parameters"),
        ({"parameters": {"energy_price": 0.2, "power_metric": "steam"}}, "parameters"),
        ({"price": "0"}, "price"),
        ({"dealer_cost": "5000.01"}, "dealer_cost"),
        ({"control_percent": 51}, "control_percent"),
        ({"title": " "}, "title"),
    ],
)
def test_a_rule_that_does_not_fit_names_its_field(offers, changed, field):
    with pytest.raises(Invalid) as refused:
        offers.rule(is_on=False, **changed)
    assert refused.value.field == field


def test_rules_are_their_manufacturers_alone(offers):
    rule_id = offers.rule()
    with offers.session("manager") as session:
        with pytest.raises(NotFound):
            get_rule(session, rule_id)
        assert session.scalars(select(OfferRule)).all() == []


def test_an_idle_step_does_nothing(offers):
    assert offers.finding.step() == 0


def test_week_is_a_week(offers):
    offers.rule()
    offers.find()
    before = offers.get_rule(1).searched_at
    offers.network.clock.advance(timedelta(days=6).total_seconds())
    offers.finding.step()
    assert offers.get_rule(1).searched_at == before
