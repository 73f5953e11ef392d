"""Signing in through an organisation's provider, a real process on this machine."""

import html
import re
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from foundation.identity.models import Membership, Person
from foundation.identity.scope import Role
from tests.identity_provider import CLIENT, SECRET, RunningProvider
from tests.web.visitor import find_token

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
EMAIL = "kim@north.example"
CLAIMS = {"email": EMAIL, "email_verified": True, "name": "Kim Berger", "groups": ["field"]}


@pytest.fixture(scope="module")
def provider():
    running = RunningProvider()
    yield running
    running.stop()


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


@pytest.fixture
def joined(make_site, provider):
    """The portal with the dealer's provider entered by its manager."""
    site = make_site(private_hosts=("127.0.0.1",))
    fields = {
        "issuer": provider.url,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "domain": "north.example",
        "group_claim": "groups",
        "roles": "field = technician\nleads = dealer_manager",
    }
    answer = site.as_("manager").post("/administration/sign-in/provider", fields)
    assert answer.status_code == 303, answer.text
    site.provider = provider
    tell(site)
    return site


def tell(site, *, claims=None, **told):
    now = int(site.network.clock.now().timestamp())
    site.provider.tell(now=now, claims=CLAIMS | (claims or {}), **told)


def begin(site, email=EMAIL):
    visitor = site.visit()
    answer = visitor.post("/sign-in/organisation", {"email": email, "next": "/tickets"})
    assert answer.status_code == 200, answer.text
    url = html.unescape(re.search(r'href="(http://127[^"]+)"', answer.text)[1])
    return visitor, url


def agree(url):
    """What the provider sends the browser back with."""
    opener = urllib.request.build_opener(Stay)
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(url, timeout=10)
    answer.value.close()
    return answer.value.headers["Location"].removeprefix("http://localhost")


def come_in(site):
    visitor, url = begin(site)
    return visitor, visitor.get(agree(url))


def roles_of(site, email=EMAIL):
    with site.network.transaction() as session:
        query = select(Membership.role).join(Person).where(Person.email == email)
        return set(session.scalars(query))


def test_a_new_person_comes_in_with_the_role_of_their_group(joined):
    visitor, answer = come_in(joined)
    assert (answer.status_code, answer.location) == (302, "/tickets")
    assert "Kim Berger" in visitor.read("/me")
    assert roles_of(joined) == {Role.TECHNICIAN}


def test_the_question_carries_a_challenge_a_nonce_and_a_state(joined):
    asked = parse_qs(urlsplit(begin(joined)[1]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[each][0]) >= 22 for each in ("state", "nonce", "code_challenge"))


def test_roles_follow_the_groups_at_each_sign_in(joined):
    come_in(joined)
    tell(joined, claims={"groups": ["leads"]})
    come_in(joined)
    assert roles_of(joined) == {Role.DEALER_MANAGER}


def test_a_second_sign_in_goes_by_the_subject_and_not_by_the_address(joined):
    come_in(joined)
    tell(joined, claims={"email": "other@north.example", "email_verified": False})
    assert come_in(joined)[1].status_code == 302
    assert roles_of(joined, "other@north.example") == set()


@pytest.mark.parametrize(
    "told",
    [
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"aud": "another client"}},
        {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
        {"claims": {"nonce": "of another attempt"}},
        {"claims": {"exp": 1}},
        {"claims": {"iat": 9_999_999_999}},
        {"claims": {"sub": None}},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"foreign_key": True},
        {"claims": {"email_verified": False}},
        {"claims": {"email_verified": "true"}},
        {"claims": {"email": "kim@elsewhere.example"}},
        {"claims": {"groups": ["strangers"]}},
        {"claims": {"groups": {"field": 1}}},
    ],
    ids=str,
)
def test_what_is_not_as_it_must_be_lets_nobody_in(joined, told):
    tell(joined, **told)
    visitor, answer = come_in(joined)
    assert answer.status_code in (403, 422)
    assert visitor.get("/").status_code == 302
    assert roles_of(joined) == set()


def test_an_answer_counts_once(joined):
    visitor, url = begin(joined)
    answer = agree(url)
    assert visitor.get(answer).status_code == 302
    visitor.post("/sign-out")
    other = joined.visit()
    other.client.set_cookie("mw_attempt", visitor.client.get_cookie("mw_attempt").value)
    assert other.get(answer).status_code == 422


def test_an_answer_is_worth_nothing_in_another_browser(joined):
    _, url = begin(joined)
    assert joined.visit().get(agree(url)).status_code == 422


def test_a_foreign_state_is_refused(joined):
    visitor, _ = begin(joined)
    _, other = begin(joined)
    assert visitor.get(agree(other)).status_code == 422


def test_a_provider_does_not_speak_for_people_of_other_organisations(joined):
    with joined.network.transaction() as session:
        person = session.get_one(Person, joined.network.people["other_technician"])
        person.email = EMAIL
    assert come_in(joined)[1].status_code == 403


def test_nor_for_its_own_people_who_belong_to_another_as_well(joined):
    come_in(joined)
    with joined.network.transaction() as session:
        person = session.scalar(select(Person).where(Person.email == EMAIL))
        organisation_id = joined.network.organisations["other_dealer"]
        session.add(
            Membership(person_id=person.id, organisation_id=organisation_id, role=Role.TECHNICIAN)
        )
    assert come_in(joined)[1].status_code == 403


def test_a_provider_that_answers_for_another_is_refused(joined):
    tell(joined, issuer="https://evil.example")
    visitor = joined.visit()
    answer = visitor.post("/sign-in/organisation", {"email": EMAIL})
    assert answer.status_code == 503


def test_an_address_that_no_provider_speaks_for_is_told_so(joined):
    answer = joined.visit().post("/sign-in/organisation", {"email": "x@nobody.example"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issuer", "http://169.254.169.254"),
        ("issuer", "file:///etc/passwd"),
        ("roles", "field = manufacturer"),
        ("roles", "no pair"),
        ("domain", "no domain"),
    ],
)
def test_what_cannot_be_used_is_not_saved(joined, field, value):
    fields = {
        "issuer": "https://id.example",
        "client_id": CLIENT,
        "domain": "north.example",
        "roles": "field = technician",
    }
    answer = joined.as_("manager").post(
        "/administration/sign-in/provider", fields | {field: value}
    )
    assert answer.status_code == 422


def test_the_secret_is_sealed_and_never_shown(joined):
    assert SECRET not in joined.as_("manager").read("/administration/sign-in/provider")
    with joined.network.transaction() as session:
        query = "SELECT sealed_secret FROM identity_provider"
        sealed = session.connection().exec_driver_sql(query).scalar()
    assert SECRET not in sealed


def test_another_organisation_takes_no_domain_that_is_in_use(joined):
    fields = {
        "issuer": "https://id.example",
        "client_id": CLIENT,
        "client_secret": "x",
        "domain": "north.example",
        "roles": "field = technician",
    }
    visitor = joined.visit("other_manager")
    visitor.token = find_token(visitor.read("/administration/sign-in/provider"))
    answer = visitor.post("/administration/sign-in/provider", fields)
    assert "Another organisation signs in with this domain." in answer.text
