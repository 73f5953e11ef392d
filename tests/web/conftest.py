"""The portal on a real database and store, and visitors who sign in through its form."""

import threading
from typing import ClassVar

import argon2
import pytest
from jinja2 import BytecodeCache

from foundation.identity import passwords
from foundation.identity.people import create_organisation, create_person
from foundation.identity.preferences import save_view
from foundation.identity.scope import OrganisationKind, Role
from foundation.jobs import run_due
from services.notifications.delivery import HANDLERS
from services.triage.triage import run_triage
from telemetry.alarms.lifecycle import raise_alarm
from telemetry.alarms.models import Severity
from telemetry.latest import Latest
from telemetry.quarantine import Refused, keep
from telemetry.store.duckdb_store import DuckDBStore
from tests.network import PASSWORD
from tests.web.matrix import ROLES
from tests.web.offering import add_offer
from tests.web.visitor import Site
from web.app import create_app
from web.pages.fleet_list import VIEWS_PAGE
from web.portal.live import get_feed
from web.runtime import WebRuntime


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes():
    """Argon2 with its least cost: nobody attacks the passwords of these tests."""
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", hasher)
        patch.setattr(passwords, "_NOBODY", hasher.hash("nobody has this password"))
        yield


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """One store for all tests of the portal; each test writes to times or machines of its own."""
    opened = DuckDBStore(tmp_path_factory.mktemp("store") / "telemetry.duckdb")
    yield opened
    opened.close()


class KeptTemplates(BytecodeCache):
    """Compiled templates, so that each test's own application does not compile them anew."""

    kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket):
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket):
        self.kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture
def make_site(network, store, clock):
    """Makes portals on the network's database; their threads end with the test."""
    stop = threading.Event()
    feeds = []

    def make(**changed) -> Site:
        settings = {
            "database": network.database,
            "store": store,
            "latest": Latest(),
            "clock": clock,
            "secret_key": "a key of the tests, long enough for all",
            "stream_limit": 4,
            "reprocess": lambda _message: False,
            "stop": stop,
        }
        runtime = WebRuntime(**(settings | changed))
        app = create_app(runtime)
        app.jinja_env.bytecode_cache = KeptTemplates()
        feeds.append(get_feed(app))
        return Site(app, runtime, network)

    yield make
    stop.set()
    for feed in feeds:
        feed.wait_ended(5)


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def lively(site):
    """The portal of a network in which an alarm, a ticket, a message and a fault exist."""
    network, at = site.network, site.network.clock.now()
    with network.transaction() as session:
        raise_alarm(
            session,
            asset_id=network.asset,
            condition="normal_period",
            detector="normal_period",
            severity=Severity.SERIOUS,
            started_at=at,
            raised_at=at,
            evidence={
                "detector": "normal_period",
                "metrics": [
                    {"metric": "temperature", "share": 0.8},
                    {"metric": "pressure", "share": 0.2},
                ],
                "score": 0.9,
            },
        )
        run_triage(session, at=at)
        keep(session, [_refused(network, at)])
    add_offer(network)
    run_due(network.database, network.clock, HANDLERS)
    _add_rival(network)
    site.views |= {person: _keep_view(network, person) for person in ROLES}
    return site


def _keep_view(network, person):
    with network.transaction(person) as session:
        kept = {"page": VIEWS_PAGE, "name": "Stopped", "query": {"state": "stopped"}}
        return save_view(session, **kept, at=network.clock.now()).id


def _add_rival(network):
    """A second manufacturer with somebody to sign in, who has no part in anything."""
    with network.transaction() as session:
        works = create_organisation(
            session, kind=OrganisationKind.MANUFACTURER, name="Rival Works", at=network.clock.now()
        )
        person = create_person(
            session,
            email=network.email("rival"),
            name="Rival",
            organisation=works,
            role=Role.MANUFACTURER,
            password=PASSWORD,
            at=network.clock.now(),
        )
        network.organisations["rival"] = works.id
        network.people["rival"] = person.id


def _refused(network, at):
    return Refused(
        source="pump-1",
        topic="mw/v1/pump-1/telemetry",
        payload=b'{"values": {"T9": "<script>alert(1)</script>"}}',
        received_at=at,
        code="unknown_metric",
        detail="The equipment model has no metric for the signal T9.",
        faults=1,
        organisation_id=network.organisations["maker"],
    )
