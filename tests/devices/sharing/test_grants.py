"""Grants of data: what each act changes for the next query, who may do it, what is left behind."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select

from devices.access import Reach, is_asset_visible, list_readable, list_readable_periods
from devices.assets import Asset, get_asset
from devices.ownership import PartyKind, set_party
from devices.sharing import grants
from devices.sharing.grants import Extent
from devices.sharing.models import DataGrant, DataRead, GrantReceipt, GrantState, Purpose
from devices.sharing.queries import list_grants, list_reads, record_read
from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity.models import Organisation
from foundation.intervals import Interval
from tests.conftest import START

HOUR = timedelta(hours=1)
ONLY = Extent(metrics=("temperature",))


@pytest.fixture
def session(filled):
    """One transaction in which several people act; nothing stays."""
    with filled.database.session(filled.scope()) as session:
        yield session


@pytest.fixture
def act(session, filled):
    """Lets a person act in the transaction."""

    @contextmanager
    def acting(person):
        session.flush()
        session.expire_all()
        session.info.pop("criteria", None)
        session.info["scope"] = filled.scope(person)
        yield session

    return acting


def home(session, filled, name):
    return session.get_one(Organisation, filled.organisations[name])


def default(session, filled):
    return session.scalar(
        select(DataGrant).where(DataGrant.owner_id == filled.organisations["customer"])
    )


def ask(session, filled, extent=ONLY):
    return grants.request_grant(
        session,
        owner=home(session, filled, "customer"),
        purpose=Purpose.WARRANTY,
        extent=extent,
        reason="Claim 17",
        at=START,
    )


def reads(session, filled, reach=Reach.READINGS):
    return is_asset_visible(session, filled.asset, reach)


def test_what_is_agreed_at_commissioning_is_a_grant_with_a_receipt(act, filled):
    with act("customer") as session:
        (row,) = list_grants(session)
    assert (row.grantee, row.state, row.covers_story) == (
        "Ironbridge Works",
        GrantState.GIVEN,
        True,
    )
    assert row.purposes == (Purpose.SERVICE, Purpose.PRODUCT_IMPROVEMENT)
    assert [each.reason for each in row.receipts] == ["Agreed at commissioning"]
    with act("maker") as session:
        assert reads(session, filled, Reach.EVERYTHING)


def test_after_revocation_the_manufacturer_knows_the_machine_and_nothing_of_it(act, filled):
    with act("customer") as session:
        grants.revoke(session, default(session, filled).id, at=START, reason="No more")
    with act("maker") as session:
        assert get_asset(session, filled.asset).serial == "P-0001"
        assert not reads(session, filled)
        assert list_readable(session, filled.asset) == []
        assert is_asset_visible(session, filled.other_asset, Reach.EVERYTHING)


def test_a_limit_leaves_only_the_named_metrics(act, filled):
    with act("customer") as session:
        number = default(session, filled).id
        grants.limit(session, number, metrics=["pressure"], covers_story=False, at=START)
        with pytest.raises(Invalid, match="add"):
            grants.limit(session, number, metrics=["temperature"], covers_story=False, at=START)
    with act("maker") as session:
        assert list_readable_periods(session, filled.asset, "temperature") == []
        assert len(list_readable_periods(session, filled.asset, "pressure")) == 1
        assert not reads(session, filled, Reach.EVERYTHING)


def test_a_request_shows_nothing_until_it_is_given(act, filled):
    with act("other_manager") as session:
        number = ask(session, filled, Extent(metrics=("temperature", "pressure"))).id
        assert not is_asset_visible(session, filled.asset)
    with act("customer") as session:
        grants.give(session, number, metrics=["pressure"], at=START)
    with act("other_manager") as session:
        assert list_readable_periods(session, filled.asset, "temperature") == []
        assert len(list_readable_periods(session, filled.asset, "pressure")) == 1
        assert [each.act for each in list_grants(session)[0].receipts] == ["request", "give"]


def test_a_refusal_needs_a_reason_which_the_other_side_reads(act, filled):
    with act("other_manager") as session:
        number = ask(session, filled).id
    with act("customer") as session:
        with pytest.raises(Invalid, match="why"):
            grants.refuse(session, number, reason=" ", at=START)
        grants.refuse(session, number, reason="Trade secret: recipe", at=START)
        with pytest.raises(Conflict):
            grants.give(session, number, metrics=None, at=START)
    with act("other_manager") as session:
        row = list_grants(session)[0]
        assert (row.state, row.receipts[-1].reason) == (GrantState.REFUSED, "Trade secret: recipe")
        assert not is_asset_visible(session, filled.asset)


@pytest.mark.parametrize("person", ["other_customer", "maker", "manager"])
def test_only_the_owner_decides(act, filled, person):
    number = None
    with act("other_manager") as session:
        number = ask(session, filled).id
    with act(person) as session, pytest.raises(NotFound):
        grants.give(session, number, metrics=None, at=START)


@pytest.mark.parametrize("person", ["technician", "other_technician"])
def test_who_may_not_ask_is_refused(act, filled, person):
    with act(person) as session, pytest.raises(Forbidden):
        ask(session, filled)


def test_nobody_gives_themselves_a_grant(act, filled):
    with act("other_manager") as session:
        session.add(
            DataGrant(
                owner_id=filled.organisations["customer"],
                grantee_id=filled.organisations["other_dealer"],
                state=GrantState.GIVEN,
                purposes=["service"],
                metrics=[],
                asked_at=START,
                changed_at=START,
            )
        )
        with pytest.raises(Forbidden):
            session.flush()


def test_a_receipt_is_never_changed(act, filled):
    with act("customer") as session:
        session.scalars(select(GrantReceipt)).first().reason = "Never agreed"
        with pytest.raises(Forbidden):
            session.flush()


def test_breaking_the_glass_shows_the_machine_for_its_hours_before_the_owners_eyes(act, filled):
    owner = filled.organisations["customer"]
    with act("customer") as session:
        grants.revoke(session, default(session, filled).id, at=START)
    with act("maker") as session:
        glass = grants.break_glass(
            session, asset_id=filled.asset, owner_id=owner, reason="Fire", hours=4, at=START
        )
        assert reads(session, filled, Reach.EVERYTHING)
    with act("customer") as session:
        row = next(each for each in list_grants(session) if each.id == glass.id)
        assert (row.receipts[0].reason, row.expires_at) == ("Fire", START + 4 * HOUR)
    with act(None) as session:
        grants.expire(session, {"grant_id": glass.id})
    with act("maker") as session:
        assert not reads(session, filled)


@pytest.mark.parametrize(("reason", "hours"), [("", 4), ("Fire", 0), ("Fire", 73), ("Fire", -1)])
def test_glass_is_not_broken_without_reason_or_for_days(act, filled, reason, hours):
    owner = filled.organisations["customer"]
    with act("maker") as session, pytest.raises(Invalid):
        grants.break_glass(
            session, asset_id=filled.asset, owner_id=owner, reason=reason, hours=hours, at=START
        )


def test_a_grant_covers_the_granting_owners_own_time_only(act, filled):
    with act(None) as session:
        asset = session.get_one(Asset, filled.asset)
        owner = home(session, filled, "other_customer")
        set_party(session, asset=asset, kind=PartyKind.OWNER, organisation=owner, at=START)
    with act("customer") as session:
        grants.revoke(session, default(session, filled).id, at=START)
    with act("maker") as session:
        assert list_readable_periods(session, filled.asset) == [Interval(START)]


def test_an_act_of_one_party_takes_nothing_from_the_others(act, filled):
    with act("other_manager") as session:
        number = ask(session, filled).id
    with act("customer") as session:
        grants.give(session, number, metrics=None, at=START)
        grants.revoke(session, default(session, filled).id, at=START)
    for person in ("manager", "technician", "customer"):
        with act(person) as session:
            assert reads(session, filled, Reach.EVERYTHING)


def test_reads_of_others_are_noted_once_a_day_and_told_to_both(act, filled):
    with act("maker") as session:
        assert record_read(session, filled.asset, at=START)
        assert not record_read(session, filled.asset, at=START + HOUR)
        assert record_read(session, filled.asset, at=START + 24 * HOUR)
    for person, sees in (("customer", 2), ("maker", 2), ("other_customer", 0), ("manager", 0)):
        with act(person) as session:
            assert len(list_reads(session)) == sees
    with act("customer") as session:
        assert list_reads(session)[0].purpose == "service product_improvement"


def test_the_owners_own_reads_are_not_noted(act, filled):
    with act("customer") as session:
        assert not record_read(session, filled.asset, at=START)


def test_nobody_writes_the_log_for_somebody_else(act, filled):
    with act("maker") as session:
        session.add(
            DataRead(
                owner_id=filled.organisations["customer"],
                reader_id=filled.organisations["dealer"],
                person_id=filled.people["manager"],
                asset_id=filled.asset,
                purpose="service",
                day=START,
                first_at=START,
            )
        )
        with pytest.raises(Forbidden):
            session.flush()
