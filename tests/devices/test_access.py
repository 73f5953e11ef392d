"""The table of acts each role may perform, and who sees an asset in which period."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from devices.access import (
    Act,
    AssetVisibility,
    Visible,
    is_asset_visible,
    list_readable_periods,
    may,
    require,
    set_visibility,
)
from devices.assets import Asset, get_asset
from foundation.errors import Forbidden, NotFound
from foundation.identity.scope import Role, Scope
from foundation.intervals import Interval
from tests.conftest import START

EVERYONE = set(Role)
DEALERS = {Role.DEALER_MANAGER, Role.TECHNICIAN}
# The reviewed table: who may do what. A new act without a row fails.
ALLOWED = {
    Act.SEE_FLEET: EVERYONE,
    Act.COMMENT: EVERYONE,
    Act.WORK_TICKETS: DEALERS,
    Act.ASSIGN_TICKETS: {Role.DEALER_MANAGER},
    Act.REPORT_PROBLEM: DEALERS | {Role.CUSTOMER},
    Act.ADMINISTER_CATALOGUE: {Role.MANUFACTURER},
    Act.ADMINISTER_ASSETS: {Role.MANUFACTURER},
    Act.ADMINISTER_DEVICES: {Role.MANUFACTURER, Role.DEALER_MANAGER},
    Act.CLAIM_DEVICES: DEALERS | {Role.CUSTOMER},
    Act.ADMINISTER_PEOPLE: {Role.MANUFACTURER, Role.DEALER_MANAGER},
    Act.SEE_QUARANTINE: {Role.MANUFACTURER},
    Act.SEE_OFFERS: {Role.MANUFACTURER, Role.DEALER_MANAGER, Role.CUSTOMER},
    Act.CHECK_OFFERS: {Role.DEALER_MANAGER},
    Act.ANSWER_OFFERS: {Role.CUSTOMER},
    Act.ADMINISTER_OFFERS: {Role.MANUFACTURER},
    Act.TRANSFER_ASSETS: {Role.MANUFACTURER, Role.DEALER_MANAGER, Role.CUSTOMER},
    Act.SEE_GRANTS: {Role.MANUFACTURER, Role.DEALER_MANAGER, Role.CUSTOMER},
    Act.GRANT_DATA: {Role.CUSTOMER},
    Act.ASK_DATA: {Role.MANUFACTURER, Role.DEALER_MANAGER},
    Act.BREAK_GLASS: {Role.MANUFACTURER},
    Act.PLACE_DEALER: {Role.DEALER_MANAGER},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", Act)
def test_a_role_may_do_what_the_table_says(act, role):
    assert may(Scope.of_person(1, 2, role), act) is (role in ALLOWED[act])


@pytest.mark.parametrize("act", Act)
def test_the_platform_may_do_everything(act):
    assert may(Scope.system("test"), act)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", Act)
def test_what_a_role_may_not_do_is_refused_with_a_way_out(act, role):
    scope = Scope.of_person(1, 2, role)
    if may(scope, act):
        require(scope, act)
        return
    with pytest.raises(Forbidden, match="administrator"):
        require(scope, act)


@pytest.fixture
def session(filled):
    """The platform at work; nothing stays."""
    with filled.database.session(filled.scope()) as session:
        yield session


def show(session, filled, *visible):
    """Sets who sees the first asset: organisation, hours from and to."""
    rows = [
        Visible(filled.organisations[who], Interval(START + timedelta(hours=start), _hour(end)))
        for who, start, end in visible
    ]
    set_visibility(session, filled.asset, rows)


def _hour(number):
    return None if number is None else START + timedelta(hours=number)


def as_person(session, filled, person):
    session.expire_all()
    session.info["scope"] = filled.scope(person)


def test_visibility_is_replaced_as_a_whole(session, filled):
    show(session, filled, ("maker", 0, None), ("dealer", 0, None))
    show(session, filled, ("other_dealer", 0, None))
    query = select(AssetVisibility.organisation_id).where(AssetVisibility.asset_id == filled.asset)
    assert list(session.scalars(query)) == [filled.organisations["other_dealer"]]


@pytest.mark.parametrize(
    ("person", "is_seen"), [("manager", True), ("technician", True), ("other_manager", False)]
)
def test_an_asset_is_seen_by_everybody_of_an_organisation(session, filled, person, is_seen):
    show(session, filled, ("dealer", 0, None))
    as_person(session, filled, person)
    assert is_asset_visible(session, filled.asset) is is_seen


def test_a_foreign_asset_is_not_found_rather_than_forbidden(session, filled):
    as_person(session, filled, "manager")
    assert get_asset(session, filled.asset).serial == "P-0001"
    for unknown in (filled.other_asset, 999_999, 0, -1):
        with pytest.raises(NotFound):
            get_asset(session, unknown)


def test_a_period_that_ended_is_not_seen_now(session, filled):
    show(session, filled, ("dealer", 0, 5), ("maker", 0, None))
    as_person(session, filled, "manager")
    assert not is_asset_visible(session, filled.asset)
    assert session.scalars(select(Asset)).all() == []


def test_a_period_that_ended_is_still_readable_as_it_was(session, filled):
    show(session, filled, ("dealer", 0, 5), ("dealer", 9, None), ("maker", 0, None))
    as_person(session, filled, "manager")
    periods = sorted(list_readable_periods(session, filled.asset), key=lambda each: each.start)
    assert periods == [Interval(_hour(0), _hour(5)), Interval(_hour(9))]


def test_nothing_is_readable_of_a_foreign_asset(session, filled):
    as_person(session, filled, "manager")
    assert list_readable_periods(session, filled.other_asset) == []


def test_the_platform_reads_all_of_time(session, filled):
    assert list_readable_periods(session, filled.asset) is None
    assert is_asset_visible(session, filled.asset)
