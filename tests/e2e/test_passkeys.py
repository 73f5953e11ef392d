"""Passkeys in a real browser with a virtual authenticator."""

import re

import pytest

from tests.e2e.installed_base import MANAGER

pytestmark = [pytest.mark.e2e, pytest.mark.broker, pytest.mark.timeout(300)]


def plug_in(page):
    """A device with a lock that its owner opens at once, for this page's browser."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return protocol, made["authenticatorId"]


def add_passkey(page):
    page.goto("/me/passkeys")
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("The passkey is added.").wait_for()


def sign_out(page):
    page.context.clear_cookies()
    page.goto("/sign-in")


def test_a_person_adds_a_passkey_and_signs_in_by_it(visits):
    page = visits.sign_in(MANAGER)
    plug_in(page)
    add_passkey(page)
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile(r"/$"))
    page.goto("/me")
    assert MANAGER in page.inner_text("main")


def test_a_passkey_that_was_removed_signs_nobody_in(visits):
    visits.expect_refusals_of(r"/sign-in/passkey$")
    page = visits.sign_in(MANAGER)
    plug_in(page)
    add_passkey(page)
    while page.get_by_role("button", name="Remove").count():
        page.get_by_role("button", name="Remove").first.click()
        page.wait_for_load_state()
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("This passkey does not sign anybody in here.").wait_for()


def test_a_device_that_did_not_check_its_user_is_refused(visits):
    page = visits.sign_in(MANAGER)
    protocol, device = plug_in(page)
    add_passkey(page)
    sign_out(page)
    protocol.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("No passkey was used.").wait_for(timeout=90_000)
