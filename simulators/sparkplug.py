"""A fleet as an edge node of Sparkplug B 3.0: births, data by exception, death; encoding only.

The message is declared here field by field, after `sparkplug_b.proto` of Eclipse Tahu (package
`org.eclipse.tahu.protobuf`), with those fields alone that this node uses or must understand.
Source: Eclipse Sparkplug specification 3.0.0, chapters 4 (topics), 5 (operation), 6 (payloads).
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from devices.readings import Reading
from foundation.errors import Invalid
from simulators.messages import Letter, Message

BDSEQ, REBIRTH = "bdSeq", "Node Control/Rebirth"
_WRAP = 256
_Field = descriptor_pb2.FieldDescriptorProto


class DataType(IntEnum):
    """The datatypes that this node sends."""

    INT64 = 4
    DOUBLE = 10
    BOOLEAN = 11


# Name, number, type, and whether it is a choice of the value.
_METRIC_FIELDS = (
    ("name", 1, _Field.TYPE_STRING, False),
    ("alias", 2, _Field.TYPE_UINT64, False),
    ("timestamp", 3, _Field.TYPE_UINT64, False),
    ("datatype", 4, _Field.TYPE_UINT32, False),
    ("is_historical", 5, _Field.TYPE_BOOL, False),
    ("is_transient", 6, _Field.TYPE_BOOL, False),
    ("is_null", 7, _Field.TYPE_BOOL, False),
    ("int_value", 10, _Field.TYPE_UINT32, True),
    ("long_value", 11, _Field.TYPE_UINT64, True),
    ("float_value", 12, _Field.TYPE_FLOAT, True),
    ("double_value", 13, _Field.TYPE_DOUBLE, True),
    ("boolean_value", 14, _Field.TYPE_BOOL, True),
    ("string_value", 15, _Field.TYPE_STRING, True),
)


def _declare_payload() -> Any:
    """The class of `Payload` messages."""
    file = descriptor_pb2.FileDescriptorProto(
        name="millwright/simulated_sparkplug.proto",
        package="org.eclipse.tahu.protobuf",
        syntax="proto2",
    )
    payload = file.message_type.add(name="Payload")
    optional = _Field.LABEL_OPTIONAL
    payload.field.add(name="timestamp", number=1, type=_Field.TYPE_UINT64, label=optional)
    payload.field.add(
        name="metrics",
        number=2,
        type=_Field.TYPE_MESSAGE,
        label=_Field.LABEL_REPEATED,
        type_name=".org.eclipse.tahu.protobuf.Payload.Metric",
    )
    payload.field.add(name="seq", number=3, type=_Field.TYPE_UINT64, label=optional)
    metric = payload.nested_type.add(name="Metric")
    metric.oneof_decl.add(name="value")
    for name, number, kind, is_value in _METRIC_FIELDS:
        field = metric.field.add(name=name, number=number, type=kind, label=optional)
        if is_value:
            field.oneof_index = 0
    # A pool of our own: whoever else declares this message in the process does not mind.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("org.eclipse.tahu.protobuf.Payload")
    return message_factory.GetMessageClass(found)


Payload = _declare_payload()


class EdgeNode:
    """One edge node with its devices: the state that a session has, and what it says.

    `metrics` is device → names of everything it will ever report. A metric's alias is unique in
    the node. Not safe for several threads at once.
    """

    def __init__(self, group: str, node: str, metrics: Mapping[str, Sequence[str]]) -> None:
        for name in (group, node, *metrics):
            if not name or any(sign in name for sign in "+#/"):
                raise Invalid(f"{name!r} cannot be an id in Sparkplug: no +, # or /.")
        self._group, self._node = group, node
        pairs = [(device, name) for device, names in metrics.items() for name in names]
        self._aliases = {pair: alias for alias, pair in enumerate(pairs, start=1)}
        self._metrics = metrics
        self._last: dict[str, Reading] = {}
        self._bdseq = -1
        self._seq = 0

    @property
    def commands(self) -> tuple[str, ...]:
        return (self._topic("NCMD"),)

    def prepare(self, at_ms: int) -> Letter:
        """The will of the next connection: its NDEATH, under a new bdSeq."""
        self._bdseq = (self._bdseq + 1) % _WRAP
        return self._die(at_ms)

    def greet(self, at_ms: int) -> list[Letter]:
        """NBIRTH and a DBIRTH of each device, with its newest values so far."""
        self._seq = 0
        payload = Payload(timestamp=at_ms)
        self._add_bdseq(payload, at_ms)
        payload.metrics.add(
            name=REBIRTH, timestamp=at_ms, datatype=DataType.BOOLEAN, boolean_value=False
        )
        births = [self._number(self._topic("NBIRTH"), payload)]
        return births + [self._bear(device, at_ms) for device in self._metrics]

    def say(self, message: Message) -> list[Letter]:
        """A DDATA for each reading in which something changed."""
        letters = (self._tell(reading) for reading in message.readings)
        return [letter for letter in letters if letter is not None]

    def is_asked_to_greet(self, topic: str, payload: bytes) -> bool:
        """Whether it is a host's request to be born again."""
        if topic != self._topic("NCMD"):
            return False
        try:
            command = Payload.FromString(payload)
        except DecodeError:
            return False
        return any(each.name == REBIRTH and each.boolean_value for each in command.metrics)

    def take_leave(self, at_ms: int) -> list[Letter]:
        """The NDEATH, said by itself."""
        return [self._die(at_ms)]

    def _topic(self, kind: str, device: str = "") -> str:
        return f"spBv1.0/{self._group}/{kind}/{self._node}{'/' if device else ''}{device}"

    def _die(self, at_ms: int) -> Letter:
        payload = Payload(timestamp=at_ms)
        self._add_bdseq(payload, at_ms)
        return Letter(self._topic("NDEATH"), payload.SerializeToString(deterministic=True), qos=1)

    def _add_bdseq(self, payload: Any, at_ms: int) -> None:
        payload.metrics.add(
            name=BDSEQ, timestamp=at_ms, datatype=DataType.INT64, long_value=self._bdseq
        )

    def _bear(self, device: str, at_ms: int) -> Letter:
        payload = Payload(timestamp=at_ms)
        last = self._last.get(device)
        for name in self._metrics[device]:
            metric = payload.metrics.add(
                name=name,
                alias=self._aliases[device, name],
                timestamp=last.observed_at_ms if last else at_ms,
                datatype=DataType.DOUBLE,
            )
            if last is not None and name in last.values:
                metric.double_value = last.values[name]
            else:
                metric.is_null = True
        return self._number(self._topic("DBIRTH", device), payload)

    def _tell(self, reading: Reading) -> Letter | None:
        payload = Payload(timestamp=reading.observed_at_ms)
        last = self._last.get(reading.source)
        is_late = last is not None and reading.observed_at_ms <= last.observed_at_ms
        for name, value in self._list_changed(reading, None if is_late else last):
            metric = payload.metrics.add(
                alias=self._aliases[reading.source, name],
                timestamp=reading.observed_at_ms,
                double_value=value,
            )
            if is_late:
                metric.is_historical = True
        if not is_late:
            self._remember(reading, last)
        if not payload.metrics:
            return None
        return self._number(self._topic("DDATA", reading.source), payload)

    def _list_changed(self, reading: Reading, last: Reading | None) -> Iterator[tuple[str, float]]:
        """What the last one did not say; of a reading that comes late everything."""
        for name, value in reading.values.items():
            is_known = (reading.source, name) in self._aliases
            if is_known and (last is None or last.values.get(name) != value):
                yield name, value

    def _remember(self, reading: Reading, last: Reading | None) -> None:
        before = dict(last.values) if last is not None else {}
        values = {**before, **reading.values}
        self._last[reading.source] = Reading(reading.source, reading.observed_at_ms, values)

    def _number(self, topic: str, payload: Any) -> Letter:
        payload.seq = self._seq
        self._seq = (self._seq + 1) % _WRAP
        return Letter(topic, payload.SerializeToString(deterministic=True), qos=0)
