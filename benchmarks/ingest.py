"""How fast messages become stored readings: decode, resolve, check, store, in one process.

No broker between: what is measured is the batch of the ingest thread, on DuckDB, and beside it in
the same run the bare decoding of the same messages.
"""

import json
import random
import time
from collections.abc import Callable, Sequence

from benchmarks.figures import Figure
from benchmarks.options import Options
from devices.wire.registry import build_registry
from foundation.clock import SystemClock, to_ms
from foundation.settings import read_settings
from millwright.wiring import Platform, open_platform
from telemetry.ingest import BATCH_MESSAGES
from telemetry.mqtt import Message
from tests.e2e.installed_base import NORTH, device_of, install, list_machines
from tests.e2e.served import NotStarted

N_METRICS = 10
N_DEVICES = 100
N_MESSAGES = 5 * BATCH_MESSAGES
TURN_MS = 400
REPEATS = 7
_SPAN_MS = N_MESSAGES // N_DEVICES * TURN_MS
METRICS = [f"metric_{number}" for number in range(N_METRICS)]
PUMPS = [f"Number{number:03}" for number in range(1, N_DEVICES + 1)]
_HEAD = '[equipment_model]\nkey = "tank_pump"\nmake = "Nordwerk"\nmodel = "TP 80"\n'


def measure(options: Options) -> list[Figure]:
    """Thousands of messages a second, with one and with ten readings in a message."""
    folder = options.work / "ingest" / "data"
    folder.parent.mkdir()
    model = _HEAD + "".join(_describe(name) for name in METRICS)
    machines = list_machines((pump, NORTH) for pump in PUMPS)
    install(folder, folder.parent / "files", model=model, machines=machines)
    settings = read_settings({"data_dir": folder, "secret_key": "0" * 48}, {})
    with open_platform(settings, SystemClock()) as platform:
        # All of it lies in the past and none of it is late.
        begin_ms = to_ms(platform.clock.now()) - 2 * REPEATS * _SPAN_MS
        single = _measure_shape(platform, begin_ms, 1)
        several = _measure_shape(platform, begin_ms + REPEATS * _SPAN_MS, 10)
        if platform.ingest.counted.refused_messages:
            raise NotStarted("Messages were refused, so this was no measurement of ingest.")
        return single + several


def _describe(name: str) -> str:
    return f'\n[[metrics]]\nname = "{name}"\nlabel = "{name}"\nunit = "1"\ninterval_s = 1\n'


def _measure_shape(platform: Platform, begin_ms: int, n_readings: int) -> list[Figure]:
    stored, decoded, ratios = [], [], []
    for repeat in range(REPEATS):
        messages = _make_messages(begin_ms + repeat * _SPAN_MS, n_readings)
        decode_s = _time_of(_decode, messages)
        ingest_s = _time_of(platform.ingest.take_in, messages)
        stored.append(len(messages) / ingest_s / 1_000)
        decoded.append(len(messages) / decode_s / 1_000)
        ratios.append(ingest_s / decode_s)
    shape = f"{n_readings} reading{'s' if n_readings > 1 else ''} of {N_METRICS} metrics a message"
    return [
        Figure("ingest into DuckDB", "1000 msg/s", stored, note=shape),
        Figure("bare decoding", "1000 msg/s", decoded, note=shape),
        Figure("time of ingest : of decoding", "", ratios, note=shape),
    ]


def _time_of(act: Callable[[Sequence[Message]], object], messages: Sequence[Message]) -> float:
    began_s = time.perf_counter()
    for start in range(0, len(messages), BATCH_MESSAGES):
        act(messages[start : start + BATCH_MESSAGES])
    return time.perf_counter() - began_s


def _decode(messages: Sequence[Message]) -> None:
    registry = build_registry()
    for each in messages:
        registry.decode(each.topic, each.payload, each.received_at_ms)


def _make_messages(begin_ms: int, n_readings: int) -> list[Message]:
    """Messages of all devices in turn, each newer than what its device sent before."""
    chance = random.Random(begin_ms)
    messages = []
    for number in range(N_MESSAGES):
        turn, device = divmod(number, N_DEVICES)
        at_ms = begin_ms + turn * TURN_MS
        readings = [
            {"ts": at_ms + 20 * step, "values": {m: chance.gauss(50, 5) for m in METRICS}}
            for step in range(n_readings)
        ]
        payload = json.dumps(readings if n_readings > 1 else readings[0]).encode()
        topic = f"mw/v1/{device_of(PUMPS[device])}/telemetry"
        messages.append(Message(0, number, topic, payload, at_ms + TURN_MS))
    return messages
