import functools
import threading
from datetime import UTC, datetime

import pytest

from foundation.clock import ManualClock, SystemClock, to_ms
from foundation.errors import Invalid, Unavailable
from millwright.broker import BrokerKind
from telemetry.mqtt import MqttLink
from tests.brokers import (
    FILTERS,
    INGEST,
    KINDS,
    PUBACK,
    Cable,
    drain,
    send,
    start,
    take_all,
    wait_until,
)

pytestmark = pytest.mark.broker
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=KINDS, ids=[kind.value for kind in KINDS])
def shared_broker(request, tmp_path_factory):
    running = start(request.param, tmp_path_factory.mktemp("broker"))
    yield running
    running.stop()


@pytest.fixture
def broker(shared_broker):
    """A broker of either kind, with nothing left for ingest from the test before."""
    yield shared_broker
    drain(shared_broker)


@pytest.fixture
def cable(broker):
    cable = Cable(broker.url_for(INGEST))
    yield cable
    cable.close()


class _Linked:
    """A started link that is stopped at the end of the block."""

    def __init__(self, url, clock=None, **options):
        self.link = MqttLink(url, INGEST, FILTERS, clock or SystemClock(), **options)

    def __enter__(self):
        self.link.start()
        assert self.link.wait_ready(20)
        return self.link

    def __exit__(self, *_):
        self.link.stop()


def _subscribe_once(broker):
    """Leaves a session behind, as an ingest that was there before."""
    with _Linked(broker.url_for(INGEST)):
        pass


def _payloads(messages):
    return [message.payload for message in messages]


def _numbers(count):
    return [str(number).encode() for number in range(count)]


def test_messages_arrive_in_order_with_topic_and_our_time(broker):
    with _Linked(broker.url_for(INGEST), ManualClock(NOW)) as link:
        send(broker, _numbers(200))
        taken = take_all(link, 200)
        link.acknowledge(taken)
    assert _payloads(taken) == _numbers(200)
    assert {message.topic for message in taken} == {"mw/v1/dev-1/telemetry"}
    assert {message.received_at_ms for message in taken} == {to_ms(NOW)}


def test_what_was_sent_while_we_were_away_waits_for_us(broker):
    _subscribe_once(broker)
    send(broker, _numbers(300))
    with _Linked(broker.url_for(INGEST)) as link:
        taken = take_all(link, 300)
        assert link.acknowledge(taken) == 300
    assert _payloads(taken) == _numbers(300)


def test_only_what_was_not_acknowledged_comes_again_after_a_restart(broker):
    with _Linked(broker.url_for(INGEST)) as link:
        send(broker, _numbers(20))
        taken = take_all(link, 20)
        assert link.acknowledge(taken[:12]) == 12
        send(broker, [b"later"])
        take_all(link, 1)
    with _Linked(broker.url_for(INGEST)) as link:
        again = take_all(link, 9)
        link.acknowledge(again)
    assert _payloads(again) == [*_numbers(20)[12:], b"later"]


def test_a_cut_line_brings_the_unacknowledged_messages_again(broker, cable):
    with _Linked(cable.url) as link:
        send(broker, _numbers(50))
        first = take_all(link, 50)
        cable.cut()
        wait_until(lambda: not link.is_connected)
        cable.mend()
        again = take_all(link, 50)
        link.acknowledge(again)
    assert _payloads(again) == _payloads(first)
    assert {message.connection for message in first} == {1}
    assert {message.connection for message in again} == {2}


def test_messages_of_an_earlier_connection_are_never_acknowledged(broker, cable):
    with _Linked(cable.url) as link:
        send(broker, _numbers(30))
        old = take_all(link, 30)
        cable.cut()
        wait_until(lambda: not link.is_connected)
        assert link.acknowledge(old) == 0
        cable.mend()
        new = take_all(link, 30)
        assert link.acknowledge(old) == 0
        assert link.publish(f"mw/v1/{INGEST}/confirm", b"a mark behind what was sent so far")
        assert link.acknowledge(new) == 30
        wait_until(lambda: cable.packets(-1).count(PUBACK) == 30)
    sent = cable.packets(-1)
    assert PUBACK not in sent[: sent.index(3)]


def test_a_cut_empties_the_backlog(broker, cable):
    with _Linked(cable.url) as link:
        send(broker, _numbers(40))
        wait_until(lambda: link.backlog == 40)
        cable.cut()
        wait_until(lambda: not link.is_connected)
        assert link.take(timeout_s=0) == []
        cable.mend()
        again = take_all(link, 40)
        link.acknowledge(again)
    assert {message.connection for message in again} == {2}


def test_nothing_is_lost_while_the_line_is_cut_again_and_again(broker, cable):
    """What was acknowledged is stored; the rest must come again, whatever happens in between."""
    sender = threading.Thread(target=send, args=(broker, _numbers(1500)), daemon=True)
    stored = set()
    with _Linked(cable.url, max_backlog=100) as link:
        sender.start()
        for _ in range(4):
            wait_until(functools.partial(_stores_more, link, stored))
            cable.cut()
            wait_until(lambda: not link.is_connected)
            cable.mend()
        wait_until(lambda: _store(link, stored) == 1500)
    sender.join(10)
    assert stored == set(_numbers(1500))


def test_a_connection_that_hangs_makes_room_for_the_next(broker, cable):
    """As after a broken radio link: the old connection neither reads nor ends."""
    hanging = MqttLink(cable.url, INGEST, FILTERS, SystemClock())
    hanging.start()
    assert hanging.wait_ready(20)
    cable.freeze()
    bulky = [number + b" " * 8000 for number in _numbers(1000)]
    send(broker, bulky)
    hanging.stop()
    with _Linked(broker.url_for(INGEST)) as link:
        taken = take_all(link, 1000)
        link.acknowledge(taken)
    assert set(_payloads(taken)) == set(bulky)


def _stores_more(link, stored):
    before = len(stored)
    return _store(link, stored) > before or before == 1500


def _store(link, stored):
    """One batch of ingest: stored, then acknowledged; how many are stored by now."""
    taken = link.take(max_messages=50, timeout_s=0.05)
    stored.update(_payloads(taken))
    link.acknowledge(taken)
    return len(stored)


def test_the_backlog_is_bounded_and_nothing_is_lost(broker):
    with _Linked(broker.url_for(INGEST), max_backlog=50) as link:
        send(broker, _numbers(600))
        wait_until(lambda: link.backlog == 50)
        assert link.take(max_messages=10, timeout_s=0)[0].payload == b"0"
        wait_until(lambda: link.backlog == 50)
        rest = take_all(link, 590)
        link.acknowledge(rest)
    assert _payloads(rest) == _numbers(600)[10:]


def test_a_message_without_promise_needs_no_acknowledgement(broker):
    if broker.kind is BrokerKind.AMQTT:
        pytest.skip("amqtt delivers at the subscription's quality, whatever was published")
    with _Linked(broker.url_for(INGEST)) as link:
        send(broker, [b"qos 0"], qos=0)
        message, *_ = take_all(link, 1)
        assert message.mid == 0
        assert link.acknowledge([message]) == 0


def test_take_returns_as_soon_as_the_batch_is_full(broker):
    with _Linked(broker.url_for(INGEST)) as link:
        send(broker, _numbers(10))
        first = link.take(max_messages=4, timeout_s=30)
        rest = link.take(max_messages=6, timeout_s=30)
        link.acknowledge(first + rest)
        assert link.take(timeout_s=0.01) == []
    assert _payloads(first + rest) == _numbers(10)


def test_confirms_reach_their_device(broker):
    device = MqttLink(broker.url_for("gateway"), "gateway", ["mw/v1/+/confirm"], SystemClock())
    device.start()
    assert device.wait_ready(20)
    with _Linked(broker.url_for(INGEST)) as link:
        assert link.publish("mw/v1/dev-1/confirm", b'{"seq": 7}')
        message, *_ = take_all(device, 1)
    device.stop()
    assert (message.topic, message.payload) == ("mw/v1/dev-1/confirm", b'{"seq": 7}')


def test_it_keeps_trying_until_the_broker_is_there(broker, cable):
    cable.cut()
    link = MqttLink(cable.url, INGEST, FILTERS, SystemClock())
    link.start()
    assert not link.wait_ready(1.2)
    assert link.is_alive
    assert not link.publish("mw/v1/dev-1/confirm", b"nobody hears this")
    cable.mend()
    assert link.wait_ready(20)
    link.stop()


def test_a_wrong_password_never_becomes_a_connection(broker):
    url = broker.url.replace("mqtt://", f"mqtt://{INGEST}:wrong@")
    link = MqttLink(url, INGEST, FILTERS, SystemClock())
    link.start()
    assert not link.wait_ready(1.0)
    assert link.take(timeout_s=0) == []
    link.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_link_that_cannot_recover_says_so(broker):
    class BrokenClock(SystemClock):
        def now(self):
            raise RuntimeError("the clock fell off the wall")

    with _Linked(broker.url_for(INGEST), BrokenClock()) as link:
        send(broker, [b"1"])
        with pytest.raises(Unavailable, match=r"the broker at .* died"):
            link.take(timeout_s=20)
        assert not link.is_alive


def test_stopping_ends_the_thread_at_once(broker):
    link = MqttLink(broker.url_for(INGEST), INGEST, FILTERS, SystemClock())
    link.start()
    assert link.wait_ready(20)
    link.stop()
    assert "mqtt-link" not in {each.name for each in threading.enumerate()}


def test_a_refused_subscription_is_an_error_and_not_silence(tmp_path):
    broker = start(BrokerKind.AMQTT, tmp_path)
    link = MqttLink(broker.url_for("gateway"), "gateway", ["mw/#"], SystemClock())
    link.start()
    try:
        with pytest.raises(Unavailable, match="refuses us mw/#"):
            link.take(timeout_s=20)
    finally:
        link.stop()
        broker.stop()


@pytest.mark.parametrize("url", ["", "localhost:1883", "http://localhost", "mqtt://"])
def test_an_address_that_makes_no_sense_is_refused(url):
    with pytest.raises(Invalid, match="mqtt://host"):
        MqttLink(url, INGEST, FILTERS, SystemClock())


def test_the_address_for_logs_holds_no_secret():
    link = MqttLink("mqtt://user:secret@example.org", INGEST, FILTERS, SystemClock())
    assert link.address == "example.org:1883"
