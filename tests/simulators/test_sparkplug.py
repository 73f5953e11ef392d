"""What an edge node says, held against the wire format and the rules of Sparkplug B 3.0."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.readings import Reading
from foundation.errors import Invalid
from simulators.messages import Message
from simulators.sparkplug import EdgeNode, Payload

METRICS = {"sc-1": ("power", "vibration"), "sc-2": ("power",)}
NODE = "spBv1.0/works/{}/hall"


def make():
    node = EdgeNode("works", "hall", METRICS)
    node.prepare(0)
    return node


def tell(node, device="sc-1", at_ms=1000, **values):
    letters = node.say(Message(at_ms, device, [Reading(device, at_ms, values)]))
    return [(letter.topic, Payload.FromString(letter.payload)) for letter in letters]


def by_name(payload):
    return {metric.name: metric for metric in payload.metrics}


def varint(number):
    """Written from the description of the encoding, not by the library."""
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, wire, content):
    return varint(number << 3 | wire) + content


def test_bytes_of_a_death_are_those_of_the_standard():
    letter = EdgeNode("works", "hall", METRICS).prepare(1500)
    metric = field(1, 2, varint(5) + b"bdSeq") + field(3, 0, varint(1500))
    metric += field(4, 0, varint(4)) + field(11, 0, varint(0))
    expected = field(1, 0, varint(1500)) + field(2, 2, varint(len(metric)) + metric)
    assert letter.payload == expected
    assert (letter.topic, letter.qos) == (NODE.format("NDEATH"), 1)


def test_bytes_of_data_are_those_of_the_standard():
    node = make()
    node.greet(0)
    (letter,) = node.say(Message(1000, "sc-2", [Reading("sc-2", 1000, {"power": 37.5})]))
    metric = field(2, 0, varint(3)) + field(3, 0, varint(1000))
    metric += field(13, 1, struct.pack("<d", 37.5))
    expected = field(1, 0, varint(1000)) + field(2, 2, varint(len(metric)) + metric)
    assert letter.payload == expected + field(3, 0, varint(3))
    assert (letter.topic, letter.qos) == (NODE.format("DDATA") + "/sc-2", 0)


def test_births_come_first_with_every_name_alias_and_type():
    letters = make().greet(2000)
    topics = [letter.topic for letter in letters]
    assert topics == [
        NODE.format("NBIRTH"),
        NODE.format("DBIRTH") + "/sc-1",
        NODE.format("DBIRTH") + "/sc-2",
    ]
    births = [Payload.FromString(letter.payload) for letter in letters]
    assert [birth.seq for birth in births] == [0, 1, 2]
    node = by_name(births[0])
    assert set(node) == {"bdSeq", "Node Control/Rebirth"}
    assert not node["Node Control/Rebirth"].boolean_value
    assert set(by_name(births[1])) == {"power", "vibration"}
    metrics = [metric for birth in births[1:] for metric in birth.metrics]
    assert len({metric.alias for metric in metrics}) == 3
    assert all(metric.is_null and metric.datatype == 10 for metric in metrics)
    assert all(birth.timestamp == 2000 for birth in births)


def test_birth_and_will_have_one_bdseq_which_rises_with_each_connection():
    node = EdgeNode("works", "hall", METRICS)
    for expected in [*range(256), 0, 1]:
        will = Payload.FromString(node.prepare(0).payload)
        assert will.metrics[0].long_value == expected
        assert not will.HasField("seq")
        for _ in range(2):
            birth = Payload.FromString(node.greet(0)[0].payload)
            assert by_name(birth)["bdSeq"].long_value == expected


def test_data_has_aliases_alone_and_only_what_changed():
    node = make()
    births = [Payload.FromString(letter.payload) for letter in node.greet(0)]
    aliases = {metric.name: metric.alias for metric in births[1].metrics}
    ((topic, data),) = tell(node, power=30.0, vibration=2.0)
    assert topic == NODE.format("DDATA") + "/sc-1"
    assert {metric.alias for metric in data.metrics} == set(aliases.values())
    assert not any(metric.HasField("name") for metric in data.metrics)
    ((_, data),) = tell(node, at_ms=2000, power=30.0, vibration=2.5)
    assert [metric.alias for metric in data.metrics] == [aliases["vibration"]]
    assert tell(node, at_ms=3000, power=30.0, vibration=2.5) == []


def test_a_new_birth_tells_the_newest_values():
    node = make()
    node.greet(0)
    tell(node, power=30.0)
    tell(node, at_ms=2000, vibration=2.0)
    birth = by_name(Payload.FromString(node.greet(9000)[1].payload))
    assert birth["power"].double_value == 30.0
    assert birth["vibration"].double_value == 2.0
    assert birth["power"].timestamp == 2000


def test_what_comes_late_is_history_and_changes_nothing():
    node = make()
    node.greet(0)
    tell(node, at_ms=5000, power=30.0)
    ((_, late),) = tell(node, at_ms=4000, power=29.0)
    assert all(metric.is_historical for metric in late.metrics)
    assert tell(node, at_ms=6000, power=30.0) == []


def test_a_name_that_no_birth_told_is_not_sent():
    node = make()
    node.greet(0)
    assert tell(node, colour=3.0) == []


_SAID = st.lists(
    st.tuples(
        st.sampled_from(["sc-1", "sc-2", "birth"]), st.integers(0, 50), st.floats(-1e6, 1e6)
    ),
    max_size=400,
)


@given(_SAID)
@settings(max_examples=40, deadline=None)
def test_seq_rises_by_one_from_birth_to_birth_and_wraps_at_256(said):
    node = make()
    letters = node.greet(0)
    for place, (what, minute, value) in enumerate(said):
        if what == "birth":
            letters += node.greet(place)
        else:
            reading = Reading(what, minute * 60_000, {"power": value})
            letters += node.say(Message(0, what, [reading]))
    expected = 0
    for letter in letters:
        expected = 0 if "/NBIRTH/" in letter.topic else expected
        assert Payload.FromString(letter.payload).seq == expected
        expected = (expected + 1) % 256


def test_a_long_stretch_wraps():
    node = make()
    node.greet(0)
    seqs = [tell(node, at_ms=n, power=float(n))[0][1].seq for n in range(1, 600)]
    assert seqs == [(n + 2) % 256 for n in range(1, 600)]


@pytest.mark.parametrize(
    ("topic", "name", "value", "is_asked"),
    [
        (NODE.format("NCMD"), "Node Control/Rebirth", True, True),
        (NODE.format("NCMD"), "Node Control/Rebirth", False, False),
        (NODE.format("NCMD"), "Node Control/Reboot", True, False),
        (NODE.format("NDATA"), "Node Control/Rebirth", True, False),
    ],
)
def test_only_a_rebirth_command_asks_for_a_birth(topic, name, value, is_asked):
    command = Payload(timestamp=1)
    command.metrics.add(name=name, boolean_value=value)
    assert make().is_asked_to_greet(topic, command.SerializeToString()) is is_asked


def test_a_command_that_makes_no_sense_is_ignored():
    assert not make().is_asked_to_greet(NODE.format("NCMD"), b"\xff\xff\xff")


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#"])
def test_ids_that_would_break_a_topic_are_refused(name):
    with pytest.raises(Invalid, match="cannot be an id"):
        EdgeNode(name, "hall", METRICS)


def test_it_listens_to_its_own_commands_and_leaves_with_its_death():
    node = make()
    assert node.commands == (NODE.format("NCMD"),)
    (letter,) = node.take_leave(7)
    assert letter.topic == NODE.format("NDEATH")
