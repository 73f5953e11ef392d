"""Native JSON v1: the bytes on the wire, fixed, and what they mean."""

import json
import math

import pytest

from devices.readings import Reading, RejectionCode
from devices.wire.contract import ConfirmationRequest
from devices.wire.native import (
    NativeFormat,
    confirm_topic,
    encode_confirmation,
    encode_telemetry,
    telemetry_topic,
)
from foundation.errors import Invalid

TOPIC = "mw/v1/pump-7/telemetry"
RECEIVED_MS = 1_800_000_000_000
TS = 1_799_999_999_000

GOLDEN_ONE = b'{"values":{"flow":12.5,"temp":71.0},"ts":1799999999000,"boot":"b1","seq":4}'
GOLDEN_LIST = (
    b'[{"values":{"flow":12.5}},{"values":{"flow":-0.25},"ts":1799999999000,"confirm":true}]'
)


def decode(payload: bytes | str):
    raw = payload.encode() if isinstance(payload, str) else payload
    return NativeFormat().decode(TOPIC, raw, RECEIVED_MS)


def test_one_reading_is_written_as_an_object():
    reading = Reading("pump-7", TS, {"flow": 12.5, "temp": 71.0}, boot="b1", seq=4)
    assert encode_telemetry([reading]) == GOLDEN_ONE


def test_several_readings_are_written_as_a_list_and_the_last_asks():
    readings = [
        Reading("pump-7", RECEIVED_MS, {"flow": 12.5}, is_stamped=False),
        Reading("pump-7", TS, {"flow": -0.25}),
    ]
    assert encode_telemetry(readings, confirm=True) == GOLDEN_LIST


def test_golden_object_is_read():
    decoded = decode(GOLDEN_ONE)
    expected = Reading("pump-7", TS, {"flow": 12.5, "temp": 71.0}, boot="b1", seq=4)
    assert decoded.readings == (expected,)
    assert decoded.rejections == ()
    assert decoded.confirmation is None


def test_golden_list_is_read():
    decoded = decode(GOLDEN_LIST)
    assert decoded.readings == (
        Reading("pump-7", RECEIVED_MS, {"flow": 12.5}, is_stamped=False),
        Reading("pump-7", TS, {"flow": -0.25}),
    )
    assert decoded.confirmation == ConfirmationRequest(None, None, TS)


def test_without_ts_the_receive_time_counts():
    (reading,) = decode('{"values": {"a": 1}, "ts": null}').readings
    assert (reading.observed_at_ms, reading.is_stamped) == (RECEIVED_MS, False)


def test_truth_values_count_as_one_and_zero_and_null_as_absent():
    decoded = decode('{"values": {"on": true, "off": false, "none": null}}')
    assert decoded.readings[0].values == {"on": 1.0, "off": 0.0}
    assert decoded.rejections == ()


def test_all_values_are_floats():
    values = decode('{"values": {"a": 1, "b": true, "c": 2.5}}').readings[0].values
    assert [type(value) for value in values.values()] == [float, float, float]


def test_a_time_with_a_fraction_is_rounded_down():
    assert decode('{"values": {"a": 1}, "ts": 1000.9}').readings[0].observed_at_ms == 1000


def test_of_equal_keys_the_last_counts():
    assert decode('{"values": {"a": 1, "a": 2}}').readings[0].values == {"a": 2.0}


def test_the_payload_cannot_name_another_source():
    payload = '{"device": "other", "source": "other", "values": {"a": 1}}'
    assert decode(payload).readings[0].source == "pump-7"


@pytest.mark.parametrize("asked", ["1", '"true"', "{}", "null", "false"])
def test_only_true_asks_for_a_confirmation(asked):
    assert decode('{"values": {"a": 1}, "confirm": ' + asked + "}").confirmation is None


def test_the_last_reading_that_asks_gives_the_mark():
    payload = """[{"values": {"a": 1}, "ts": 1, "boot": "x", "seq": 1, "confirm": true},
                  {"values": {"a": 1}, "ts": 2, "boot": "x", "seq": 2, "confirm": true},
                  {"values": {"a": 1}, "ts": 3, "boot": "x", "seq": 3}]"""
    assert decode(payload).confirmation == ConfirmationRequest("x", 2, 2)


def test_who_asks_is_answered_though_nothing_could_be_used():
    decoded = decode('{"values": {"a": "x"}, "ts": 5, "seq": 9, "confirm": true}')
    assert decoded.readings == ()
    assert decoded.confirmation == ConfirmationRequest(None, 9, 5)


def test_a_confirmation_repeats_the_mark_and_counts():
    answer = encode_confirmation(ConfirmationRequest("b1", 4, TS), stored=10, rejected=2)
    expected = {"boot": "b1", "seq": 4, "ts": TS, "stored": 10, "rejected": 2}
    assert json.loads(answer) == expected


def test_topics():
    assert telemetry_topic("pump-7") == "mw/v1/pump-7/telemetry"
    assert confirm_topic("pump-7") == "mw/v1/pump-7/confirm"


@pytest.mark.parametrize("device", ["", "a/b", "+", "#", "a" * 65])
def test_no_topic_for_what_is_no_device(device):
    with pytest.raises(Invalid):
        telemetry_topic(device)
    with pytest.raises(Invalid):
        confirm_topic(device)


@pytest.mark.parametrize("values", [{}, {"a": math.nan}, {"a": math.inf}])
def test_what_could_not_be_read_back_is_not_written(values):
    with pytest.raises(Invalid):
        encode_telemetry([Reading("d", TS, values)])


def test_nothing_is_no_message():
    with pytest.raises(Invalid):
        encode_telemetry([])


@pytest.mark.parametrize(
    "topic",
    [
        "mw/v1//telemetry",
        "mw/v1/a/b/telemetry",
        "mw/v1/+/telemetry",
        "mw/v1/$x/telemetry",
        "mw/v1/a\n/telemetry",
        "mw/v1/telemetry",
    ],
)
def test_a_topic_without_a_device_is_refused(topic):
    decoded = NativeFormat().decode(topic, GOLDEN_ONE, RECEIVED_MS)
    (rejection,) = decoded.rejections
    assert (rejection.code, rejection.source) == (RejectionCode.BAD_TOPIC, None)
    assert decoded.readings == ()
