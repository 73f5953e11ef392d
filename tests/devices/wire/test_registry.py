"""The registry picks the wire format by topic and refuses what none reads."""

from devices.readings import RejectionCode
from devices.wire.native import NativeFormat
from devices.wire.registry import build_registry

PAYLOAD = b'{"values":{"a":1}}'


def test_native_topics_go_to_the_native_format():
    registry = build_registry()
    assert registry.topic_filters == ("mw/v1/+/telemetry",)
    assert isinstance(registry.find_format("mw/v1/d/telemetry"), NativeFormat)
    assert registry.decode("mw/v1/d/telemetry", PAYLOAD, 7).readings[0].observed_at_ms == 7


def test_a_topic_of_no_format_is_refused():
    decoded = build_registry().decode("other/\n" + "x" * 1000, PAYLOAD, 7)
    (rejection,) = decoded.rejections
    assert rejection.code is RejectionCode.BAD_TOPIC
    assert rejection.detail.isprintable()
    assert len(rejection.detail) < 200


def test_the_size_limit_can_be_set():
    registry = build_registry(max_payload_bytes=10)
    (rejection,) = registry.decode("mw/v1/d/telemetry", PAYLOAD, 7).rejections
    assert rejection.code is RejectionCode.TOO_LARGE
