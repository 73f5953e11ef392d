"""What a real broker refused, read from its log into the audit: once, bounded, under its maker."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from devices.provisioning import Device
from devices.security.denials import Denial, list_denials, record_denial
from foundation.audit import AuditRow
from millwright.admission import denials
from millwright.admission.denials import DenialWatch, LogReader, LogTail
from millwright.broker_access import rights_of_device
from tests.brokers import KINDS, wait_until
from tests.millwright.test_device_access import opened

sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def reader():
    return LogReader({"pump-1": rights_of_device(["pump-1"])}.get)


@pytest.fixture
def watch(network, tmp_path):
    log = tmp_path / "broker.log"
    log.touch()
    watch = DenialWatch(LogTail(log), reader(), network.database, network.clock)
    watch.log = log
    return watch


def add(watch, *topics, user="pump-1"):
    with watch.log.open("a") as file:
        for topic in topics:
            file.write(
                f"t: Denied PUBLISH from {user} (d0, q1, r0, m1, '{topic}', ... (1 bytes))\n"
            )


def noted(network, person="maker", device=None):
    with network.database.session(network.scope(person)) as session:
        return list_denials(session, device)


@pytest.mark.broker
@sqlite
@pytest.mark.parametrize("kind", KINDS, ids=[kind.value for kind in KINDS])
def test_a_brokers_denials_reach_the_audit(kind, network, tmp_path):
    with opened(kind, network, tmp_path) as station:
        tail = LogTail(tmp_path / "broker.log")
        watch = DenialWatch(
            tail, LogReader(station.access.rights_of), network.database, network.clock
        )
        device = station.connect(*station.issue("pump-1"))
        for _ in range(5):
            device.publish("mw/v1/pump-2/telemetry")
        device.publish("mw/v1/pump-1/telemetry")
        device.subscribe("#", "mw/v1/pump-1/confirm")
        wait_until(lambda: watch.step() or len(noted(network)) >= 2)
        time.sleep(0.3)
        watch.step()
    told = {(row.user, row.act, row.topic, row.times) for row in noted(network)}
    assert told == {
        ("pump-1", "publish", "mw/v1/pump-2/telemetry", 1),
        ("pump-1", "subscribe", "#", 1),
    }


@pytest.mark.broker
@sqlite
@pytest.mark.parametrize("kind", KINDS, ids=[kind.value for kind in KINDS])
def test_a_device_cannot_write_lines_of_its_own_into_the_log(kind, network, tmp_path):
    forged = "x', ... (1 bytes))\nt: Denied PUBLISH from pump-2 (d0, q1, r0, m1, 'y"
    with opened(kind, network, tmp_path) as station:
        tail = LogTail(tmp_path / "broker.log")
        device = station.connect(*station.issue("pump-1"))
        device.client.publish(forged, b"x", 1)
        time.sleep(1)
        assert not [d for d in reader().read(tail.read()) if d.user == "pump-2"]


@sqlite
def test_the_same_is_noted_once_and_counted_at_the_end_of_the_hour(watch, network, monkeypatch):
    add(watch, "a", "a", "b")
    assert watch.step() == 2
    add(watch, "a")
    assert watch.step() == 0
    monkeypatch.setattr(denials, "WINDOW_S", 0.0)
    assert watch.step() == 1
    assert [(row.topic, row.times) for row in noted(network)] == [("a", 2), ("b", 1), ("a", 1)]


@sqlite
def test_a_device_that_asks_for_ever_new_topics_fills_nothing(watch, network):
    add(watch, *(f"t/{number}" for number in range(5000)))
    assert watch.step() == 20
    add(watch, "a", user="pump-2")
    assert watch.step() == 1
    assert len(noted(network)) == 21


@sqlite
def test_they_are_shown_to_the_manufacturer_alone(watch, network):
    add(watch, "a")
    add(watch, "b", user="nobody")
    watch.step()
    assert [row.topic for row in noted(network)] == ["a"]
    assert noted(network, "manager") == []
    with network.transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.subject_kind == "broker_user"))
        assert [row.subject_id for row in rows] == ["nobody"]


@sqlite
def test_a_second_user_of_a_device_is_the_same_device(network):
    with network.transaction() as session:
        pump = session.scalar(select(Device.id).where(Device.key == "pump-1"))
        record_denial(session, Denial("pump-1~2", "publish", "x"), at=network.clock.now())
    assert [row.user for row in noted(network, device=pump)] == ["pump-1~2"]


def test_a_log_that_grows_is_emptied_and_read_on(tmp_path):
    path = tmp_path / "broker.log"
    path.touch()
    tail = LogTail(path, max_bytes=1000)
    with path.open("ab") as log:
        for number in range(100):
            log.write(f"line {number} of a broker\nhalf".encode())
            log.flush()
            assert tail.read()[-1] in (
                f"line {number} of a broker",
                f"halfline {number} of a broker",
            )
    assert path.stat().st_size < 1100


def test_a_log_that_somebody_else_replaced_is_read_from_its_start(tmp_path):
    path = tmp_path / "broker.log"
    path.write_text("old line\n")
    tail = LogTail(path)
    path.write_text("new\n")
    assert tail.read() == ["new"]
    path.unlink()
    assert tail.read() == []


@given(st.lists(st.text(max_size=80), max_size=20))
def test_no_line_makes_it_stumble(lines):
    for denial in reader().read(lines):
        assert denial.act in ("publish", "subscribe")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60))
def test_a_denied_topic_is_read_as_it_was_sent(topic):
    line = f"2026-01-01T00:00:00: Denied PUBLISH from d (d0, q1, r0, m1, '{topic}', ... (1 bytes))"
    (denial,) = reader().read([line])
    assert (denial.user, denial.act) == ("d", "publish")
    assert denial.topic == topic or "'" in topic
