"""A fleet of simulated machines of several kinds and sites, made from a seed and the truth ledger.

It yields what the machines report; sending it is the publisher's part. Which machine has which
fault is for tests, evaluations and simulated people only.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count, takewhile

import numpy as np
from numpy.typing import NDArray

from simulators.batches import Batch, list_batches
from simulators.device_clock import ClockError, draw_clock_error
from simulators.environment import Environment
from simulators.fault_plan import HEALTHY_SHARE, Member, plan_faults
from simulators.faults import Fault
from simulators.ledger import Act, Ledger, Listed, Row, gather_faults
from simulators.machines.contract import Machine
from simulators.machines.registry import KINDS, SENSORS_OF, make_machine
from simulators.sensor_faults import FaultySensors, SensorFault, draw_sensor_faults
from simulators.sites import SITES, SimulatedSite

Chunk = tuple[str, NDArray[np.int64], dict[str, NDArray[np.float64]]]
"""Device key, true times in ms, metric → one value for each time, NaN where a sensor is silent."""

DAY_MS = 86_400_000
_RIGHT_CLOCK = ClockError()
# Long stretches pass three times as fast as days do, and longer ones no faster.
_CATCH_UP_MS = 10 * DAY_MS
# A person's word for it, and what its device and its serial number begin with.
_NAMING = {
    "screw_compressor": ("Compressor", "sc", "SC37"),
    "centrifugal_pump": ("Pump", "cp", "CP80"),
    "machining_centre": ("Milling centre", "mc", "MC500"),
    "forklift": ("Forklift", "fl", "FL25"),
}
_PLACES = {
    "screw_compressor": ("hall A", "hall B", "boiler house"),
    "centrifugal_pump": ("cooling water", "well house", "process line"),
    "machining_centre": ("line 1", "line 2", "prototype shop"),
    "forklift": ("goods in", "dispatch", "yard"),
}


@dataclass(frozen=True, slots=True)
class SimulatedAsset:
    """One machine with its device; `faults` is the truth that the platform never sees."""

    device: str
    serial: str
    name: str
    kind: str
    batch: Batch
    site: SimulatedSite
    seed: int
    interval_s: int
    faults: tuple[Fault, ...] = ()
    sensor_faults: tuple[SensorFault, ...] = ()
    clock: ClockError = _RIGHT_CLOCK

    def make_machine(self) -> Machine:
        """The machine as it is when the fleet starts."""
        return make_machine(self.kind, self.seed, self.faults)

    def make_environment(self) -> Environment:
        """What surrounds it; machines of one site share neither orders nor the very weather."""
        return Environment(self.seed, self.site.time_zone, self.site.climate, self.site.duty)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Assets that report from `start_ms` on; with a ledger, their faults are what it says."""

    assets: tuple[SimulatedAsset, ...]
    start_ms: int
    ledger: Ledger | None = None
    seed: int = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of machine in it, which are the keys of their equipment models."""
        return tuple(dict.fromkeys(asset.kind for asset in self.assets))

    def list_metrics(self) -> dict[str, tuple[str, ...]]:
        """Device → everything that it will ever report."""
        return {asset.device: tuple(SENSORS_OF[asset.kind]) for asset in self.assets}

    def simulate(
        self, from_ms: int, until_ms: int | None = None, *, chunk_s: float = 86_400
    ) -> Iterator[Chunk]:
        """The chunks of `simulate_stretches`, one after the other."""
        return chain.from_iterable(self.simulate_stretches(from_ms, until_ms, chunk_s=chunk_s))

    def simulate_stretches(
        self, from_ms: int, until_ms: int | None = None, *, chunk_s: float = 86_400
    ) -> Iterator[list[Chunk]]:
        """What the devices report in [from_ms, until_ms): for each `chunk_s` a chunk a device.

        Devices without a reading in a stretch are left out of it; stretches follow without an end
        when `until_ms` is None. Machines are taken through the time between the fleet's start and
        `from_ms` first, so counters go on where another call left them. What was written into the
        ledger in the meantime shows from the next stretch on.
        """
        running = _Running(self)
        begin_ms = max(from_ms, self.start_ms)
        for begin, end in _cut(self.start_ms, begin_ms, _CATCH_UP_MS):
            running.simulate(begin, end)
        for begin, end in _cut(begin_ms, until_ms, max(int(chunk_s * 1000), 1)):
            running.read_ledger()
            yield running.simulate(begin, end)


class _Running:
    """The machines of a fleet on their way through time."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._machines = [_RunningMachine(asset, fleet.start_ms) for asset in fleet.assets]
        self._read_bytes = 0
        self.read_ledger()

    def read_ledger(self) -> None:
        """Gives every machine the faults that the ledger tells, when it has grown."""
        ledger = self._fleet.ledger
        if ledger is None or ledger.size == self._read_bytes:
            return
        self._read_bytes = ledger.size
        faults = gather_faults(ledger.read())
        for each in self._machines:
            each.set_faults(faults.get(each.asset.device, ()))

    def simulate(self, begin_ms: int, end_ms: int) -> list[Chunk]:
        chunks = [each.simulate(begin_ms, end_ms) for each in self._machines]
        return [chunk for chunk in chunks if chunk[1].size]


class _RunningMachine:
    """One machine; devices do not all speak in the same second."""

    def __init__(self, asset: SimulatedAsset, start_ms: int) -> None:
        self.asset = asset
        self._faults = asset.faults
        self._machine = asset.make_machine()
        self._sensors = FaultySensors(asset.seed, asset.sensor_faults)
        self._environment = asset.make_environment()
        self._interval_ms = asset.interval_s * 1000
        self._first_ms = start_ms + asset.seed * 7_919 % self._interval_ms

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        if faults != self._faults:
            self._faults = faults
            self._machine.set_faults(faults)

    def simulate(self, begin_ms: int, end_ms: int) -> Chunk:
        first = -((self._first_ms - begin_ms) // self._interval_ms)
        last = -((self._first_ms - end_ms) // self._interval_ms)
        steps = np.arange(max(first, 0), max(last, 0), dtype=np.int64)
        times_ms = self._first_ms + steps * self._interval_ms
        values = self._machine.simulate(times_ms, self._environment.at(times_ms))
        return self.asset.device, times_ms, self._sensors.read(times_ms, values)


def _cut(begin_ms: int, end_ms: int | None, length_ms: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most that length from begin to end, or without an end."""
    starts: Iterator[int] = count(begin_ms, length_ms)
    if end_ms is None:
        yield from ((start, start + length_ms) for start in starts)
        return
    for start in takewhile(lambda each: each < end_ms, starts):
        yield start, min(start + length_ms, end_ms)


def make_fleet(
    *,
    seed: int,
    assets: int,
    start_ms: int,
    planned_days: float = 30.0,
    interval_s: int = 60,
    ledger: Ledger | None = None,
    with_flaws: bool = False,
) -> Fleet:
    """A fleet whose faults come within `planned_days` from the start, and then go on coming.

    With a ledger the plan is written into it once, and from then on the ledger decides. With flaws
    clocks go wrong, and some sensors lie once the healthy part of the period is over.
    """
    end_ms = start_ms + int(planned_days * DAY_MS)
    made = list(_make_assets(seed, assets, interval_s))
    if with_flaws:
        made = [spoil_device(asset, start_ms, end_ms) for asset in made]
    faults: Mapping[str, tuple[Fault, ...]]
    faults = plan_faults(seed, [_as_member(asset) for asset in made], start_ms, end_ms)
    if ledger is not None:
        ledger.write_roster(Listed(a.device, a.serial, a.name, a.kind) for a in made)
        write_plan(ledger, faults, start_ms)
        faults = gather_faults(ledger.read())
    members = (replace(asset, faults=faults.get(asset.device, ())) for asset in made)
    return Fleet(tuple(members), start_ms, ledger, seed)


def spoil_device(asset: SimulatedAsset, start_ms: int, end_ms: int) -> SimulatedAsset:
    """The asset with a clock that goes wrong, and maybe sensors that lie in the later part."""
    length_ms = end_ms - start_ms
    sound_until_ms = start_ms + int(HEALTHY_SHARE * length_ms)
    sensors = SENSORS_OF[asset.kind]
    lies = draw_sensor_faults(asset.seed, sensors, sound_until_ms, end_ms + length_ms)
    clock = draw_clock_error(asset.seed, start_ms)
    return replace(asset, sensor_faults=lies, clock=clock)


def write_plan(ledger: Ledger, faults: Mapping[str, tuple[Fault, ...]], at_ms: int) -> None:
    """Writes the planned faults and the owners' own repairs, unless a plan is there already."""
    if any(row.act is Act.PLAN for row in ledger.read()):
        return
    ledger.append(
        *(
            row
            for device, of_device in faults.items()
            for fault in of_device
            for row in _write_fault(device, fault, at_ms)
        )
    )


def _write_fault(device: str, fault: Fault, at_ms: int) -> Iterator[Row]:
    yield Row(
        act=Act.PLAN,
        device=device,
        kind=fault.kind,
        onset_ms=fault.onset_ms,
        full_ms=fault.full_ms,
        growth=fault.growth,
        at_ms=at_ms,
    )
    if fault.cleared_ms is not None:
        yield Row(act=Act.REPAIR, device=device, kind=fault.kind, at_ms=fault.cleared_ms)


def _make_assets(seed: int, assets: int, interval_s: int) -> Iterator[SimulatedAsset]:
    of_kind: Counter[str] = Counter()
    at_site: Counter[tuple[str, str]] = Counter()
    for number in range(assets):
        site = SITES[number % len(SITES)]
        kind = _choose_kind(site, number // len(SITES))
        of_kind[kind] += 1
        at_site[site.key, kind] += 1
        batches = list_batches(kind)
        batch = batches[(of_kind[kind] * 7 + seed) % len(batches)]
        _, device, serial = _NAMING[kind]
        yield SimulatedAsset(
            device=f"{device}-{of_kind[kind]:04d}",
            serial=f"{serial}-{batch.code}-{of_kind[kind]:03d}",
            name=_name(kind, at_site[site.key, kind]),
            kind=kind,
            batch=batch,
            site=site,
            seed=seed * 10_007 + number,
            interval_s=interval_s,
        )


def _choose_kind(site: SimulatedSite, place: int) -> str:
    kinds = [kind for kind in site.kinds if kind in KINDS] or list(KINDS)
    return kinds[place % len(kinds)]


def _name(kind: str, number: int) -> str:
    places = _PLACES[kind]
    return f"{_NAMING[kind][0]} {number}, {places[(number - 1) % len(places)]}"


def _as_member(asset: SimulatedAsset) -> Member:
    return Member(asset.device, asset.kind, asset.batch.weakness, asset.site.never_rests)
