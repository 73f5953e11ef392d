"""A customer is removed: nothing names it any more but the audit; others lose nothing."""

import numpy as np
import pytest
from sqlalchemy import func, select

from foundation import audit
from foundation.audit_seals import seal_rows, verify
from foundation.errors import Conflict
from foundation.identity.models import Organisation
from foundation.identity.people import get_organisation
from foundation.identity.scope import Scope
from foundation.jobs import enqueue
from millwright.operation.erasure import _references, erase, plan
from millwright.operation.requests import Requests, ask
from millwright.schema import METADATA
from telemetry.alarms.lifecycle import raise_alarm
from telemetry.alarms.models import Severity
from telemetry.store.contract import SampleBatch
from telemetry.store.duckdb_store import DuckDBStore

SYSTEM = Scope.system("test")


@pytest.fixture
def store(tmp_path):
    opened = DuckDBStore(tmp_path / "telemetry.duckdb", memory_limit="256MB")
    yield opened
    opened.close()


@pytest.fixture
def scene(network, store, clock):
    """The network with samples of both machines, an alarm and a job."""
    at_ms = np.arange(10, dtype=np.int64) * 1000
    for asset in (network.asset, network.other_asset):
        column = np.full(10, asset, dtype=np.uint32)
        store.write([SampleBatch("pump", column, at_ms, {"temperature": at_ms / 3})])
    with network.transaction() as session:
        raise_alarm(
            session,
            asset_id=network.asset,
            condition="hot",
            detector="limits",
            severity=Severity.SERIOUS,
            started_at=clock.now(),
            raised_at=clock.now(),
            evidence={},
        )
        enqueue(session, kind="x", payload={"asset_id": network.asset}, at=clock.now())
    return network


def name_of(network, key):
    with network.database.session(SYSTEM) as session:
        return session.get(Organisation, network.organisations[key]).name


def search(database, table_name, ids):
    """Every place that still names one of these rows."""
    found = []
    with database.session(SYSTEM) as session:
        for table in METADATA.sorted_tables:
            for column, target in _references(table):
                if target == table_name and not table.name.startswith("audit"):
                    count = select(func.count()).select_from(table).where(column.in_(ids))
                    found += [f"{table.name}.{column.name}"] if session.scalar(count) else []
    return found


def count_rows(database):
    with database.session(SYSTEM) as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table))
            for table in METADATA.sorted_tables
        }


def test_nothing_names_it_any_more(scene, store, clock):
    database, number = scene.database, scene.organisations["customer"]
    with database.transaction(SYSTEM) as session:
        seal_rows(session)
    done = erase(database, store, clock, name_of(scene, "customer"))
    assert scene.asset in done.assets
    assert search(database, "organisation", [number]) == []
    assert search(database, "asset", list(done.assets)) == []
    assert store.span("pump", scene.asset) is None
    with database.session(SYSTEM) as session:
        assert session.get(Organisation, number) is None
        assert verify(session).faults == ()
        actions = session.scalars(select(audit.AuditRow.action).order_by(audit.AuditRow.id)).all()
    assert actions[-1] == "command:organisation:erase"


def test_others_keep_all_that_is_theirs(scene, store, clock):
    erase(scene.database, store, clock, name_of(scene, "customer"))
    assert store.span("pump", scene.other_asset) == (0, 9000, 10)
    with scene.database.session(SYSTEM) as session:
        left = set(session.scalars(select(Organisation.id)))
    assert left == set(scene.organisations.values()) - {scene.organisations["customer"]}


def test_a_look_changes_nothing(scene):
    before = count_rows(scene.database)
    with scene.database.session(SYSTEM) as session:
        planned = plan(session, name_of(scene, "customer"))
    assert planned.rows["asset"] == 1
    assert planned.rows["job"] == 1
    assert count_rows(scene.database) == before


@pytest.mark.parametrize("who", ["manager", "maker"])
def test_who_others_depend_on_is_refused(scene, who):
    with scene.database.session(SYSTEM) as session:
        keys = {"manager": "dealer", "maker": "maker"}
        name = get_organisation(session, name_of(scene, keys[who])).name
        with pytest.raises(Conflict):
            plan(session, name)


def test_a_running_owner_does_it_when_it_is_asked(scene, store, clock, tmp_path):
    name = name_of(scene, "customer")
    works = {"erase": lambda asked, _tell: erase(scene.database, store, clock, asked["name"])}
    owner = Requests(scene.database, clock, tmp_path, works)
    ask(scene.database, clock, "erase", {"name": name})
    assert owner.step()
    assert not owner.step()
    assert search(scene.database, "organisation", [scene.organisations["customer"]]) == []
