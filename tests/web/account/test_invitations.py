"""Invitations in the portal: from the administrator's form to the new person's first page."""

import re

import pytest

from tests.web.visitor import find_token, sign_in

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
NEW = "four unrelated words here"


def invite(site, email="new@example.com"):
    fields = {"email": email, "role": "technician"}
    page = site.as_("manager").post("/administration/invitations", fields)
    assert page.status_code == 200
    return re.search(r'value="http://localhost(/invitation\?token=[^"]+)"', page.text)[1]


def accept(site, link, **fields):
    visitor = site.visit()
    page = visitor.read(link)
    visitor.token = find_token(page)
    token = link.split("token=")[1]
    return visitor, visitor.post("/invitation", {"token": token, **fields})


def test_an_invited_person_names_themselves_and_signs_in(site):
    visitor, answer = accept(site, invite(site), name="New Person", password=NEW)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    visitor.token = find_token(visitor.read("/sign-in"))
    assert sign_in(visitor, "new@example.com", NEW).status_code == 303
    assert "Technician" in visitor.read("/me")


def test_a_used_link_is_gone(site):
    link = invite(site)
    accept(site, link, name="New Person", password=NEW)
    assert site.visit().get(link).status_code == 404


def test_a_refused_password_can_be_corrected(site):
    link = invite(site)
    _, answer = accept(site, link, name="New Person", password="1234567890")
    assert answer.status_code == 422
    assert "among the first that are guessed" in answer.text
    assert accept(site, link, name="New Person", password=NEW)[1].status_code == 303


def test_the_link_is_shown_once_only(site):
    token = invite(site).split("token=")[1]
    assert token not in site.as_("manager").read("/administration/invitations")


def test_who_is_signed_in_signs_out_first(site):
    page = site.as_("customer").read(invite(site))
    assert "Sign out, then open the link again." in page


def test_a_renewed_link_works_and_a_withdrawn_one_does_not(site):
    manager, old = site.as_("manager"), invite(site)
    page = manager.post("/administration/invitations/1/renew").text
    new = re.search(r'value="http://localhost(/invitation\?token=[^"]+)"', page)[1]
    assert site.visit().get(old).status_code == 404
    assert manager.post("/administration/invitations/2/withdraw").status_code == 303
    assert site.visit().get(new).status_code == 404
