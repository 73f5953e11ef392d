"""What every wire format must do with any bytes: give values or rejections, and never raise."""

import math
import os
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.readings import Reading, is_device_key, is_signal_name
from devices.wire.contract import LAST_MS, Decoded, WireFormat
from devices.wire.native import NativeFormat, encode_telemetry, telemetry_topic
from foundation.clock import stopwatch_s

RECEIVED_MS = 1_800_000_000_000


@dataclass(frozen=True)
class Case:
    """A format, one of its topics, a sound message and its encoder."""

    wire_format: WireFormat
    topic: str
    sound: bytes
    encode: object


CASES = [
    pytest.param(
        Case(
            NativeFormat(),
            telemetry_topic("pump-7"),
            b'[{"ts":1799999999000,"values":{"a":1.5,"b":true},"boot":"x","seq":3,"confirm":true},'
            b'{"values":{"a":2}}]',
            encode_telemetry,
        ),
        id="native",
    ),
]
every_format = pytest.mark.parametrize("case", CASES)

# Of each of two kinds; `make test` asks for 20,000 in all. The same ones each time.
FUZZ_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1000"))
SLOWEST_S = 0.5  # 0.05 s on an idle machine
DEEP = 20_000
HOSTILE = [
    b"",
    b"\x00",
    b"\xff" * 64,
    b"\xef\xbb\xbf{}",
    '{"values":{"a":1}}'.encode("utf-16"),
    b"\x1f\x8b\x08\x00" + b"\x00" * 100,
    b"\x0a\xff\xff\xff\x7f",
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"values":{"a":NaN,"b":Infinity,"c":1e999,"d":-1e999}}',
    b'{"values":{"a":' + b"9" * 100_000 + b"}}",
    b'{"values":{"a":18446744073709551616}}',
    b'{"ts":' + b"9" * 30 + b',"values":{"a":1}}',
    b'{"values":{"a\\u0000":1,"\\u202e":2,"\\u200b":3,"a\\r\\nX: y":4}}',
    b'{"values":{"<script>":1,"{{7*7}}":2,"=cmd|x":3,"../../x":4}}',
    b'{"values":{"a":1,"a":2},"values":{"b":1}}',
    b'{"values":{' + b",".join(b'"%d":1' % n for n in range(20_000)) + b"}}",
    b"[" + b"{}," * 60_000 + b"{}]",
    b" " * 300_000,
]


def check(decoded: Decoded, source: str) -> None:
    assert decoded.readings or decoded.rejections, "A message must not vanish."
    for reading in decoded.readings:
        assert reading.source == source
        assert 0 <= reading.observed_at_ms <= LAST_MS
        assert reading.values
        assert all(type(value) is float for value in reading.values.values())
        assert all(map(math.isfinite, reading.values.values()))
        assert all(map(is_signal_name, reading.values))
        assert reading.boot is None or reading.boot.isprintable()
        assert reading.seq is None or 0 <= reading.seq < 2**63
    for rejection in decoded.rejections:
        assert rejection.source == source
        assert rejection.detail.isprintable()
        assert 0 < len(rejection.detail) <= 300
        assert rejection.count >= 1
        assert rejection.signal is None or is_signal_name(rejection.signal)


@every_format
def test_a_sound_message_has_no_rejection(case):
    decoded = case.wire_format.decode(case.topic, case.sound, RECEIVED_MS)
    check(decoded, "pump-7")
    assert decoded.readings
    assert decoded.rejections == ()


@every_format
def test_decoding_twice_gives_the_same(case):
    first = case.wire_format.decode(case.topic, case.sound, RECEIVED_MS)
    assert case.wire_format.decode(case.topic, case.sound, RECEIVED_MS) == first


@every_format
@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_payloads_give_values_or_rejections_in_a_bounded_time(case, payload):
    began_s = stopwatch_s()
    decoded = case.wire_format.decode(case.topic, payload, RECEIVED_MS)
    took_s = stopwatch_s() - began_s
    check(decoded, "pump-7")
    assert len(decoded.rejections) <= 101
    assert took_s < SLOWEST_S


@every_format
def test_a_message_cut_at_any_byte_gives_values_or_rejections(case):
    for end in range(len(case.sound)):
        check(case.wire_format.decode(case.topic, case.sound[:end], RECEIVED_MS), "pump-7")


@every_format
@given(payload=st.binary(max_size=2000))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_give_values_or_rejections(case, payload):
    began_s = stopwatch_s()
    check(case.wire_format.decode(case.topic, payload, RECEIVED_MS), "pump-7")
    assert stopwatch_s() - began_s < SLOWEST_S


SYNTAX = (b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\u0000", b"\\ud800", b" ", b"\x00", b"\xff")
NUMBERS = (b"1e999", b"-0", b"NaN", b"18446744073709551616", b"1799999999000", b"null", b"true")
WORDS = (b'"ts"', b'"values"', b'"a"', b'"seq"', b'"boot"', b'"confirm"', b"\xef\xbb\xbf")
PIECES = st.sampled_from((*SYNTAX, *NUMBERS, *WORDS))


@every_format
@given(pieces=st.lists(PIECES | st.binary(max_size=6), max_size=40))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_pieces_of_messages_give_values_or_rejections(case, pieces):
    check(case.wire_format.decode(case.topic, b"".join(pieces), RECEIVED_MS), "pump-7")


@every_format
@given(data=st.data())
@settings(max_examples=500, deadline=None)
def test_a_damaged_message_gives_values_or_rejections(case, data):
    damaged = bytearray(case.sound)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    check(case.wire_format.decode(case.topic, bytes(damaged), RECEIVED_MS), "pump-7")


@every_format
@given(topic=st.text(max_size=120))
@example(topic="mw/v1/a/b/telemetry")
@example(topic="mw/v1/\ud800/telemetry")
@settings(deadline=None)
def test_any_topic_gives_values_of_its_device_or_one_rejection(case, topic):
    decoded = case.wire_format.decode(topic, case.sound, RECEIVED_MS)
    assert all(is_device_key(reading.source) for reading in decoded.readings)
    if not decoded.readings:
        assert [each.source for each in decoded.rejections] == [None]
        assert decoded.rejections[0].detail.isprintable()


readings = st.lists(
    st.builds(
        Reading,
        source=st.just("pump-7"),
        observed_at_ms=st.integers(0, LAST_MS),
        values=st.dictionaries(
            st.text(min_size=1, max_size=20).filter(is_signal_name),
            st.floats(allow_nan=False, allow_infinity=False),
            min_size=1,
            max_size=12,
        ),
        boot=st.none() | st.text(min_size=1, max_size=20).filter(str.isprintable),
        seq=st.none() | st.integers(0, 2**63 - 1),
    ),
    min_size=1,
    max_size=6,
)


@every_format
@given(sent=readings)
@settings(deadline=None)
def test_what_was_encoded_is_decoded_unchanged(case, sent):
    decoded = case.wire_format.decode(case.topic, case.encode(sent), RECEIVED_MS)
    assert decoded.readings == tuple(sent)
    assert decoded.rejections == ()
