"""Native JSON v1: each fault by its code, with the good beside it kept."""

import pytest

from devices.readings import RejectionCode as Code
from devices.wire.native import MAX_PAYLOAD_BYTES, NativeFormat
from devices.wire.native_decoding import MAX_READINGS, MAX_REJECTIONS, MAX_VALUES

TOPIC = "mw/v1/pump-7/telemetry"


def decode(payload: bytes | str):
    raw = payload.encode() if isinstance(payload, str) else payload
    return NativeFormat().decode(TOPIC, raw, 1_800_000_000_000)


def values(entries: str) -> str:
    return '{"values": {' + entries + "}}"


def codes(decoded) -> list[Code]:
    return [rejection.code for rejection in decoded.rejections]


WHOLE = [
    ("", Code.MALFORMED_JSON),
    ("{", Code.MALFORMED_JSON),
    ("x", Code.MALFORMED_JSON),
    ('{"values": {"a": 1}} trailing', Code.MALFORMED_JSON),
    ('{"values": {"a": 1,}}', Code.MALFORMED_JSON),
    (b'{"values": {"\xff": 1}}', Code.MALFORMED_JSON),
    ('{"values": {"a": 1}}'.encode("utf-16"), Code.MALFORMED_JSON),
    (b"\xef\xbb\xbf" + b'{"values": {"a": 1}}', Code.MALFORMED_JSON),
    ("[" * 20_000, Code.TOO_DEEP),
    ("[" * 20_000 + "]" * 20_000, Code.TOO_DEEP),
    ('{"values":' * 20_000 + "1" + "}" * 20_000, Code.TOO_DEEP),
    ("5", Code.NOT_AN_OBJECT),
    ("NaN", Code.NOT_AN_OBJECT),
    ('"text"', Code.NOT_AN_OBJECT),
    ("null", Code.NOT_AN_OBJECT),
    ("[[]]", Code.NOT_AN_OBJECT),
    ("[]", Code.MISSING_VALUES),
    ("{}", Code.MISSING_VALUES),
    ('{"temp": 5}', Code.MISSING_VALUES),
    ('{"values": {}}', Code.MISSING_VALUES),
    ('{"values": {"a": null}}', Code.MISSING_VALUES),
    ('{"values": [1]}', Code.MISSING_VALUES),
    ('{"values": {"a": 1}, "ts": "2026-01-01T00:00:00Z"}', Code.BAD_TIMESTAMP),
    ('{"values": {"a": 1}, "ts": true}', Code.BAD_TIMESTAMP),
    ('{"values": {"a": 1}, "ts": -1}', Code.BAD_TIMESTAMP),
    ('{"values": {"a": 1}, "ts": 253402300800000}', Code.BAD_TIMESTAMP),
    ('{"values": {"a": 1}, "ts": 1e999}', Code.BAD_TIMESTAMP),
    ('{"values": {"a": 1}, "ts": NaN}', Code.BAD_TIMESTAMP),
    ('{"values": {"a": 1}, "ts": ' + "9" * 5000 + "}", Code.BAD_TIMESTAMP),
]


@pytest.mark.parametrize(("payload", "code"), WHOLE)
def test_a_message_that_cannot_be_used_is_one_rejection(payload, code):
    decoded = decode(payload)
    assert decoded.readings == ()
    assert codes(decoded) == [code]
    assert decoded.rejections[0].source == "pump-7"


VALUES = [
    ('"b": "12.5"', "b", Code.VALUE_NOT_A_NUMBER),
    ('"b": [1]', "b", Code.VALUE_NOT_A_NUMBER),
    ('"b": {"c": 1}', "b", Code.VALUE_NOT_A_NUMBER),
    ('"b": NaN', "b", Code.VALUE_NOT_FINITE),
    ('"b": -Infinity', "b", Code.VALUE_NOT_FINITE),
    ('"b": 1e999', "b", Code.VALUE_NOT_FINITE),
    ('"b": %s' % ("9" * 400), "b", Code.VALUE_NOT_FINITE),
    ('"b": -%s' % ("9" * 5000), "b", Code.VALUE_NOT_FINITE),
    (r'"b\u0000": 1', None, Code.BAD_NAME),
    (r'"\ud800": 1', None, Code.BAD_NAME),
    (r'"\u202eb": 1', None, Code.BAD_NAME),
    (r'"b\r\nforged": 1', None, Code.BAD_NAME),
    ('"": 1', None, Code.BAD_NAME),
    ('"%s": 1' % ("b" * 101), None, Code.BAD_NAME),
]


@pytest.mark.parametrize(("entry", "signal", "code"), VALUES)
def test_a_bad_value_is_refused_alone_and_named(entry, signal, code):
    decoded = decode(values('"good": 1.5, ' + entry))
    assert decoded.readings[0].values == {"good": 1.5}
    assert (decoded.rejections[0].code, decoded.rejections[0].signal) == (code, signal)


def test_a_bad_reading_in_a_list_is_refused_alone():
    decoded = decode(
        '[{"values": {"a": 1}}, 7, {"values": {"a": 2}, "ts": "x"}, {"values": {"a": 3}}]'
    )
    assert [reading.values for reading in decoded.readings] == [{"a": 1.0}, {"a": 3.0}]
    assert codes(decoded) == [Code.NOT_AN_OBJECT, Code.BAD_TIMESTAMP]


@pytest.mark.parametrize("whole", ["9" * 309, "1" + "0" * 308, "9" * 25])
def test_whole_numbers_count_up_to_the_largest_double(whole):
    decoded = decode(values(f'"a": {whole}'))
    fits = len(whole) < 309 or whole[0] == "1"
    assert bool(decoded.readings) == fits
    assert codes(decoded) == ([] if fits else [Code.VALUE_NOT_FINITE])


@pytest.mark.parametrize("seq", ["-1", "1.5", "true", '"1"', "9223372036854775808", "9" * 5000])
def test_a_bad_seq_is_left_out_and_the_reading_kept(seq):
    decoded = decode('{"values": {"a": 1}, "boot": "x", "seq": ' + seq + "}")
    assert (decoded.readings[0].boot, decoded.readings[0].seq) == ("x", None)
    assert codes(decoded) == [Code.BAD_SEQUENCE]


@pytest.mark.parametrize("boot", ["1", '""', '"%s"' % ("b" * 65), r'"a\u0000"', "[]"])
def test_a_bad_boot_is_left_out_and_the_reading_kept(boot):
    decoded = decode('{"values": {"a": 1}, "seq": 1, "boot": ' + boot + "}")
    assert (decoded.readings[0].boot, decoded.readings[0].seq) == (None, 1)
    assert codes(decoded) == [Code.BAD_SEQUENCE]


def test_a_payload_at_the_size_limit_is_read_and_one_byte_more_is_not():
    payload = b'{"values":{"a":1}}'.ljust(MAX_PAYLOAD_BYTES)
    assert codes(decode(payload)) == []
    assert codes(decode(payload + b" ")) == [Code.TOO_LARGE]


def test_a_reading_has_at_most_so_many_values():
    entries = [f'"m{i}": {i}' for i in range(MAX_VALUES + 1)]
    (reading,) = decode(values(",".join(entries[:-1]))).readings
    assert len(reading.values) == MAX_VALUES
    assert codes(decode(values(",".join(entries)))) == [Code.TOO_MANY_VALUES]


def test_a_message_has_at_most_so_many_readings():
    assert codes(decode("[" + "1," * MAX_READINGS + "1]")) == [Code.TOO_LARGE]


def test_equal_faults_are_counted_in_one_rejection():
    (rejection,) = decode("[" + "1," * 999 + "1]").rejections
    assert (rejection.code, rejection.count) == (Code.NOT_AN_OBJECT, 1000)


def test_faults_beyond_the_limit_are_counted_in_a_last_one():
    entries = ",".join(f'"m{i}": "x"' for i in range(MAX_REJECTIONS + 50))
    decoded = decode(values(entries))
    assert len(decoded.rejections) == MAX_REJECTIONS + 1
    assert (codes(decoded)[-1], decoded.rejections[-1].count) == (Code.FURTHER_FAULTS, 50)
