"""Each kind of bad reading fares as its rule says, and good readings beside it are stored."""

import json
from dataclasses import dataclass, field

import pytest
from sqlalchemy import event, select

from devices.provisioning import Device
from devices.readings import RejectionCode
from devices.wire.contract import Decoded
from devices.wire.registry import WireRegistry, build_registry
from foundation.clock import to_ms
from foundation.errors import Unavailable
from telemetry.ingest import Ingest
from telemetry.quarantine import reprocess
from tests.conftest import START

HOUR, DAY = 3600, 86_400
START_MS = to_ms(START)
GOOD = {"values": {"temperature": 60.0, "pressure": 5.0}}


@dataclass(frozen=True)
class Case:
    """What a device sends at 0 s, and what becomes of it.

    `stored` is second → values; `codes` the quarantine's; `off_s` by how much the clock is off.
    """

    sent: object
    stored: dict = field(default_factory=dict)
    codes: tuple = ()
    topic: str | None = None
    is_latest: bool = True
    off_s: float | None = None


def at(seconds, **values):
    """A reading of that second."""
    return {"ts": START_MS + round(seconds * 1000), "values": values or {"pressure": 5}}


P5 = {"pressure": 5.0}
CASES = {
    # what cannot be read
    "empty": Case(b"", codes=("malformed_json",)),
    "cut off": Case(b'{"values": {"pressure": 5', codes=("malformed_json",)),
    "not UTF-8": Case(b'{"values": {"\xff": 5}}', codes=("malformed_json",)),
    "a text": Case('"hot"', codes=("not_an_object",)),
    "too deep": Case(b"[" * 20_000, codes=("too_deep",)),
    "too large": Case(b" " * (256 * 1024) + b"{}", codes=("too_large",)),
    "no values": Case({"ts": START_MS}, codes=("missing_values",)),
    "an empty list": Case([], codes=("missing_values",)),
    "a topic without a device": Case(GOOD, codes=("bad_topic",), topic="mw/v1/a b/telemetry"),
    # what is wrong in part
    "text for a number": Case(
        {"values": {"temperature": "hot", "pressure": 5}}, {0: P5}, ("value_not_a_number",)
    ),
    "a number beyond a double": Case(
        {"values": {"temperature": 10**400, "pressure": 5}}, {0: P5}, ("value_not_finite",)
    ),
    "not a number": Case(
        b'{"values": {"temperature": NaN, "pressure": 5}}', {0: P5}, ("value_not_finite",)
    ),
    "true and null": Case(
        {"values": {"temperature": None, "pressure": True}}, {0: {"pressure": 1}}
    ),
    "a name nobody can show": Case(
        {"values": {"\u202eevil": 1, "pressure": 5}}, {0: P5}, ("bad_name",)
    ),
    "one bad reading of three": Case(
        [at(-20), {"ts": "noon", "values": P5}, at(0)], {-20: P5, 0: P5}, ("bad_timestamp",)
    ),
    "a sequence that is none": Case(
        {"seq": -1, "boot": "", "values": {"pressure": 5}}, {0: P5}, ("bad_sequence",)
    ),
    "an unknown metric": Case(
        {"values": {"speed": 1480, "pressure": 5}}, {0: P5}, ("unknown_metric",)
    ),
    "beyond what the metric can be": Case(
        {"values": {"temperature": 4000, "pressure": 5}}, {0: P5}, ("out_of_range",)
    ),
    # units
    "Fahrenheit by its mapping": Case(
        {"values": {"T1": 212}}, {0: {"temperature": pytest.approx(100.0)}}
    ),
    # times
    "no time of its own": Case({"values": {"pressure": 5}}, {0: P5}),
    "a minute ahead": Case(at(60), {60: P5}),
    "late": Case(at(-2 * HOUR), {-2 * HOUR: P5}, is_latest=False),
    "late by almost a month": Case(at(-29 * DAY), {-29 * DAY: P5}, is_latest=False),
    "too old": Case(at(-32 * DAY), codes=("too_old",)),
    "before the device was on the machine": Case(at(-30.5 * DAY), codes=("not_assigned",)),
    "an hour ahead": Case(at(HOUR), {0: P5}, off_s=HOUR),
    "a clock nobody set": Case({"ts": 5000, "values": P5}, {0: P5}, off_s=5 - START_MS / 1000),
    "seconds for milliseconds": Case(
        {"ts": START_MS // 1000, "values": P5},
        {0: P5},
        off_s=(START_MS // 1000 - START_MS) / 1000,
    ),
    "years ahead": Case(at(800 * DAY), codes=("in_future",)),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return request.param


def test_each_reading_fares_by_its_rule(plant, case):
    """A good reading of the other pump travels in the same batch, one of the same in the next."""
    bad = plant.message(case.sent, topic=case.topic)
    plant.ingest.take_in([bad, plant.message(at(-1, **GOOD["values"]), device="pump-2")])
    assert plant.stored() == case.stored
    assert plant.stored(plant.network.other_asset) == {-1: GOOD["values"]}
    assert tuple(row.code for row in plant.quarantined()) == case.codes
    heard = plant.latest.find(plant.network.asset)
    is_latest = heard is not None and heard.at_ms == max(map(plant.ms, case.stored), default=0)
    assert is_latest == (bool(case.stored) and case.is_latest)
    off_s = heard and heard.clock_off_ms and heard.clock_off_ms / 1000
    assert off_s == case.off_s
    plant.clock.advance(130)
    plant.send(GOOD)
    assert plant.stored()[130] == GOOD["values"]


def test_a_refused_message_is_kept_with_what_it_needs_to_be_understood(any_plant):
    plant = any_plant
    plant.send([{"values": {"speed": 1, "pressure": 999, "temperature": "x"}}] * 3)
    (kept,) = plant.quarantined()
    assert (kept.source, kept.topic) == ("pump-1", "mw/v1/pump-1/telemetry")
    assert json.loads(kept.payload)[0]["values"]["speed"] == 1
    assert (kept.code, kept.faults) == ("value_not_a_number", 9)
    assert (kept.received_at, kept.is_whole) == (START, True)
    assert kept.organisation_id == plant.network.organisations["maker"]


def test_a_message_of_an_unknown_device_belongs_to_nobody_yet(plant):
    plant.send(GOOD, device="pump-9")
    (kept,) = plant.quarantined()
    assert (kept.code, kept.source, kept.organisation_id) == ("unknown_device", "pump-9", None)


def test_a_revoked_device_is_unknown(plant):
    with plant.network.transaction() as session:
        device = session.scalar(select(Device).where(Device.key == "pump-1"))
        device.revoked_at = plant.clock.now()
    plant.define()
    plant.send(GOOD)
    assert [row.code for row in plant.quarantined()] == ["unknown_device"]


class Faulty:
    """A wire format with a mistake in it, against its contract."""

    name, topic_filter = "faulty", "faulty/#"

    def matches(self, topic):
        return topic.startswith("faulty/")

    def decode(self, topic, payload, received_at_ms) -> Decoded:
        del topic, payload, received_at_ms
        raise ZeroDivisionError


def test_a_message_that_breaks_the_decoder_goes_to_quarantine_and_stops_no_other(plant):
    registry = WireRegistry((Faulty(), *build_registry().formats))
    ingest = Ingest(
        plant.network.database,
        plant.store,
        plant.latest,
        plant.sources,
        plant.clock,
        registry=registry,
    )
    ingest.take_in([plant.message({}, topic="faulty/1"), plant.message(GOOD)])
    assert plant.stored() == {0: GOOD["values"]}
    assert [row.code for row in plant.quarantined()] == [RejectionCode.UNEXPECTED]


def test_repeats_change_nothing(plant):
    batch = [plant.message([at(-20), at(-10, temperature=60)]), plant.message(GOOD)]
    plant.ingest.take_in(batch)
    once = plant.stored()
    plant.ingest.take_in(batch)
    plant.restart()
    plant.ingest.take_in(batch * 2)
    assert plant.stored() == once
    assert plant.quarantined() == []


def test_metrics_of_one_time_merge_and_the_last_word_counts(plant):
    plant.send(at(0, temperature=60), at(0, pressure=5), at(0, temperature=61))
    assert plant.stored() == {0: {"temperature": 61.0, "pressure": 5.0}}


def test_a_late_reading_never_becomes_the_latest(plant):
    plant.send(at(0, temperature=60))
    plant.clock.advance(HOUR)
    plant.send(at(HOUR - 1000, temperature=90))
    heard = plant.latest.find(plant.network.asset)
    assert heard.values == {"temperature": (60.0, START_MS)}


def test_readings_land_on_the_machine_that_the_device_was_on_at_their_time(any_plant):
    plant, other = any_plant, any_plant.network.other_asset
    plant.clock.advance(60)
    plant.send(at(10))
    plant.move("pump-1", other, seconds=30)
    plant.restart()
    plant.send([at(s) for s in (20, 29.999, 30, 40)])
    assert list(plant.stored()) == [10, 20, 29.999]
    assert list(plant.stored(other)) == [30, 40]


def answers(plant, *payloads):
    return [(each.topic, json.loads(each.payload)) for each in plant.send(*payloads)]


def test_a_device_that_asks_hears_how_much_was_stored_and_refused(plant):
    asking = [at(-10, temperature=60, pressure=5), {**at(0, speed=1, pressure=5), "confirm": True}]
    asking[1] |= {"boot": "b7", "seq": 12}
    (answer,) = answers(plant, GOOD, asking)
    told = {"boot": "b7", "seq": 12, "ts": START_MS, "stored": 3, "rejected": 1}
    assert answer == ("mw/v1/pump-1/confirm", told)


def test_nobody_is_told_of_what_was_not_stored(plant):
    plant.store.is_away = True
    with pytest.raises(Unavailable):
        plant.send({**GOOD, "confirm": True})
    assert plant.latest.find(plant.network.asset) is None
    plant.store.is_away = False
    ((_, told),) = answers(plant, {**GOOD, "confirm": True})
    assert told["stored"] == 2


def test_a_store_that_was_closed_takes_no_reading(plant):
    plant.store.close()
    with pytest.raises(Unavailable):
        plant.send(GOOD)


def test_a_quarantine_that_cannot_be_written_holds_the_batch_back(any_plant):
    plant = any_plant
    fails = event.listens_for(plant.network.database._writers, "before_commit")
    broken = fails(_fail_once())
    with pytest.raises(Unavailable):
        plant.send({**GOOD, "confirm": True}, {"values": {"speed": 1}})
    event.remove(plant.network.database._writers, "before_commit", broken)
    assert plant.latest.find(plant.network.asset) is None
    plant.send({**GOOD, "confirm": True}, {"values": {"speed": 1}})
    assert plant.stored() == {0: GOOD["values"]}
    assert [row.code for row in plant.quarantined()] == ["unknown_metric"]


def _fail_once():
    def fail(session):
        raise Unavailable("The connection broke.")

    return fail


def reprocess_all(plant, code, source="pump-1"):
    with plant.network.transaction("maker") as session:
        return reprocess(
            session, source=source, code=code, again=plant.ingest.reprocess, at=plant.clock.now()
        )


def test_once_a_device_is_registered_its_kept_readings_come_in(any_plant):
    plant = any_plant
    plant.send([at(-10), at(0)], {"values": {"pressure": 6}}, device="pump-3")
    plant.clock.advance(3 * DAY)
    asset = plant.register("P-0003", "pump-3", days_ago=10)
    assert reprocess_all(plant, "unknown_device", "pump-3") == 2
    # A reading without a time of its own was measured when it came, not when it was mended.
    assert plant.stored(asset) == {-10: P5, 0: {"pressure": 6.0}}
    assert {row.resolution for row in plant.quarantined()} == {"reprocessed"}
    assert reprocess_all(plant, "unknown_device", "pump-3") == 0


def test_once_a_signal_is_mapped_its_kept_readings_come_in(any_plant):
    plant = any_plant
    plant.send(at(-10, T9=300, pressure=5), at(0, T9=310, speed=1))
    assert plant.stored() == {-10: P5}
    plant.map_signal("T9", "temperature", "K")
    assert reprocess_all(plant, "unknown_metric") == 1
    assert plant.stored() == {-10: {"temperature": pytest.approx(26.85), "pressure": 5.0}}
    assert [row.resolved_at for row in plant.quarantined()] == [START, None]


def test_readings_from_before_a_device_was_on_its_machine_stay_in_quarantine(plant):
    plant.send(at(-HOUR), at(0), device="pump-3")
    asset = plant.register("P-0003", "pump-3", days_ago=0)
    assert reprocess_all(plant, "unknown_device", "pump-3") == 1
    assert list(plant.stored(asset)) == [0]


def test_a_store_that_is_away_leaves_kept_messages_where_they_are(plant):
    plant.send(at(0), device="pump-3")
    plant.register("P-0003", "pump-3")
    plant.store.is_away = True
    with pytest.raises(Unavailable):
        reprocess_all(plant, "unknown_device", "pump-3")
    plant.store.is_away = False
    assert reprocess_all(plant, "unknown_device", "pump-3") == 1


def test_what_was_done_is_counted(plant):
    plant.send(GOOD, [at(-1), at(-2)], {"values": {"speed": 1, "pressure": 2}})
    counted = plant.ingest.counted
    assert (counted.messages, counted.values, counted.refused_messages) == (3, 5, 1)
