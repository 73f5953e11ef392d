import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import publish as paho_publish
from paho.mqtt.client import Client, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion

from devices.security.hashing import hash_password, is_password
from foundation.clock import SystemClock
from foundation.errors import Conflict, Invalid, Unavailable
from millwright.broker import BrokerKind, find_mosquitto, start_broker
from millwright.broker_access import (
    Account,
    Part,
    admit,
    is_covered,
    make_account,
    read_passwords,
    write_access_list,
    write_passwords,
)
from telemetry.mqtt import MqttLink
from tests.brokers import (
    FILTERS,
    INGEST,
    KINDS,
    make_access,
    require,
    send,
    start,
    take_all,
    wait_until,
)

both_kinds = pytest.mark.parametrize("kind", KINDS, ids=[kind.value for kind in KINDS])
broker_test = pytest.mark.broker


def _link(broker, filters=FILTERS):
    link = MqttLink(broker.url_for(INGEST), INGEST, filters, SystemClock())
    link.start()
    assert link.wait_ready(20)
    return link


def _is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def _connects(broker, user=None, password=None, client_id="somebody"):
    """Whether the broker accepts a connection."""
    answers = []
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id)
    if user:
        client.username_pw_set(user, password)
    client.on_connect = lambda *given: answers.append(not given[3].is_failure)
    host, port = broker.url.removeprefix("mqtt://").split(":")
    client.connect(host, int(port))
    deadline = time.monotonic() + 10
    while not answers and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()
    client.loop(0.1)
    return answers == [True]


@broker_test
@both_kinds
def test_it_accepts_its_accounts_and_nobody_else(kind, tmp_path):
    broker = start(kind, tmp_path)
    gateway = broker.accounts[1]
    assert broker.kind is kind
    assert _connects(broker, gateway.user, gateway.password, gateway.user)
    assert not _connects(broker, gateway.user, "wrong", gateway.user)
    assert not _connects(broker, "nobody", "wrong")
    assert not _connects(broker)
    broker.stop()


@broker_test
@both_kinds
def test_stopping_ends_it_within_five_seconds(kind, tmp_path):
    broker = start(kind, tmp_path)
    assert broker.is_alive
    began = time.monotonic()
    broker.stop()
    assert time.monotonic() - began < 5
    assert not broker.is_alive
    assert _is_gone(broker.pid)


@broker_test
@both_kinds
def test_it_does_not_outlive_a_parent_that_is_killed(kind, tmp_path):
    require(kind)
    program = (
        "import sys, time; from pathlib import Path\n"
        "from millwright.broker import BrokerAccess, BrokerKind, start_broker\n"
        f"folder, kind = Path({str(tmp_path)!r}), BrokerKind({kind.value!r})\n"
        "broker = start_broker(folder, BrokerAccess(), prefer=kind)\n"
        "sys.stderr.write(f'{broker.pid}\\n'); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    pid = int(parent.stderr.readline())
    assert not _is_gone(pid)
    parent.kill()
    parent.wait()
    parent.stderr.close()
    wait_until(lambda: _is_gone(pid), timeout_s=10)


@broker_test
def test_without_mosquitto_the_embedded_broker_is_started(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("millwright.broker._SYSTEM_FOLDERS", str(tmp_path))
    broker = start_broker(tmp_path / "broker", make_access())
    try:
        assert (broker.kind, broker.is_alive) == (BrokerKind.AMQTT, True)
    finally:
        broker.stop()


@broker_test
@both_kinds
def test_a_taken_port_is_one_clear_line_and_starts_nothing(kind, tmp_path):
    require(kind)
    folder = tmp_path / "broker"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=f"^Port {port} on 127.0.0.1 is taken") as refused:
            start_broker(folder, make_access(), port=port, prefer=kind)
    assert "\n" not in str(refused.value)
    assert not folder.exists()


@broker_test
@both_kinds
def test_it_listens_on_the_port_it_is_told(kind, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    broker = start(kind, tmp_path, port=port)
    assert broker.url == f"mqtt://127.0.0.1:{port}"
    broker.stop()


@broker_test
@both_kinds
def test_a_device_writes_its_own_topic_only(kind, tmp_path):
    broker = start(kind, tmp_path, make_access(make_account("dev-1", Part.DEVICE)))
    link = _link(broker)
    send(broker, [b"mine"], device="dev-1", user="dev-1")
    send(broker, [b"another's"], device="dev-2", user="dev-1")
    send(broker, [b"a gateway may"], device="dev-2")
    taken = take_all(link, 2)
    assert [each.payload for each in taken] == [b"mine", b"a gateway may"]
    link.stop()
    broker.stop()


@broker_test
@both_kinds
def test_a_device_hears_only_its_own_confirms(kind, tmp_path):
    broker = start(kind, tmp_path, make_access(make_account("dev-1", Part.DEVICE)))
    own = ["mw/v1/dev-1/confirm"]
    device = MqttLink(broker.url_for("dev-1"), "dev-1", own, SystemClock())
    device.start()
    assert device.wait_ready(20)
    link = _link(broker)
    link.publish("mw/v1/dev-2/confirm", b"for another")
    link.publish("mw/v1/dev-1/confirm", b"for it")
    assert [each.payload for each in take_all(device, 1)] == [b"for it"]
    device.stop()
    link.stop()
    broker.stop()


@broker_test
@both_kinds
def test_nobody_gets_a_queue_by_naming_the_client_id_of_another(kind, tmp_path):
    broker = start(kind, tmp_path, make_access(make_account("dev-1", Part.DEVICE)))
    _link(broker).stop()
    send(broker, [b"for ingest alone"])
    thief = MqttLink(broker.url_for("dev-1"), INGEST, ["mw/v1/dev-1/confirm"], SystemClock())
    thief.start()
    assert thief.take(timeout_s=1.0) == []
    thief.stop()
    link = _link(broker)
    assert [each.payload for each in take_all(link, 1)] == [b"for ingest alone"]
    link.stop()
    broker.stop()


@broker_test
@both_kinds
def test_anonymous_devices_may_publish_telemetry_and_nothing_else(kind, tmp_path):
    broker = start(kind, tmp_path, make_access(anonymous_devices=True))
    link = _link(broker, ["mw/#"])
    host, port = broker.url.removeprefix("mqtt://").split(":")
    where = {"hostname": host, "port": int(port)}
    paho_publish.single("mw/v1/dev-1/confirm", b"no", qos=1, **where)
    paho_publish.single("mw/v1/dev-1/other", b"no", qos=1, **where)
    paho_publish.single("mw/v1/dev-1/telemetry", b"yes", qos=1, **where)
    assert [each.payload for each in take_all(link, 1)] == [b"yes"]
    link.stop()
    broker.stop()


@broker_test
@both_kinds
def test_a_message_sent_right_before_leaving_arrives(kind, tmp_path):
    broker = start(kind, tmp_path)
    link = _link(broker)
    for number in range(30):
        send(broker, [str(number).encode()])
    taken = take_all(link, 30)
    assert [int(each.payload) for each in taken] == list(range(30))
    link.stop()
    broker.stop()


@broker_test
def test_mosquitto_keeps_what_waits_when_it_is_restarted(tmp_path):
    access = make_access()
    broker = start(BrokerKind.MOSQUITTO, tmp_path, access)
    _link(broker).stop()
    send(broker, [b"1", b"2", b"3"])
    broker.stop()
    broker = start(BrokerKind.MOSQUITTO, tmp_path, access)
    link = _link(broker)
    assert [each.payload for each in take_all(link, 3)] == [b"1", b"2", b"3"]
    link.stop()
    broker.stop()


@broker_test
def test_a_link_returns_when_the_broker_does(tmp_path):
    access = make_access()
    broker = start(BrokerKind.MOSQUITTO, tmp_path, access)
    link = _link(broker)
    port = int(broker.url.rpartition(":")[2])
    os.kill(broker.pid, signal.SIGKILL)
    wait_until(lambda: not link.is_connected)
    broker.stop()
    broker = start(BrokerKind.MOSQUITTO, tmp_path, access, port=port)
    assert link.wait_ready(20)
    send(broker, [b"again"])
    assert take_all(link, 1)[0].connection == 2
    link.stop()
    broker.stop()


@broker_test
@both_kinds
def test_no_password_can_be_read_from_its_files(kind, tmp_path):
    broker = start(kind, tmp_path)
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        for account in broker.accounts:
            assert account.password.encode() not in content
    passwords = tmp_path / "passwords"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert all(account.password not in repr(broker) for account in broker.accounts)
    broker.stop()


@broker_test
def test_an_external_broker_is_used_and_left_alone(tmp_path):
    own = start(BrokerKind.AMQTT, tmp_path)
    secret_url = own.url_for(INGEST)
    external = start_broker(tmp_path / "none", make_access(), external_url=secret_url)
    assert external.kind is BrokerKind.EXTERNAL
    assert external.url == own.url
    assert external.url_for(INGEST) == secret_url
    external.stop()
    assert own.is_alive
    own.stop()


def test_an_external_broker_that_does_not_answer_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match=r"No broker answers at 127\.0\.0\.1:1"):
        start_broker(tmp_path, make_access(), external_url="mqtt://127.0.0.1:1")


def test_an_external_address_that_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(Invalid, match="mqtt://host:1883"):
        start_broker(tmp_path, make_access(), external_url="broker.example.org")


@broker_test
def test_a_program_that_does_not_start_is_reported_with_its_words(tmp_path):
    (tmp_path / "mosquitto.db").write_bytes(b"no database of mosquitto's")
    with pytest.raises(Unavailable, match=r"did not start: .*log: .*broker\.log"):
        start(BrokerKind.MOSQUITTO, tmp_path)


@both_kinds
def test_an_address_that_is_not_ours_is_refused(kind, tmp_path):
    with pytest.raises(Unavailable, match=r"203\.0\.113\.1 cannot be used"):
        start(kind, tmp_path, host="203.0.113.1")


def test_mosquitto_is_found_where_ordinary_users_do_not_look(monkeypatch):
    require(BrokerKind.MOSQUITTO)
    monkeypatch.setenv("PATH", "/nowhere")
    found = find_mosquitto()
    assert found is not None
    assert found.endswith("sbin/mosquitto")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), st.binary())
def test_a_password_is_known_by_its_hash(password, salt):
    hashed = hash_password(password, salt)
    assert is_password(password, hashed)
    assert not is_password(password + "x", hashed)


def test_the_hash_is_the_one_that_mosquitto_makes(tmp_path):
    require(BrokerKind.MOSQUITTO)
    program = shutil.which("mosquitto_passwd")
    assert program is not None
    path = tmp_path / "passwords"
    subprocess.run([program, "-c", "-b", path, "dev-1", "secret"], check=True)
    hashed = read_passwords(path.read_text())["dev-1"]
    assert is_password("secret", hashed)
    assert not is_password("Secret", hashed)


_LEVEL = st.sampled_from(["mw", "v1", "dev-1", "telemetry", "", "$SYS"])
_TOPIC = st.lists(_LEVEL, min_size=1, max_size=5).map("/".join)
_FILTER = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]),
    st.lists(_LEVEL | st.just("+"), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
)


@given(_TOPIC, _FILTER)
def test_a_topic_is_covered_as_the_standard_says(topic, allowed):
    if not topic.startswith("$"):
        assert is_covered(topic, [allowed]) == topic_matches_sub(allowed, topic)


@given(_TOPIC, _FILTER, _FILTER)
def test_a_covered_filter_matches_nothing_that_is_not_allowed(topic, asked, allowed):
    if is_covered(asked, [allowed]) and topic_matches_sub(asked, topic):
        assert topic_matches_sub(allowed, topic)


@pytest.mark.parametrize(
    "user", ["", "+", "a/b", "#", "two words", "a:b", "line\nuser root", "x" * 65]
)
def test_a_name_that_would_change_a_file_is_refused(user):
    with pytest.raises(Invalid):
        make_account(user, Part.DEVICE)
    with pytest.raises(Invalid):
        write_passwords([admit(Account(user, "secret"))])


def test_a_user_stands_only_once():
    with pytest.raises(Invalid, match="stands twice"):
        write_passwords([admit(Account("a", "1")), admit(Account("a", "2"))])


def test_the_access_list_gives_each_user_their_own_topics():
    accounts = [Account("p", "", Part.PLATFORM), Account("d", "", Part.DEVICE)]
    admitted = [admit(each) for each in accounts]
    lines = write_access_list(admitted, anonymous_devices=False).splitlines()
    assert lines == [
        "user p",
        "topic write mw/#",
        "topic read mw/#",
        "topic read $SYS/#",
        "",
        "user d",
        "topic write mw/v1/d/telemetry",
        "topic read mw/v1/d/confirm",
    ]
    assert write_access_list([], anonymous_devices=True).startswith(
        "topic write mw/v1/+/telemetry\n"
    )
