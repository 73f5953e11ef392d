"""Kept views and dismissed hints: each person's own, and nobody else's."""

import pytest

from foundation.errors import Conflict, Forbidden, Invalid, NotFound
from foundation.identity import preferences
from foundation.identity.preferences import (
    delete_view,
    dismiss,
    is_dismissed,
    list_views,
    rename_view,
    save_view,
)
from tests.conftest import START

QUERY = {"state": "critical", "sort": "-heard"}


@pytest.fixture
def session(filled):
    with filled.database.session(filled.scope("manager")) as session:
        yield session


def keep(session, name="My worst", query=QUERY):
    return save_view(session, page="machines", name=name, query=query, at=START)


def test_a_view_comes_back_under_its_name(session):
    keep(session, "  My   worst ")
    assert [(each.name, each.query) for each in list_views(session, "machines")] == [
        ("My worst", QUERY)
    ]
    assert list_views(session, "tickets") == []


def test_a_view_of_the_same_name_is_replaced(session):
    keep(session)
    keep(session, query={"q": "pump"})
    assert [each.query for each in list_views(session, "machines")] == [{"q": "pump"}]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_view_needs_a_name_that_can_be_read(session, name):
    with pytest.raises(Invalid):
        keep(session, name)


def test_a_view_is_renamed_and_deleted(session):
    view = keep(session)
    rename_view(session, view.id, "Silent ones")
    assert [each.name for each in list_views(session, "machines")] == ["Silent ones"]
    delete_view(session, view.id)
    assert list_views(session, "machines") == []
    with pytest.raises(NotFound):
        delete_view(session, view.id)


def test_two_views_do_not_share_a_name(session):
    keep(session, "First")
    second = keep(session, "Second")
    with pytest.raises(Conflict, match="First"):
        rename_view(session, second.id, "First")


def test_nobody_else_sees_or_changes_a_view(network):
    with network.transaction("manager") as session:
        view = keep(session)
    for person in ("technician", "other_manager", "customer", "maker"):
        with network.transaction(person) as session:
            assert list_views(session, "machines") == []
            with pytest.raises(NotFound):
                rename_view(session, view.id, "Mine now")


def test_the_number_of_views_is_bounded(session, monkeypatch):
    monkeypatch.setattr(preferences, "MAX_VIEWS", 2)
    keep(session, "First")
    keep(session, "Second")
    with pytest.raises(Invalid, match="delete one first"):
        keep(session, "Third")
    keep(session, "Second")


def test_a_hint_is_put_away_for_one_person_alone(network):
    with network.transaction("manager") as session:
        dismiss(session, "first_steps", at=START)
        dismiss(session, "first_steps", at=START)
        assert is_dismissed(session, "first_steps")
        assert not is_dismissed(session, "another")
    with network.transaction("technician") as session:
        assert not is_dismissed(session, "first_steps")


def test_the_platform_itself_keeps_nothing(network):
    with network.transaction() as session, pytest.raises(Forbidden):
        dismiss(session, "first_steps", at=START)
