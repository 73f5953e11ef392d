"""A fleet of simulated machines at several sites, with a plan of faults, all from one seed.

It yields what the machines report; sending it is the publisher's part. Which machine has which
fault is for tests and evaluations only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, takewhile

import numpy as np
from numpy.typing import NDArray

from simulators.environment import Climate, Duty, Environment
from simulators.faults import USUAL_GROWTH, Fault, FaultKind, Growth
from simulators.machines.contract import Machine
from simulators.machines.screw_compressor import ScrewCompressor

Chunk = tuple[str, NDArray[np.int64], dict[str, NDArray[np.float64]]]
"""Device key, times in ms, metric → one value for each time."""

_DAY_MS = 86_400_000
_EVERY_DAY = tuple(range(7))
_BLOCKAGE_AFTER_MS = 5 * 60_000
_BLOCKAGE_FULL_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """A place with its own weather and work; `key` is unique in the fleet."""

    key: str
    name: str
    time_zone: str
    climate: Climate
    duty: Duty


SITES = (
    SimulatedSite(
        "hamburg", "Hamburg plant", "Europe/Berlin", Climate(19, 7, 3), Duty(6, 22, demand=0.68)
    ),
    SimulatedSite(
        "lyon",
        "Lyon foundry",
        "Europe/Paris",
        Climate(22, 8, 4),
        Duty(0, 24, _EVERY_DAY, demand=0.76),
    ),
    SimulatedSite(
        "suwon", "Suwon works", "Asia/Seoul", Climate(21, 11, 4), Duty(7, 19, demand=0.58)
    ),
    SimulatedSite(
        "suzhou",
        "Suzhou mill",
        "Asia/Shanghai",
        Climate(23, 10, 3),
        Duty(0, 24, (0, 1, 2, 3, 4, 5), demand=0.72),
    ),
    SimulatedSite(
        "toledo",
        "Toledo bottling",
        "America/New_York",
        Climate(20, 9, 4),
        Duty(5, 21, demand=0.63),
    ),
)


@dataclass(frozen=True, slots=True)
class SimulatedAsset:
    """One machine with its device; `faults` is the truth that the platform never sees."""

    device: str
    serial: str
    name: str
    site: SimulatedSite
    seed: int
    faults: tuple[Fault, ...]

    def make_machine(self) -> Machine:
        """The machine as it is when the fleet starts."""
        return ScrewCompressor(self.seed, self.faults)

    def make_environment(self) -> Environment:
        """What surrounds it; machines of one site share neither orders nor the very weather."""
        return Environment(self.seed, self.site.time_zone, self.site.climate, self.site.duty)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Assets that report every `interval_s` from `start_ms` on."""

    assets: tuple[SimulatedAsset, ...]
    start_ms: int
    interval_s: int = 60

    @property
    def equipment_model(self) -> str:
        """Key of the equipment model that all of them are."""
        return self.assets[0].make_machine().equipment_model

    def simulate(
        self, from_ms: int, until_ms: int | None = None, *, chunk_s: float = 86_400
    ) -> Iterator[Chunk]:
        """What the devices report in [from_ms, until_ms), chunk by chunk, asset by asset.

        Within a chunk of `chunk_s` all assets come one after the other; later chunks follow
        without an end when `until_ms` is None. Machines are taken through the time between the
        fleet's start and `from_ms` first, so counters go on where another call left them.
        """
        running = [_Running(asset, self) for asset in self.assets]
        for each in running:
            for begin, end in _cut(self.start_ms, max(from_ms, self.start_ms), _DAY_MS):
                each.simulate(begin, end)
        begin_ms = max(from_ms, self.start_ms)
        for begin, end in _cut(begin_ms, until_ms, max(int(chunk_s * 1000), 1)):
            for each in running:
                times_ms, values = each.simulate(begin, end)
                if times_ms.size:
                    yield each.asset.device, times_ms, values


class _Running:
    """A machine on its way through time."""

    def __init__(self, asset: SimulatedAsset, fleet: Fleet) -> None:
        self.asset = asset
        self._machine = asset.make_machine()
        self._environment = asset.make_environment()
        self._interval_ms = fleet.interval_s * 1000
        # Devices do not all speak in the same second.
        self._first_ms = fleet.start_ms + asset.seed * 7_919 % self._interval_ms

    def simulate(
        self, begin_ms: int, end_ms: int
    ) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
        first = -((self._first_ms - begin_ms) // self._interval_ms)
        last = -((self._first_ms - end_ms) // self._interval_ms)
        steps = np.arange(max(first, 0), max(last, 0), dtype=np.int64)
        times_ms = self._first_ms + steps * self._interval_ms
        return times_ms, self._machine.simulate(times_ms, self._environment.at(times_ms))


def _cut(begin_ms: int, end_ms: int | None, length_ms: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most that length from begin to end, or without an end."""
    starts: Iterator[int] = count(begin_ms, length_ms)
    if end_ms is None:
        yield from ((start, start + length_ms) for start in starts)
        return
    for start in takewhile(lambda each: each < end_ms, starts):
        yield start, min(start + length_ms, end_ms)


FaultPlan = Callable[[int], tuple[Fault, ...]]
"""Faults of the asset with that number, from 0."""


def plan_faults(
    seed: int, assets: int, start_ms: int, end_ms: int, *, share: float = 0.6
) -> FaultPlan:
    """Gives a `share` of the assets one fault each, after the first 0.4 of the period.

    What comes before is healthy for all, so that it can serve as the normal period. Every kind of
    fault comes once before one comes twice. The later half of the faults is still there when the
    period ends; the earlier half was mended a while after it was full. One asset more, at a site
    that never rests, has its cooler blocked just after the period: something to watch happen.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(assets).tolist()
    kinds = random.permutation(np.array([kind.value for kind in FaultKind])).tolist()
    chosen = order[: round(share * assets)]
    planned: dict[int, Fault] = {}
    for place, asset in enumerate(chosen):
        kind = FaultKind(kinds[place % len(kinds)])
        is_mended = place >= (len(chosen) + 1) // 2
        planned[asset] = _plan_fault(random, kind, start_ms, end_ms, is_mended=is_mended)
    for asset in order[len(chosen) :]:
        if SITES[asset % len(SITES)].duty.days == _EVERY_DAY:
            planned[asset] = _plan_blockage(end_ms)
            break
    return lambda asset: (planned[asset],) if asset in planned else ()


def _plan_fault(
    random: np.random.Generator, kind: FaultKind, start_ms: int, end_ms: int, *, is_mended: bool
) -> Fault:
    length_ms = end_ms - start_ms
    if is_mended:
        onset_ms = start_ms + int(length_ms * random.uniform(0.4, 0.5))
        full_ms = onset_ms + int(length_ms * random.uniform(0.12, 0.2))
        cleared_ms = full_ms + int(length_ms * random.uniform(0.03, 0.1))
        return Fault(kind, onset_ms, full_ms, USUAL_GROWTH[kind], cleared_ms)
    onset_ms = start_ms + int(length_ms * random.uniform(0.6, 0.75))
    full_ms = onset_ms + int((end_ms - onset_ms) * random.uniform(0.6, 0.95))
    return Fault(kind, onset_ms, full_ms, USUAL_GROWTH[kind])


def _plan_blockage(end_ms: int) -> Fault:
    onset_ms = end_ms + _BLOCKAGE_AFTER_MS
    return Fault(
        FaultKind.OIL_COOLER_CLOGGING, onset_ms, onset_ms + _BLOCKAGE_FULL_MS, Growth.STEADY
    )


def make_fleet(
    *,
    seed: int,
    assets: int,
    start_ms: int,
    planned_days: float = 30.0,
    interval_s: int = 60,
) -> Fleet:
    """A fleet of screw compressors whose faults come within `planned_days` from the start."""
    end_ms = start_ms + int(planned_days * _DAY_MS)
    plan = plan_faults(seed, assets, start_ms, end_ms)
    made = (_make_asset(seed, number, plan(number)) for number in range(assets))
    return Fleet(tuple(made), start_ms, interval_s)


def _make_asset(seed: int, number: int, faults: tuple[Fault, ...]) -> SimulatedAsset:
    return SimulatedAsset(
        device=f"sc-{number + 1:04d}",
        serial=f"SC37-{2400 + number + 1}",
        name=f"Compressor {number + 1}",
        site=SITES[number % len(SITES)],
        seed=seed * 10_007 + number,
        faults=faults,
    )
